"""Random conversations: what customers, agents, channels, Slack, the model and time may do, in any order."""

import asyncio
import copy
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from bot.core.cards import Action, Card
from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    HandBack,
    PauseRequest,
    Press,
    Presser,
    Recategorise,
    Redraft,
    Resolve,
    RetryDelivery,
    SendReply,
    Shown,
    TakeOver,
    Undo,
)
from storage.database import Database
from storage.tables import DeliveryStatus, JobKind
from tests.desk import MONDAY, PEOPLE
from tests.stateful.judging import judge, judge_cards, judge_rest
from tests.stateful.rules import Claim, Rules
from tests.stateful.world import CHANNELS, View, World

AGENTS = {"Ana": "U0ANA", "Bo": "U0BO", "Dee": "U0DEE"}  # Dee is a supervisor
STRANGER = {"Eve": "U0EVE"}
EVERYONE = AGENTS | STRANGER

threads = st.sampled_from(["ada", "ada", "cleo", *CHANNELS])  # much happens to few
agents = st.sampled_from(list(AGENTS))
anybody = st.sampled_from([*AGENTS, *AGENTS, *STRANGER])
texts = st.sampled_from(["Tomorrow.", "On Friday.", " "])
words = st.sampled_from(["Where is it?", "Send an invoice", "I call my lawyer", "thanks"])
seconds = st.sampled_from([1, 4, 10, 20, 61, 400])
decisions = st.one_of(
    st.just(Approve()),
    st.builds(Edit, texts),
    st.just(TakeOver()),
    st.builds(Redraft, st.sampled_from(["", "shorter"])),
    st.builds(Recategorise, st.sampled_from(["billing", "legal", "general", "nonsense"])),
    st.just(Dismiss(DismissReason.SPAM)),
    st.just(Undo()),
    st.just(RetryDelivery()),
    st.builds(SendReply, texts),
    st.just(HandBack()),
    st.just(Resolve()),
)
BUTTONS: dict[Action, Callable[[str], Decision]] = {
    Action.APPROVE: lambda _: Approve(),
    Action.READ_ALL: lambda _: Approve(),
    Action.EDIT: Edit,
    Action.WRITE: Edit,
    Action.TAKE_OVER: lambda _: TakeOver(),
    Action.REDRAFT: lambda text: Redraft(text.strip()),
    Action.RECATEGORISE: lambda _: Recategorise("legal"),
    Action.DISMISS: lambda _: Dismiss(DismissReason.SPAM),
    Action.UNDO: lambda _: Undo(),
    Action.RETRY: lambda _: RetryDelivery(),
    Action.REPLY: SendReply,
    Action.HAND_BACK: lambda _: HandBack(),
    Action.RESOLVE: lambda _: Resolve(),
    Action.DRAFT: lambda _: Redraft(),
}
MOODS = {
    "web": ("takes", "is away", "refuses", "loses"),
    "mail": ("takes", "is away", "refuses", "loses"),
    "slack": ("answers", "is away", "loses"),
    "the model": ("drafts", "takes its time", "cannot", "repeats itself"),
}


