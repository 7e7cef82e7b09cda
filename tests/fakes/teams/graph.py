"""Microsoft Graph, as much of it as tells whether a post arrived."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes.teams.faults import STATUS, Faults
from tests.fakes.teams.journal import Journal, Posted


@dataclass
class Graph:
    journal: Journal
    faults: Faults
    url: str = ""
    consented: bool = True  # to ChannelMessage.Read.Group, by the owner of the team
    page: int = 2
    next_host: str = ""  # where it says the next page is, if not here
    looks: int = 0

    def add_to(self, app: web.Application) -> None:
        messages = "/v1.0/teams/{group}/channels/{channel}/messages"
        app.router.add_get(messages, self._messages)
        app.router.add_get(f"{messages}/{{root}}/replies", self._messages)

    async def _messages(self, request: web.Request) -> web.Response:
        self.looks += 1
        group, channel, root = (request.match_info.get(name, "") for name in ("group", "channel", "root"))
        if (fault := self.faults.take("history")) is not None:
            return web.json_response({"error": {"code": fault.code}}, status=STATUS[fault.trouble])
        if not self.consented or not request.headers.get("authorization", "").startswith("Bearer "):
            return web.json_response({"error": {"code": "Forbidden"}}, status=403)
        if group != self.journal.team.aad_group or channel not in self.journal.team.channels:
            return web.json_response({"error": {"code": "NotFound"}}, status=404)
        hanging = self.journal.thread(root) if root else self.journal.hanging(channel)
        newest = [each for each in reversed(hanging) if root or each.begins_a_thread]
        skip, most = int(request.query.get("$skiptoken", 0)), min(int(request.query["$top"]), self.page)
        answer: dict[str, Any] = {"value": [_message(each) for each in newest[skip : skip + most]]}
        if skip + most < len(newest):
            following = request.url.update_query({"$skiptoken": str(skip + most)})
            answer["@odata.nextLink"] = f"{self.next_host or self.url}{following.path_qs}"
        return web.json_response(answer)


def _message(posted: Posted) -> dict[str, Any]:
    given = posted.activity.get("attachments", ())
    attachments = [{"contentType": each["contentType"], "content": json.dumps(each["content"])} for each in given]
    return {
        "id": posted.id,
        "replyToId": None if posted.begins_a_thread else posted.root,
        "createdDateTime": datetime.fromtimestamp(int(posted.id) / 1000, UTC).isoformat().replace("+00:00", "Z"),
        "from": {"application": {"displayName": "Signoff", "applicationIdentityType": "bot"}},
        "body": {"contentType": "html", "content": '<attachment id="1"></attachment>'},
        "attachments": attachments,
    }
