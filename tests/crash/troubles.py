"""Everything that goes wrong beside the kills: Slack, the channel, the model, and on PostgreSQL the database."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from starlette.responses import Response

from bot.sandbox import Fault, SandboxServer, Trouble
from tests.crash.server import Server
from tests.fakes.claude import MISBEHAVIOURS, Asked, FakeClaude, saying
from tests.fakes.receiver import Answer, Receiver

# What Slack does to a call once in a while, and to an event on its way to the bot.
TROUBLES = (
    Trouble.RATE_LIMITED,
    Trouble.ERROR,
    Trouble.ERROR_AFTER,
    Trouble.DROP,
    Trouble.DROP_AFTER,
    Trouble.SLOW,
    Trouble.GARBAGE,
)
TROUBLED = ("chat.postMessage", "chat.postMessage", "chat.update", "conversations.history", "conversations.replies")
EVENT_TROUBLES = (Trouble.DUPLICATE, Trouble.REORDER)
EVENT = "app_mention"
# How the channel answers a reply now and then, and how long it may be away altogether.
REFUSALS = (Answer.BUSY, Answer.FAIL, Answer.SLOW, Answer.DROP, Answer.LATE, Answer.DROP, Answer.REFUSE)
AWAY_SECONDS = (0.3, 1.2)
# What becomes of one question in eight to the model.
MODEL = ("overloaded", "failing", "rate_limited", "dropping", "hanging", "html", "truncated_json", "refusal")
MODEL_ARGUMENTS = {"failing": {"status": 500}, "rate_limited": {"retry_after": "1"}, "hanging": {"seconds": 4}}
DATABASE_SECONDS = (6.0, 15.0)  # between two troubles of PostgreSQL's


@dataclass
class Troubles:
    sandbox: SandboxServer
    receiver: Receiver
    claude: FakeClaude
    server: Server | None  # PostgreSQL's; None: SQLite
    model: Counter[str] = field(default_factory=Counter)
    channel: Counter[str] = field(default_factory=Counter)
    database: Counter[str] = field(default_factory=Counter)

    def begin(self, chance: random.Random) -> None:
        """The model fails now and then; else it drafts for these words alone, so that no reply looks like another."""

        async def answer(asked: Asked) -> Response:
            if chance.random() < 1 / 8:
                what = chance.choice(MODEL)
                self.model[what] += 1
                return await MISBEHAVIOURS[what](**MODEL_ARGUMENTS.get(what, {}))(asked)
            return await _echo(asked)

        self.claude.always(answer)

    async def of_slack_and_channel(self, chance: random.Random, enough: asyncio.Event) -> None:
        while not enough.is_set():
            await asyncio.sleep(chance.uniform(0.2, 0.7))
            fault = Fault(chance.choice(TROUBLES), chance.choice(TROUBLED), seconds=0.3)
            if chance.random() < 0.15:
                fault = Fault(chance.choice(EVENT_TROUBLES), EVENT)
            if not any(other.method == fault.method and not other.struck for other in self.sandbox.faults.active):
                self.sandbox.faults.add(fault)  # one at a time: what fails again and again is waited for too long
            self.receiver.next(Answer.TAKE, chance.choice(REFUSALS))
            if chance.random() < 0.05:
                await self._channel_away(chance)

    async def _channel_away(self, chance: random.Random) -> None:
        self.channel["away for a while"] += 1
        self.receiver.always = Answer.DOWN
        await asyncio.sleep(chance.uniform(*AWAY_SECONDS))
        self.receiver.always = Answer.TAKE

    async def of_database(self, chance: random.Random, enough: asyncio.Event) -> None:
        """Its backends are killed, and at times the whole server dies and comes back."""
        while self.server is not None and not enough.is_set():
            await asyncio.sleep(chance.uniform(*DATABASE_SECONDS))
            if chance.random() < 0.25 and self.server.may_restart:
                self.database["server crashed and restarted"] += 1
                await asyncio.to_thread(self.server.crash_and_restart, chance.uniform(0.0, 1.5))
            else:
                self.database["connections killed"] += await asyncio.to_thread(self.server.kill_backends, chance)

    def end(self) -> None:
        self.sandbox.faults.clear()
        self.receiver._script.clear()
        self.receiver.always = Answer.TAKE
        self.claude.always(_echo)


async def _echo(asked: Asked) -> Response:
    if asked.is_triage:
        return await saying({"type": "text", "text": "{}"})(asked)
    return await saying({"type": "text", "text": f"In answer to: {asked.case.get('question', '')}"})(asked)
