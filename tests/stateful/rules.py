"""DESIGN.md's promises as a small game in plain Python: what a press is answered, who waits, what may go out.

It knows no table and no step. Names of questions and the drafts on them come from outside (`learn`), because nobody can
foretell them; whether they were allowed to come is judged here.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    Dismiss,
    Edit,
    HandBack,
    Recategorise,
    Redraft,
    Resolve,
    RetryDelivery,
    SendReply,
    TakeOver,
    Undo,
)

HOLD: Final = timedelta(seconds=10)
QUIET: Final = timedelta(seconds=4)
QUIET_MOST: Final = timedelta(seconds=20)
CATEGORIES: Final = ("billing", "legal", "general")


@dataclass(frozen=True)
class Claim:
    """What a press says its presser saw. A letter or line is meant by its place in the thread."""

    thread: str
    sequence: int
    question: str | None = None
    draft: str | None = None  # its digest
    letter: tuple[str, int] | None = None  # thread and place, of what was said


@dataclass
class Line:
    """What a customer said. `asks`: somebody has to answer it."""

    words: str
    at: datetime
    asks: bool


@dataclass
class Letter:
    """What an agent authorised, and which lines it answers."""

    text: str
    by: str
    covers: frozenset[int]
    due: datetime
    question: str | None  # None: an owner's own words
    state: str = "held"  # held, taken back; let go: the channel's affair, until it is sent or failed
    retried: int = 0


@dataclass
class Question:
    """What agents are asked. It is open while nothing `ended` it."""

    name: str
    upto: int
    first_at: datetime
    due: datetime  # before that nobody drafts
    category: str = ""
    draft: str | None = None
    missing: bool = False
    wished: bool = False  # somebody asked for this draft: rules that want none do not count
    ended: str = ""  # superseded, or the kind of decision
    by: str = ""
    text: str = ""

    @property
    def being_written(self) -> bool:
        return self.draft is None and not self.missing


@dataclass
class Thread:
    said: list[Line | Letter] = field(default_factory=list)  # the place of a line, from 1, is its sequence
    owner: str | None = None
    open: Question | None = None
    questions: dict[str, Question] = field(default_factory=dict)
    settled: list[frozenset[int]] = field(default_factory=list)  # dismissed or resolved: for good

    def unanswered(self) -> frozenset[int]:
        dealt_with = set().union(
            *self.settled, *(one.covers for one in self.said if isinstance(one, Letter) and one.state != "taken back")
        )
        return frozenset(n for n, one in enumerate(self.said, 1) if isinstance(one, Line) and one.asks) - dealt_with

    def asked_by_then(self) -> frozenset[int]:
        return frozenset(n for n, one in enumerate(self.said, 1) if isinstance(one, Line) and one.asks)

    def learn(self, question: str, name: str) -> None:
        """A question's real name. Letters that answer it bear it too."""
        one = self.questions.pop(question)
        one.name = name
        self.questions[name] = one
        for _, letter in self.letters():
            if letter.question == question:
                letter.question = name

    def letters(self) -> list[tuple[int, Letter]]:
        return [(n, one) for n, one in enumerate(self.said, 1) if isinstance(one, Letter)]


