"""What Teams sends to a bot, as it words it: https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.teams.journal import ANA, Person, Posted, Team


@dataclass
class Activities:
    """Activities of one tenant and team, from one service URL."""

    app_id: str
    tenant: str
    service_url: str
    team: Team
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def press(
        self, on: Posted, verb: str, data: dict[str, Any], *, by: Person = ANA, id: str | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Action.Execute on a card; `data` has the card's own and the inputs."""
        value = {"action": {"type": "Action.Execute", "id": verb, "verb": verb, "data": data}, "trigger": "manual"}
        return self._base(by, on.conversation) | {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "id": id or f"f:{next(self._count)}",
            "replyToId": on.id,
            "value": value,
            **changes,
        }

    def says(
        self, text: str, *, by: Person = ANA, conversation: str | None = None, mention: bool = True, **changes: Any
    ) -> dict[str, Any]:
        """A message that reaches the bot: in a channel it must mention it. In a chat without `conversation`."""
        said = self._base(by, conversation or self.chat(by)) | {
            "type": "message",
            "id": str(1763900000000 + next(self._count)),
            "text": text,
            "textFormat": "plain",
        }
        if conversation and mention:
            entity = {"type": "mention", "text": "<at>Signoff</at>", "mentioned": {"id": f"28:{self.app_id}"}}
            said |= {"text": f"<at>Signoff</at> {text}", "entities": [entity]}
        return said | changes

    def installed(self, *, by: Person = ANA, action: str = "add", **changes: Any) -> dict[str, Any]:
        return self._base(by, self.team.id) | {
            "type": "installationUpdate",
            "id": f"f:{next(self._count)}",
            "action": action,
            **changes,
        }

    def chat(self, person: Person) -> str:
        return f"a:chat-{person.aad}"

    def _base(self, by: Person, conversation: str) -> dict[str, Any]:
        channel = conversation.partition(";messageid=")[0]
        given: dict[str, Any] = {"tenant": {"id": self.tenant}}
        account: dict[str, Any] = {"id": conversation, "tenantId": self.tenant, "conversationType": "personal"}
        if channel in self.team.channels:
            named = {"id": self.team.id, "name": self.team.name, "aadGroupId": self.team.aad_group}
            given |= {"team": named, "channel": {"id": channel}, "teamsTeamId": self.team.id, "teamsChannelId": channel}
            account |= {"conversationType": "channel", "isGroup": True}
        return {
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "timestamp": "2026-11-22T12:00:00.000Z",
            "from": by.account(),
            "recipient": {"id": f"28:{self.app_id}", "name": "Signoff"},
            "conversation": account,
            "channelData": given,
            "locale": "en-GB",
        }
