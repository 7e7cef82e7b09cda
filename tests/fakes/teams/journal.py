"""What hangs in the fake's teams, and who was there."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_KEY: Final = re.compile(r'"(pst_[a-z0-9]+)"')


@dataclass
class Posted:
    """An activity of the bot's as it stands; `versions` are what was sent, the first included."""

    id: str
    conversation: str
    versions: list[dict[str, Any]]

    @property
    def activity(self) -> dict[str, Any]:
        return self.versions[-1]

    @property
    def channel(self) -> str:
        return self.conversation.partition(";messageid=")[0]

    @property
    def root(self) -> str:
        return self.conversation.partition(";messageid=")[2]

    @property
    def begins_a_thread(self) -> bool:
        return self.root == self.id

    @property
    def key(self) -> str | None:
        """The posting's id that its card carries somewhere, as a value of its own."""
        found = _KEY.search(json.dumps(self.cards))
        return found[1] if found else None

    @property
    def pings(self) -> list[str]:
        """Whom it notifies: by an entity of the message, or by one of a card."""
        entities = list(self.activity.get("entities", ()))
        for card in self.cards:
            entities += card.get("msteams", {}).get("entities", ())
        return [each["mentioned"]["id"] for each in entities if each.get("type") == "mention"]

    @property
    def cards(self) -> list[dict[str, Any]]:
        kind = "application/vnd.microsoft.card.adaptive"
        return [each["content"] for each in self.activity.get("attachments", ()) if each.get("contentType") == kind]


@dataclass(frozen=True, kw_only=True)
class Person:
    id: str  # 29:…, another for each bot
    aad: str
    name: str
    email: str

    def member(self, tenant: str) -> dict[str, Any]:
        given, _, family = self.name.partition(" ")
        return {
            "id": self.id,
            "name": self.name,
            "objectId": self.aad,
            "aadObjectId": self.aad,
            "givenName": given,
            "surname": family,
            "email": self.email,
            "userPrincipalName": self.email,
            "tenantId": tenant,
            "userRole": "user",
        }

    def account(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "aadObjectId": self.aad}


ANA = Person(id="29:1ana", aad="00000000-0000-4000-8000-0000000000a1", name="Ana Ruiz", email="ana@larkspur.example")
BO = Person(id="29:1bo", aad="00000000-0000-4000-8000-0000000000b0", name="Bo Lindqvist", email="bo@larkspur.example")
CY = Person(id="29:1cy", aad="00000000-0000-4000-8000-0000000000c1", name="Cy Park", email="cy@larkspur.example")
DEE = Person(id="29:1dee", aad="00000000-0000-4000-8000-0000000000d1", name="Dee Osei", email="dee@larkspur.example")
ELI = Person(id="29:1eli", aad="00000000-0000-4000-8000-0000000000e1", name="Eli Marsh", email="eli@larkspur.example")


@dataclass
class Team:
    id: str = "19:general@thread.tacv2"  # as of its General channel
    name: str = "Larkspur Support"
    aad_group: str = "00000000-0000-4000-8000-00000000f001"
    channels: tuple[str, ...] = ("19:general@thread.tacv2", "19:support@thread.tacv2", "19:billing@thread.tacv2")
    members: list[Person] = field(default_factory=lambda: [ANA, BO, CY, DEE, ELI])
    installed: bool = True


@dataclass
class Journal:
    team: Team = field(default_factory=Team)
    chats: set[str] = field(default_factory=set)  # personal conversations with the bot
    posted: list[Posted] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1763800000000))

    def post(self, activity: dict[str, Any], conversation: str | None, channel: str = "") -> Posted:
        """`conversation` None: it begins a thread in the channel."""
        made = str(next(self._count))
        posted = Posted(made, conversation or f"{channel};messageid={made}", [activity])
        self.posted.append(posted)
        return posted

    def find(self, conversation: str, activity: str) -> Posted | None:
        channel = conversation.partition(";messageid=")[0]
        return next((each for each in self.posted if each.id == activity and each.channel == channel), None)

    def knows(self, conversation: str) -> bool:
        """Whether something may be posted there."""
        channel, _, root = conversation.partition(";messageid=")
        if channel in self.chats:
            return not root
        return channel in self.team.channels and (not root or any(each.id == root for each in self.posted))

    def hanging(self, channel: str) -> list[Posted]:
        """In the order of posting, threads included."""
        return [each for each in self.posted if each.channel == channel]

    def thread(self, root: str) -> list[Posted]:
        """The replies, without the root."""
        return [each for each in self.posted if each.root == root and each.id != root]
