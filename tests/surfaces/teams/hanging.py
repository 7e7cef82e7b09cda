"""Eyes on a surface's cards in the fake Teams: what tests/surfaces/contract.py asks for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.surfaces.base import Surface
from bot.surfaces.teams.refs import Ref
from tests.fakes.teams import FakeTeams, Fault, Posted, Trouble
from tests.surfaces.recording import Clock


@dataclass
class OnTeams:
    """See contract.Hung. A card is known by its posting's id, which stands in it as a value (an element's id)."""

    teams: FakeTeams
    surface: Surface
    clock: Clock = field(default_factory=Clock)
    place: str = "19:support@thread.tacv2"

    def posted(self, ref: str) -> Posted:
        where = Ref.parse(ref)
        found = self.teams.journal.find(where.conversation, where.activity)
        assert found is not None, ref
        return found

    def keys(self) -> list[str]:
        return [each.key for each in self.teams.journal.hanging(self.place) if each.key]

    def words(self, ref: str) -> str:
        return " ".join(" ".join(_texts(self.posted(ref).cards)).split())

    def pings(self) -> list[str]:
        return [ping for each in self.teams.journal.posted for ping in each.pings]

    def in_thread_of(self, ref: str) -> list[str]:
        return [each.key for each in self.teams.journal.thread(self.posted(ref).root) if each.key]

    def lose_the_answer_of_the_next_post(self, *, by_dropping: bool) -> None:
        trouble = Trouble.DROP_AFTER if by_dropping else Trouble.ERROR_AFTER
        self.teams.faults.add(Fault(trouble, calls=("create", "reply")))

    def refuse_the_next_call(self) -> None:
        self.teams.faults.add(Fault(Trouble.REFUSE, code="MessageWritesBlocked"))

    def pass_time(self, by: timedelta) -> None:
        self.clock.passed += by

    def now(self) -> datetime:
        return self.clock()


def _texts(value: Any) -> list[str]:
    """All that is read: texts, titles and labels, in the order they stand."""
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    if not isinstance(value, dict):
        return []
    own = [value[name] for name in ("text", "title", "label") if isinstance(value.get(name), str)]
    return own + [text for part in value.values() for text in _texts(part)]