class Conversations(RuleBasedStateMachine):
    """After every step the database, the wall and the channels are held against the rules."""

    fresh_url: ClassVar[Callable[[], str]]  # a migrated database of its own for each run
    cards = Bundle("cards")  # every look that any card ever had: pressed fresh, or late

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = self.runner.run(self._open())
        self.rules = Rules(MONDAY, frozenset({"U0DEE"}), {person.external_id for person in PEOPLE})
        self.said: list[tuple[str, str, str, bool]] = []
        self.events = 0
        self.pressed: list[tuple[str, Claim, Press]] = []
        self.possible: list[Rules] = []  # what the rules may come to, after things that happened at once
        self.sound = True  # until a step fails: then the end would only fail too

    async def _open(self) -> World:
        world = World(Database(type(self).fresh_url()))
        await world.__aenter__()
        return world

    def teardown(self) -> None:
        try:
            if self.sound:
                self.runner.run(self._drain())
        finally:
            self.runner.run(self._close())
            self.runner.close()

    async def _close(self) -> None:
        self.world.moody.let_go()
        await self.world.close_shop()
        await self.world.db.__aexit__()

    async def _drain(self) -> None:
        """All is well again, and time enough passes: everything comes to its end."""
        self.world.wall.away, self.world.moody.mood = False, "drafts"
        self.world.moody.let_go()
        for wire in self.world.wires.values():
            wire.mood = "takes"
        for _ in range(12):
            await self._pass(400)
            rows = await self.world.rows()
            if not rows.jobs:
                break
        judge(self.rules, self.world, rows)
        judge_rest(rows)
        await judge_cards(self.world, rows)

    def _step(self, doing: Coroutine[Any, Any, Any], thread: str | None = None) -> View:
        """Do it, let follow what follows, judge. What then hangs (in the thread) is there to be pressed, now or late.

        One look a step, whatever happened: how often a card was redrawn meanwhile is chance.
        """
        self.sound = False
        self.runner.run(self._judged(doing))
        self.sound = True
        hanging = [card for card in self.world.wall.hanging.values() if thread in (None, self._thread(card.shown))]
        return View(hanging[-1] if hanging else None)

    async def _judged(self, doing: Coroutine[Any, Any, Any]) -> None:
        await doing
        await self.world.settle()
        self.rows = await self.world.rows()
        self._judge()
        if not self._unsettled():
            await judge_cards(self.world, self.rows)

    def _unsettled(self) -> bool:
        """Cards are still to be drawn, or a channel's answer was lost and nobody has noticed yet."""
        last = {key: what for wire in self.world.wires.values() for key, what in wire.log}
        lost = [key for key, what in last.items() if what == "lost"]
        unnoticed = any(self.rows.deliveries[key].status is DeliveryStatus.SENDING for key in lost)
        return unnoticed or self.world.wall.away or any(job.kind is JobKind.SHOW for job in self.rows.jobs)

    def _judge(self) -> None:
        """By the rules; where two things happened at once, in whichever order explains what is there."""
        possible, self.possible = self.possible or [self.rules], []
        for left, self.rules in enumerate(possible, 1 - len(possible)):
            try:
                judge(self.rules, self.world, self.rows)
            except AssertionError:
                if left == 0:
                    raise
            else:
                return

    def _thread(self, shown: Shown) -> str:
        return next(name for name, one in self.rows.conversations.items() if one.id == shown.conversation_id)

    # -- customers -----------------------------------------------------------------------------------------------------

    @initialize(target=cards, thread=threads)
    def somebody_writes(self, thread: str) -> View:
        return self._step(self._write(thread, "Where is it?", automatic=False, pauses=True), thread)

    @rule(target=cards, thread=threads, words=words, pauses=st.booleans())
    def writes(self, thread: str, words: str, pauses: bool) -> View:
        return self._step(self._write(thread, words, automatic=False, pauses=pauses), thread)

    @rule(target=cards, thread=threads)
    def sends_an_automatic_reply(self, thread: str) -> View:
        return self._step(self._write(thread, "Out of office", automatic=True, pauses=False), thread)

    @precondition(lambda self: self.said)
    @rule(target=cards, which=st.integers(0, 5))
    def the_channel_repeats_a_message(self, which: int) -> View:
        thread, text, key, automatic = self.said[-1 - which % len(self.said)]
        return self._step(self.world.hear(thread, text, key=key, automatic=automatic), thread)

    async def _write(self, thread: str, words: str, *, automatic: bool, pauses: bool) -> None:
        text, key = self._words(words, thread, automatic=automatic)
        self.rules.says(thread, text, automatic=automatic, thanks=words == "thanks")
        await self.world.hear(thread, text, key=key, automatic=automatic)
        if pauses:
            await self.world.settle()
            await self._pass(4)

    def _words(self, words: str, thread: str, *, automatic: bool = False) -> tuple[str, str]:
        key = f"m{len(self.said) + 1}"
        text = words if words == "thanks" else f"{words} ({key})"
        self.said.append((thread, text, key, automatic))
        return text, key

    # -- agents --------------------------------------------------------------------------------------------------------

    @rule(target=cards, card=cards, by=agents, text=texts)
    def presses_the_first_button(self, card: View, by: str, text: str) -> View:
        """Of the conversation's newest card, as it looks now."""
        return self._press_button(card, 0, by, text)

    @rule(target=cards, card=cards, button=st.integers(0, 6), by=agents, text=texts)
    def presses_a_button(self, card: View, button: int, by: str, text: str) -> View:
        return self._press_button(card, button, by, text)

    @rule(target=cards, card=cards, by=agents)
    def presses_undo(self, card: View, by: str) -> View:
        """Wherever in the conversation a card offers it: the oldest first."""
        here = self._thread(card.shown) if card.shown else None
        found = [each for each in self.world.wall.hanging.values() if Action.UNDO in each.buttons]
        mine = [each for each in found if self._thread(each.shown) == here]
        return self._step(self._press(mine[0].shown, Undo(), by), here) if mine else card

    def _press_button(self, card: View, button: int, by: str, text: str) -> View:
        newest = self._newest(card)
        offered = newest.buttons + newest.menu if newest else ()
        if not newest or not offered:
            return card
        action = offered[button % len(offered)]
        return self._step(self._press(newest.shown, BUTTONS[action](text), by), self._thread(newest.shown))

    @rule(target=cards, card=cards, button=st.integers(0, 6), by=agents, text=texts)
    def presses_what_they_saw(self, card: View, button: int, by: str, text: str) -> View:
        """A button of a look that may be long gone."""
        offered = card.card.buttons + card.card.menu if card.card else ()
        if card.shown is None or not offered:
            return card
        action = offered[button % len(offered)]
        return self._step(self._press(card.shown, BUTTONS[action](text), by), self._thread(card.shown))

    @rule(target=cards, thread=threads, by=agents, text=texts)
    def writes_and_is_answered(self, thread: str, by: str, text: str) -> View:
        """By the first button of whatever card hangs then."""
        written = self._step(self._write(thread, "And now?", automatic=False, pauses=True), thread)
        return self._press_button(written, 0, by, text)

    @rule(target=cards, card=cards, meanwhile=st.none() | decisions, by=agents, other=agents, text=texts)
    def presses_after_something_happened(
        self, card: View, meanwhile: Decision | None, by: str, other: str, text: str
    ) -> View:
        """Somebody looks at the newest card; a colleague decides, or the customer writes (None); then they press."""
        seen = self._newest(card)
        if seen is None or not seen.buttons:
            return card
        thread = self._thread(seen.shown)
        if meanwhile is None:
            self._step(self._write(thread, "One more thing", automatic=False, pauses=False), thread)
        else:
            self._step(self._press(seen.shown, meanwhile, other), thread)
        return self._step(self._press(seen.shown, BUTTONS[seen.buttons[0]](text), by), thread)

    @rule(target=cards, card=cards, decision=decisions, by=anybody)
    def presses_anything(self, card: View, decision: Decision, by: str) -> View:
        """Anything at all, on any look a card ever had."""
        if card.shown is None:
            return card
        return self._step(self._press(card.shown, decision, by), self._thread(card.shown))

    @rule(target=cards, card=cards, other=cards, decision=decisions, by=agents)
    def forges_a_button(self, card: View, other: View, decision: Decision, by: str) -> View:
        """Bound to one conversation, and to the question, draft and reply of another card."""
        one, two = card.shown, other.shown
        if one is None or two is None:
            return card
        shown = Shown(
            conversation_id=one.conversation_id,
            sequence=two.sequence,
            review_id=two.review_id,
            draft_digest=two.draft_digest,
            message_id=two.message_id,
        )
        return self._step(self._press(shown, decision, by), self._thread(shown))

    @precondition(lambda self: self.pressed)
    @rule(target=cards, which=st.integers(0, 4))
    def slack_delivers_a_press_again(self, which: int) -> View:
        by, claim, press = self.pressed[-1 - which % len(self.pressed)]
        return self._step(self._repeat(by, claim, press))

    @rule(target=cards, card=cards, first=decisions, second=decisions, by=agents, and_by=agents)
    def two_press_at_once(self, card: View, first: Decision, second: Decision, by: str, and_by: str) -> View:
        newest = self._newest(card)
        if newest is None:
            return card
        return self._step(self._at_once(newest.shown, [(by, first), (and_by, second)]), self._thread(newest.shown))

    @rule(target=cards, card=cards, decision=decisions, by=agents)
    def writes_while_somebody_presses(self, card: View, decision: Decision, by: str) -> View:
        newest = self._newest(card)
        if newest is None:
            return card
        thread = self._thread(newest.shown)
        return self._step(self._race(thread, newest.shown, decision, by), thread)

    @rule(by=anybody, scope=st.sampled_from([None, "billing"]), minutes=st.sampled_from([1, 10, 0]))
    def pauses_or_resumes_drafting(self, by: str, scope: str | None, minutes: int) -> None:
        self._step(self._pause(by, scope, timedelta(minutes=minutes)) if minutes else self._resume(by, scope))

    @rule(who=agents)
    def leaves_or_comes_back(self, who: str) -> None:
        """Of the group whose members may press."""
        self._step(self._roster(EVERYONE[who]))

    def _newest(self, seen: View) -> Card | None:
        """The card of that conversation that was put up last, as it looks now."""
        if seen.shown is None:
            return None
        here = self._thread(seen.shown)
        return [card for card in self.world.wall.hanging.values() if self._thread(card.shown) == here][-1]

    def _claim(self, shown: Shown) -> Claim:
        places = {message.id: (name, message.sequence) for name in self.rules.threads for message in self.rows.of(name)}
        letter = places.get(shown.message_id or "")
        return Claim(self._thread(shown), shown.sequence, shown.review_id, shown.draft_digest, letter)

    def _made(self, shown: Shown, decision: Decision, by: str) -> tuple[str, Claim, Press]:
        self.events += 1
        who = Presser(surface="slack", external_id=EVERYONE[by])
        press = Press(who=who, on=shown, decision=decision, event=f"e{self.events}")
        self.pressed.append((by, self._claim(shown), press))
        return self.pressed[-1]

    async def _press(self, shown: Shown, decision: Decision, by: str) -> None:
        await self._repeat(*self._made(shown, decision, by))

    async def _repeat(self, by: str, claim: Claim, press: Press) -> None:
        expected = self.rules.press(EVERYONE[by], claim, press.decision, press.event)
        verdict = await self.world.front.decide(press)
        note(f"  {by}: {press.decision} on {claim} -> {verdict.answer}")
        assert verdict.answer is expected, f"{by} is told {verdict.answer}, not {expected}: {verdict.words}"

    async def _at_once(self, shown: Shown, both: list[tuple[str, Decision]]) -> None:
        made = [self._made(shown, decision, by) for by, decision in both]
        verdicts = await asyncio.gather(*(self.world.front.decide(press) for _, _, press in made))
        told = [verdict.answer for verdict in verdicts]
        note(f"  at once on {made[0][1]}: {both} -> {told}")
        for order in ([0, 1], [1, 0]):
            rules = copy.deepcopy(self.rules)
            answers = {at: self._foretell(rules, made[at]) for at in order}
            if [answers[0], answers[1]] == told:
                self.possible.append(rules)
        assert self.possible, f"told {told}: neither order explains it"

    async def _race(self, thread: str, shown: Shown, decision: Decision, by: str) -> None:
        made = self._made(shown, decision, by)
        text, key = self._words("And this?", thread)
        hearing = self.world.hear(thread, text, key=key, automatic=False)
        verdict, _ = await asyncio.gather(self.world.front.decide(made[2]), hearing)
        note(f"  {by}: {decision} while {thread} writes -> {verdict.answer}")
        for wrote_first in (True, False):
            rules = copy.deepcopy(self.rules)
            if wrote_first:
                rules.says(thread, text, automatic=False, thanks=False)
            told = self._foretell(rules, made)
            if not wrote_first:
                rules.says(thread, text, automatic=False, thanks=False)
            if told is verdict.answer:
                self.possible.append(rules)
        assert self.possible, f"{by} is told {verdict.answer}: {verdict.words}"

    def _foretell(self, rules: Rules, made: tuple[str, Claim, Press]) -> Answer:
        by, claim, press = made
        return rules.press(EVERYONE[by], claim, press.decision, press.event)

    async def _pause(self, by: str, scope: str | None, length: timedelta) -> None:
        expected = self.rules.pause(EVERYONE[by], scope, length)
        who = Presser(surface="slack", external_id=EVERYONE[by])
        verdict = await self.world.front.pause(PauseRequest(who=who, category=scope, length=length))
        assert verdict.answer is expected

    async def _resume(self, by: str, scope: str | None) -> None:
        expected = self.rules.resume(EVERYONE[by], scope)
        verdict = await self.world.front.resume(Presser(surface="slack", external_id=EVERYONE[by]), scope)
        assert verdict.answer is expected

    async def _roster(self, who: str) -> None:
        here = who in self.rules.agents
        members = [person for person in PEOPLE if person.external_id in self.rules.agents - {who}]
        if not here:
            members += [person for person in PEOPLE if person.external_id == who]
        self.world.wall.people = members
        self.rules.agents ^= {who}
        await self.world.front.roster_changed("slack")

    # -- the world -----------------------------------------------------------------------------------------------------

    @rule(target=cards, seconds=seconds)
    def time_passes(self, seconds: int) -> View:
        return self._step(self._pass(seconds))

    async def _pass(self, seconds: int) -> None:
        self.rules.passes(seconds)
        await self.world.pass_time(seconds)

    @rule(what=st.sampled_from([*MOODS]), mood=st.integers(0, 3))
    def becomes(self, what: str, mood: int) -> None:
        """From now on; what loses something, loses one answer only."""
        how = MOODS[what][mood % len(MOODS[what])]
        note(f"  {what} {how}")
        if what == "slack":
            self.world.wall.lost, self.world.wall.away = how == "loses", how == "is away"
        elif what == "the model":
            self.world.moody.mood = how
        elif how == "loses":
            self.world.wires[what].lost = True
        else:
            self.world.wires[what].mood = how

    @rule(target=cards)
    def late_drafts_arrive(self) -> View:
        self.world.moody.let_go()
        return self._step(self.world.settle())

    @rule(target=cards)
    def the_bot_restarts(self) -> View:
        return self._step(self._restart())

    async def _restart(self) -> None:
        self.world.moody.let_go()
        await self.world.close_shop()
        self.world.open_shop()
