"""Where a card hangs, as the opaque text the bot stores: conversation, activity, tenant and service URL."""

import re
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote, unquote

from bot.surfaces.base import SurfaceRefused

_SAFE: Final = ":@;=.-_/"
_FIELD: Final = re.compile(r"[A-Za-z0-9:@;=./_~%-]{1,500}")
_URL: Final = re.compile(r"https?://\S+")
_ROOT: Final = ";messageid="


@dataclass(frozen=True, kw_only=True)
class Ref:
    conversation: str  # 19:…@thread.tacv2;messageid=<root> in a channel; a: or 19: alone in a chat
    activity: str
    tenant: str
    service_url: str  # where it was posted, and is redrawn

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises SurfaceRefused for what no Teams surface wrote."""
        fields = text.split(" ")
        if len(fields) != 4 or not all(map(_FIELD.fullmatch, fields)):
            raise SurfaceRefused("not a reference to a Teams message")
        conversation, activity, tenant, service_url = map(unquote, fields)
        found = cls(conversation=conversation, activity=activity, tenant=tenant, service_url=service_url)
        if str(found) != text or _URL.fullmatch(service_url) is None:
            raise SurfaceRefused("not a reference to a Teams message")
        return found

    @property
    def channel(self) -> str:
        """The conversation without its thread: the place it hangs in."""
        return self.conversation.partition(_ROOT)[0]

    @property
    def root(self) -> str:
        """The activity that begins its thread; in a chat, which has none, itself."""
        return self.conversation.partition(_ROOT)[2] or self.activity

    @property
    def thread(self) -> Self:
        """The ref of the posting that begins its thread, as it was stored when that one was posted."""
        return replace(self, activity=self.root)

    def __str__(self) -> str:
        fields = (self.conversation, self.activity, self.tenant, self.service_url)
        return " ".join(quote(field, safe=_SAFE) for field in fields)


def in_thread(channel: str, root: str) -> str:
    """The conversation that is a thread of a channel. Without the suffix a reply would be a post of its own."""
    return f"{channel}{_ROOT}{root}"
