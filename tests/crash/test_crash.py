"""Kill -9, again and again, while everything else goes wrong too; afterwards nothing is lost and nothing said twice.

`make crash ARGS="--kills 100 --seed 7"` tries harder. The counts are printed in any case.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from bot.sandbox import Fault, Message, SandboxServer, Trouble
from tests.crash.agents import AGENTS, Agents, may_undo, offered
from tests.crash.customers import Customers
from tests.crash.ledger import Ledger
from tests.crash.lives import Lives
from tests.fakes.claude import Asked, FakeClaude, saying
from tests.fakes.receiver import Answer, Receiver
from tests.serving import free_port

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CUSTOMERS = ("ada", "ben", "cleo", "dan", "eve")
POLICY = """
[desk]
name = "Larkspur Supply"
hold_seconds = 0.6
quiet_seconds = 0.1

[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
posts_per_second = 1000
updates_per_minute = 60000

[channels.shop]
kind = "webhook"
title = "Shop"
url = "{url}"
secret_env = "SHOP_SECRET"
timeout_seconds = 2
"""
# What Slack does to a call once in a while, and how the channel answers a reply.
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
REFUSALS = (Answer.BUSY, Answer.FAIL, Answer.SLOW, Answer.DROP)
SETTLED_WITHIN_SECONDS = 60


@dataclass
class World:
    """The bot's lives, and everybody they deal with."""

    lives: Lives
    sandbox: SandboxServer
    receiver: Receiver
    customers: Customers
    agents: Agents
    ledger: Ledger
    chance: random.Random
    moments: Counter[str] = field(default_factory=Counter)
    to_come: list[Callable[[], Awaitable[None]]] = field(default_factory=list)  # each moment once before any twice
    pressing: asyncio.Task[None] | None = None

    async def trouble(self, chance: random.Random, enough: asyncio.Event) -> None:
        """Slack and the channel misbehave now and then."""
        while not enough.is_set():
            await asyncio.sleep(chance.uniform(0.1, 0.5))
            fault = Fault(chance.choice(TROUBLES), chance.choice(TROUBLED), seconds=0.3)
            if not any(other.method == fault.method and not other.struck for other in self.sandbox.faults.active):
                self.sandbox.faults.add(fault)  # one at a time: what fails again and again is waited for too long
            self.receiver.next(Answer.TAKE, chance.choice(REFUSALS))

    async def be_killed(self) -> None:
        """One life: begun, lived for a moment, killed."""
        await self.lives.begin()
        if not self.to_come:
            self.to_come = [self._some_time, self._some_time, self._starting, *self._narrow()]
            self.chance.shuffle(self.to_come)
        moment = self.to_come.pop()
        if moment != self._starting:
            await self.lives.ready()
            await asyncio.sleep(self.chance.uniform(0.3, 0.9))
        self.moments[moment.__name__.strip("_").replace("_", " ")] += 1
        await moment()
        await self.lives.kill()
        if self.pressing is not None:
            await self.pressing
            self.pressing = None

    def _narrow(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self._a_card_was_posted,
            self._a_card_was_redrawn,
            self._a_reply_was_taken,
            self._a_press_arrives,
            self._an_undo_arrives,
            self._a_take_over_arrives,
            self._an_owner_replies,
        ]

    async def _some_time(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, 0.8))

    async def _starting(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, 0.6))

    async def _a_card_was_posted(self) -> None:
        await self._slow_call_begun("chat.postMessage")

    async def _a_card_was_redrawn(self) -> None:
        await self._slow_call_begun("chat.update")

    async def _slow_call_begun(self, method: str) -> None:
        """Slack has done it, and the bot does not know yet."""
        fault = self.sandbox.faults.add(Fault(Trouble.SLOW, method, seconds=1.0))
        await self._or_soon(self.sandbox.until(lambda: fault.struck, timeout_seconds=3))

    async def _a_reply_was_taken(self) -> None:
        """The channel has it, and the bot does not know yet."""
        count = len(self.receiver.taken)
        self.receiver.next(Answer.SLOW)
        await self._or_soon(self.receiver.until(count + 1, within_seconds=3))

    async def _a_press_arrives(self) -> None:
        await self._or_soon(self.sandbox.until(self.agents.open_cards, timeout_seconds=3))
        self._press(self.agents.finish())
        await asyncio.sleep(self.chance.uniform(0.0, 0.05))

    async def _an_undo_arrives(self) -> None:
        """Pressed as soon as a card offers it: what was undone before the kill stays undone."""
        await self._or_soon(self.sandbox.until(self._approvable, timeout_seconds=3))
        for card in self._approvable()[:1]:
            self._press(self.agents.think_again(AGENTS[1], card))
            await self._or_soon(self.sandbox.until(partial(may_undo, card), timeout_seconds=2))
        await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    async def _a_take_over_arrives(self) -> None:
        await self._or_soon(self.sandbox.until(self.agents.open_cards, timeout_seconds=3))
        for card in self.agents.open_cards()[:1]:
            self._press(self.agents.take_over(AGENTS[2], card))
        await asyncio.sleep(self.chance.uniform(0.0, 0.05))

    async def _an_owner_replies(self) -> None:
        await self._or_soon(self.sandbox.until(self._owned, timeout_seconds=3))
        for user, card in self._owned()[:1]:
            self._press(self.agents.reply(user, card))
        await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    def _approvable(self) -> list[Message]:
        return [card for card in self.agents.open_cards() if "approve" in offered(card)]

    def _owned(self) -> list[tuple[str, Message]]:
        return [(user, card) for user in AGENTS for card in self.agents.owned_by(user)]

    def _press(self, doing: Coroutine[Any, Any, None]) -> None:
        """It may last longer than this life."""
        self.pressing = asyncio.create_task(doing)

    async def _or_soon(self, moment: Awaitable[object]) -> None:
        """Where that moment does not come by, any other is as good."""
        try:
            await moment
        except TimeoutError:
            self.moments["any other"] += 1

    async def settle(self) -> None:
        """Nothing goes wrong any more, and agents answer what waits, until nothing does."""
        self.sandbox.faults.clear()
        self.receiver._script.clear()
        try:
            async with asyncio.timeout(SETTLED_WITHIN_SECONDS):
                while self.ledger.unfinished:
                    await self.agents.finish()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            left = self.ledger.rows("select kind, subject, status, attempts, error, run_at from job")
            pending = self.ledger.rows("select * from review where status = 'pending'")
            raise AssertionError(f"it did not settle: {left=} {pending=}") from None

    def figures(self) -> str:
        faults = Counter(trouble.value for _, trouble in self.sandbox.faults.struck)
        answers = Counter(post.answer.value for post in self.receiver.posts)
        count = self.ledger.count
        return "\n".join(
            [
                f"kills {len(self.lives.exits) - 1}: {_listed(self.moments)}",
                f"Slack's faults: {_listed(faults)}",
                f"the channel's answers: {_listed(answers)}",
                f"messages {len(self.customers.accepted)}, posted as: {_listed(self.customers.attempts)}",
                f"presses: {_listed(self.agents.presses)}",
                f"decisions {count('select count(*) from decision')}: {_listed(self.ledger.decisions())}",
                f"undone in time {self.ledger.decisions()['undo']}, told too late {self.agents.told_too_late}; "
                f"still owned {count('select count(*) from conversation where owner_id is not null')}",
                f"deliveries {count('select count(*) from delivery')}, cards {count('select count(*) from posting')}",
                f"replies repeated under their key {self.receiver.repeats}",
            ]
        )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


