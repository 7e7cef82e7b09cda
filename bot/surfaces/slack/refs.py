"""Where a card hangs, as the opaque text the bot stores: `C…/ts`, or `C…/ts/root` in a thread."""

import re
from dataclasses import dataclass
from typing import Final

from bot.surfaces.base import SurfaceRefused

_FORM: Final = re.compile(r"([A-Z0-9]+)/(\d+\.\d+)(?:/(\d+\.\d+))?")


@dataclass(frozen=True)
class Ref:
    channel: str
    ts: str
    root: str | None = None  # the ts of the message that begins its thread; None: it begins one itself

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Raises SurfaceRefused for what no Slack surface wrote."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise SurfaceRefused("not a reference to a Slack message")
        return cls(found[1], found[2], found[3])

    @property
    def thread(self) -> str:
        """The thread_ts of replies to it."""
        return self.root or self.ts

    def __str__(self) -> str:
        return "/".join(part for part in (self.channel, self.ts, self.root) if part)