@dataclass
class Rules:
    now: datetime
    chiefs: frozenset[str]  # supervisors
    agents: set[str]  # who may press now, chiefs among them
    threads: dict[str, Thread] = field(default_factory=dict)
    pauses: dict[str | None, datetime] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)  # events of presses that had their effect
    drafts: dict[str, str] = field(default_factory=dict)  # what was drafted, by its digest
    _unnamed: int = 0

    # -- what happens --------------------------------------------------------------------------------------------------

    def says(self, name: str, words: str, *, automatic: bool, thanks: bool) -> None:
        thread = self.threads.setdefault(name, Thread())
        asks = not automatic and not (thanks and thread.said and thread.open is None)
        thread.said.append(Line(words, self.now, asks))
        if not asks or thread.owner:
            return
        asked = thread.open
        if asked and asked.being_written:
            asked.upto = len(thread.said)
            asked.due = min(self.now + QUIET, max(asked.first_at + QUIET_MOST, self.now))
            return
        if asked:
            self._end(thread, "superseded")
        self._ask(thread, first_at=asked.first_at if asked else self.now, due=self.now + QUIET)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for thread in self.threads.values():
            for _, letter in thread.letters():
                if letter.state == "held" and letter.due <= self.now:
                    letter.state = "let go"

    def paused(self, category: str) -> bool:
        return any(until > self.now for scope, until in self.pauses.items() if scope in (None, category))

    def pause(self, by: str, scope: str | None, length: timedelta) -> Answer:
        if by not in self.agents:
            return Answer.NOT_ALLOWED
        self.pauses[scope] = max(self.pauses.get(scope, self.now), self.now + length)
        return Answer.RECORDED

    def resume(self, by: str, scope: str | None) -> Answer:
        if by not in self.agents:
            return Answer.NOT_ALLOWED
        for one in list(self.pauses):
            if scope in (None, one):
                del self.pauses[one]
        return Answer.RECORDED

    # -- presses -------------------------------------------------------------------------------------------------------

    def press(self, by: str, claim: Claim, decision: Decision, event: str | None = None) -> Answer:
        """What the presser must be told; what is recorded has happened."""
        if by not in self.agents:
            return Answer.NOT_ALLOWED
        thread = self.threads.get(claim.thread)
        if thread is None:
            return Answer.NOT_FOUND
        if event in self.heard:
            return Answer.REPEATED
        answer = self._meet(thread, by, claim, decision)
        if event and answer is Answer.RECORDED:
            self.heard.add(event)
        return answer

    def _meet(self, thread: Thread, by: str, claim: Claim, decision: Decision) -> Answer:
        match decision:
            case Undo():
                return self._undo(thread, claim)
            case RetryDelivery():
                return self._retry(thread, claim)
            case TakeOver():
                return self._take_over(thread, by, claim)
            case SendReply(text):
                return self._reply(thread, by, claim, text.strip())
            case HandBack():
                return self._hand_back(thread, by)
            case Resolve():
                return self._resolve(thread, by)
            case Redraft() if claim.question is None:
                return self._first_draft(thread)
            case Approve() | Edit() | Redraft() | Recategorise() | Dismiss():
                return self._judge(thread, by, claim, decision)
            case _:
                assert_never(decision)

    def _judge(
        self, thread: Thread, by: str, claim: Claim, decision: Approve | Edit | Redraft | Recategorise | Dismiss
    ) -> Answer:
        asked = thread.questions.get(claim.question or "")
        if asked is None:
            return Answer.NOT_FOUND
        if asked.ended == "superseded":
            return Answer.CUSTOMER_WROTE
        if asked.ended:
            text = decision.text.strip() if isinstance(decision, Edit) else asked.text
            same = (asked.by, asked.ended, asked.text) == (by, type(decision).__name__, text)
            return Answer.REPEATED if same else Answer.TOO_LATE
        if asked.upto != claim.sequence:
            return Answer.CUSTOMER_WROTE
        match decision:
            case Approve():
                if asked.draft is None or asked.draft != claim.draft:
                    return Answer.DRAFT_CHANGED
                return self._send(thread, by, decision, text=self.drafts[asked.draft])
            case Edit(text):
                if asked.draft != claim.draft:
                    return Answer.DRAFT_CHANGED
                return self._send(thread, by, decision, text=text.strip()) if text.strip() else Answer.INVALID
            case Dismiss():
                thread.settled.append(thread.unanswered())
                self._end(thread, "Dismiss", by)
                return Answer.RECORDED
            case Redraft(instruction):
                if self.paused(asked.category):
                    return Answer.INVALID
                asked.draft, asked.missing, asked.due, asked.wished = None, False, self.now, bool(instruction)
                return Answer.RECORDED
            case Recategorise(category):
                if category not in CATEGORIES:
                    return Answer.INVALID
                if category == asked.category:
                    return Answer.REPEATED
                asked.category = category
                return Answer.RECORDED
            case _:
                assert_never(decision)

    def _send(self, thread: Thread, by: str, decision: Approve | Edit, *, text: str) -> Answer:
        asked = self._end(thread, type(decision).__name__, by, "" if isinstance(decision, Approve) else text)
        thread.said.append(Letter(text, by, thread.unanswered(), self.now + HOLD, asked.name))
        return Answer.RECORDED

    def _undo(self, thread: Thread, claim: Claim) -> Answer:
        letter = self._letter(thread, claim)
        if letter is None:
            return Answer.NOT_FOUND
        if letter.state != "held":
            return Answer.REPEATED if letter.state == "taken back" else Answer.TOO_LATE
        before = thread.unanswered()
        letter.state = "taken back"
        if thread.owner or (letter.question is None and thread.unanswered() == before):
            return Answer.RECORDED
        newer = self._end(thread, "superseded") if thread.open else None
        first_at = min((self._at(thread, n) for n in thread.unanswered()), default=self.now)
        self._ask(thread, first_at=first_at, due=self.now)
        old = thread.questions.get(letter.question or "")
        if old and not newer and thread.open:
            thread.open.draft, thread.open.missing = old.draft, old.missing
            thread.open.upto = len(thread.said)
        return Answer.RECORDED

    def _retry(self, thread: Thread, claim: Claim) -> Answer:
        letter = self._letter(thread, claim)
        if letter is None:
            return Answer.NOT_FOUND
        if letter.state == "failed":
            letter.state = "let go"
            letter.retried += 1
            return Answer.RECORDED
        return Answer.REPEATED if letter.state == "let go" else Answer.TOO_LATE

    def _take_over(self, thread: Thread, by: str, claim: Claim) -> Answer:
        asked = thread.questions.get(claim.question or "")
        if claim.question is not None and asked is None and self._asked_elsewhere(claim.question):
            return Answer.NOT_FOUND
        if thread.owner is not None:
            if thread.owner == by:
                return Answer.REPEATED
            if by not in self.chiefs:
                return Answer.NOT_OWNER
            thread.owner = by
            return Answer.RECORDED
        if asked and asked.ended not in ("", "superseded") and claim.letter is None:
            return Answer.REPEATED if (asked.by, asked.ended) == (by, "TakeOver") else Answer.TOO_LATE
        if thread.open:
            self._end(thread, "TakeOver", by)
        thread.owner = by
        return Answer.RECORDED

    def _reply(self, thread: Thread, by: str, claim: Claim, text: str) -> Answer:
        if thread.owner != by:
            return Answer.NOT_OWNER
        if not text:
            return Answer.INVALID
        if any(n > claim.sequence for n in thread.asked_by_then()):
            return Answer.CUSTOMER_WROTE
        thread.said.append(Letter(text, by, thread.asked_by_then(), self.now + HOLD, None))
        return Answer.RECORDED

    def _hand_back(self, thread: Thread, by: str) -> Answer:
        if thread.owner is None or (thread.owner != by and by not in self.chiefs):
            return Answer.NOT_OWNER
        thread.owner = None
        if waiting := thread.unanswered():
            self._ask(thread, first_at=self._at(thread, min(waiting)), due=self.now)
        return Answer.RECORDED

    def _resolve(self, thread: Thread, by: str) -> Answer:
        if thread.owner is None or (thread.owner != by and by not in self.chiefs):
            return Answer.NOT_OWNER
        thread.owner = None
        thread.settled.append(thread.unanswered())
        return Answer.RECORDED

    def _first_draft(self, thread: Thread) -> Answer:
        if thread.owner:
            return Answer.NOT_OWNER
        if thread.open:
            return Answer.REPEATED
        self._ask(thread, first_at=self.now, due=self.now)
        return Answer.RECORDED

    # -- the parts of it -----------------------------------------------------------------------------------------------

    def _ask(self, thread: Thread, *, first_at: datetime, due: datetime) -> None:
        self._unnamed += 1
        question = Question(f"new{self._unnamed}", len(thread.said), first_at, due)
        thread.open = thread.questions[question.name] = question

    def _end(self, thread: Thread, how: str, by: str = "", text: str = "") -> Question:
        asked = thread.open
        assert asked is not None
        asked.ended, asked.by, asked.text = how, by, text
        thread.open = None
        return asked

    def _letter(self, thread: Thread, claim: Claim) -> Letter | None:
        if claim.letter is None or claim.letter[0] != claim.thread:
            return None
        one = thread.said[claim.letter[1] - 1]
        return one if isinstance(one, Letter) else None

    def _at(self, thread: Thread, place: int) -> datetime:
        line = thread.said[place - 1]
        assert isinstance(line, Line)
        return line.at

    def _asked_elsewhere(self, question: str) -> bool:
        return any(question in thread.questions for thread in self.threads.values())