async def _echo(asked: Asked) -> Response:
    """A draft for these words alone, so that no reply can be taken for another."""
    if asked.is_triage:
        return await saying({"type": "text", "text": "{}"})(asked)
    return await saying({"type": "text", "text": f"In answer to: {asked.case.get('question', '')}"})(asked)


@asynccontextmanager
async def a_world(folder: Path, database_url: str, seed: int) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        claude = await stack.enter_async_context(FakeClaude())
        claude.always(_echo)
        receiver = await stack.enter_async_context(Receiver(SECRET))
        sandbox = await stack.enter_async_context(SandboxServer(limited=False, retry_scale=0.01, seed=seed))
        (folder / "signoff.toml").write_text(POLICY.format(url=receiver.url), encoding="utf-8")
        environment = {
            **sandbox.environment(),
            "SLACK_APP_TOKEN": "",
            "DATABASE_URL": database_url,
            "SIGNOFF_SECRET": "s" * 40,
            "SHOP_SECRET": SECRET,
            "ANTHROPIC_API_KEY": "sk-ant-fake",
            "ANTHROPIC_BASE_URL": claude.url,
            "SIGNOFF_LOG": "json",
        }
        lives = await stack.enter_async_context(Lives(folder, environment, free_port()))
        sandbox.connect(f"{lives.url}/slack/events")
        yield World(
            lives=lives,
            sandbox=sandbox,
            receiver=receiver,
            customers=Customers(f"{lives.url}/channels/shop/messages", SECRET),
            agents=Agents(sandbox),
            ledger=Ledger(folder / "signoff.db"),
            chance=random.Random(seed),
        )


async def test_no_kill_loses_a_message_or_says_a_reply_twice(
    tmp_path: Path, sqlite_url: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kills, seed = request.config.getoption("kills", default=12), request.config.getoption("seed", default=1)

    async with a_world(tmp_path, sqlite_url, seed) as world:
        enough = asyncio.Event()
        async with asyncio.timeout(60 + 20 * kills), asyncio.TaskGroup() as everybody:
            for number, name in enumerate(CUSTOMERS):
                everybody.create_task(world.customers.write(name, random.Random(f"{seed}/{number}"), enough))
            for user in AGENTS:
                everybody.create_task(world.agents.work(user, random.Random(f"{seed}/{user}"), enough))
            everybody.create_task(world.trouble(random.Random(f"{seed}/trouble"), enough))
            for _ in range(kills):
                await world.be_killed()
            await world.lives.begin()
            enough.set()
        await world.lives.ready()
        await world.settle()
        await world.lives.stop()

        wrongs = world.ledger.wrongs(world.customers, world.agents, world.receiver)
        with capsys.disabled():
            print(f"\nseed {seed}, {world.figures()}\nbroken promises: {wrongs or 'none'}")
        assert world.lives.exits[-1] == 0, world.lives.log[-2000:]
        assert not wrongs, f"seed {seed}: {wrongs}"
        assert len(world.receiver.taken) > kills
