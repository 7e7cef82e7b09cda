"""How a life ends: at a named point, or at a moment that the outside can see coming, or at any."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.sandbox import Fault, Message, SandboxServer, Trouble
from storage.failpoints import Point
from tests.crash.agents import AGENTS, Agents, may_undo, offered
from tests.crash.lives import Life, Nursery
from tests.crash.server import Server
from tests.fakes.receiver import Answer, Receiver

Moment = Callable[[], Awaitable[None]]
Plan = Point | Moment

_FIRST_TIMES = 3  # a life dies at the first, second or third time
_REACHED_WITHIN_SECONDS = 8
_HUNG_SECONDS = 0.5  # a life that hangs is left so for a while, then killed as an operator would
_NOT_STARTED = (1, 3)  # the exit codes of a bot that refused to start, and of a server whose start failed
_ONLY_AT_THE_END = (Point.STOPPING, Point.STOPPED)
_ONCE = (*_ONLY_AT_THE_END, Point.STARTED)
# What must happen first, for a point that is rarely passed.
_PROVOKED = {Point.REFUSED: Answer.REFUSE, Point.DELAYED: Answer.FAIL}


@dataclass
class Kills:
    nursery: Nursery
    sandbox: SandboxServer
    receiver: Receiver
    agents: Agents
    order: random.Random  # who dies where; nothing but that is drawn from it
    chance: random.Random  # when exactly
    server: Server | None  # PostgreSQL's, which may be away
    at_points: Counter[Point] = field(default_factory=Counter)
    hung_at: Counter[Point] = field(default_factory=Counter)
    at_moments: Counter[str] = field(default_factory=Counter)
    missed: Counter[Point] = field(default_factory=Counter)  # not reached in time: killed at any moment instead
    absent: int = 0  # moments that did not come by: killed at any
    not_started: int = 0  # the database was away, said so, and the next life began
    strange_ends: list[str] = field(default_factory=list)
    _pressing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def total(self) -> int:
        return self.at_points.total() + self.hung_at.total() + self.at_moments.total()

    def plans(self, kills: int) -> Iterator[Plan]:
        """Every point once and again until it was reached, every moment, and so on for as many kills as wished."""
        to_come: list[Plan] = []
        while self.total < max(kills, len(Point)) or not self.at_points.keys() >= set(Point):
            if not to_come:
                once = [point for point in Point if not self.at_points[point]] or [*Point]
                room = max(kills - self.total - len(once), 0)
                to_come = [*once, *self.order.sample(self._moments(), min(room, len(self._moments())))]
                self.order.shuffle(to_come)
            yield to_come.pop()

    async def one_life(self, port: int, plan: Plan) -> None:
        if isinstance(plan, Point):
            await self._until_a_point(port, plan)
        else:
            await self._until_a_moment(port, plan)
        for pressing in list(self._pressing):
            await pressing

    # -- at a point ----------------------------------------------------------------------------------------------

    async def _until_a_point(self, port: int, point: Point) -> None:
        nth = 1 if point in _ONCE else self.chance.randint(1, _FIRST_TIMES)
        how = "--hang-at" if self.chance.random() < 0.1 else "--die-at"
        life = await self.nursery.begin(port, how, f"{point}:{nth}")
        if point in _ONLY_AT_THE_END and await life.ready():
            await asyncio.sleep(self.chance.uniform(0.3, 0.8))
            life.tell(signal.SIGTERM)
        try:
            async with asyncio.timeout(_REACHED_WITHIN_SECONDS):
                await self._provoked(life, point)
        except TimeoutError:
            self.missed[point] += 1
            self.at_moments["a point not reached"] += 1
            await life.kill()
            return
        if life.hung.is_set():
            self.hung_at[point] += 1
            await asyncio.sleep(_HUNG_SECONDS)
            await life.kill()
        elif life.status == -signal.SIGKILL:
            self.at_points[point] += 1
        else:
            self.ended_by_itself(life, point)

    async def _provoked(self, life: Life, point: Point) -> None:
        ends = [asyncio.create_task(life.ended.wait()), asyncio.create_task(life.hung.wait())]
        try:
            while not any(end.done() for end in ends):
                if point in _PROVOKED:
                    self.receiver.first(_PROVOKED[point])
                await asyncio.wait(ends, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def ended_by_itself(self, life: Life, plan: str) -> None:
        """As it should only where the database was away when it began."""
        if self.server is not None and life.status in _NOT_STARTED:
            self.not_started += 1
        else:
            self.strange_ends.append(f"{plan}: ended with {life.status}")

    # -- at a moment ---------------------------------------------------------------------------------------------

    async def _until_a_moment(self, port: int, moment: Moment) -> None:
        life = await self.nursery.begin(port)
        if moment != self._starting:
            if not await life.ready():
                self.ended_by_itself(life, moment.__name__)
                return
            await asyncio.sleep(self.chance.uniform(0.3, 0.9))
        self.at_moments[moment.__name__.strip("_").replace("_", " ")] += 1
        await moment()
        await life.kill()

    def _moments(self) -> list[Moment]:
        return [
            self._some_time,
            self._some_other_time,
            self._starting,
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

    async def _some_other_time(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, 2.5))

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
        task = asyncio.create_task(doing)
        self._pressing.add(task)
        task.add_done_callback(self._pressing.discard)

    async def _or_soon(self, moment: Awaitable[object]) -> None:
        """Where that moment does not come by, any other is as good."""
        try:
            await moment
        except TimeoutError:
            self.absent += 1
