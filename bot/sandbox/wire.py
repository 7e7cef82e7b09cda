"""The words both sides of the wire share: JSON, and Slack's way of saying no."""

from typing import Any

JSON = dict[str, Any]


class Refusal(Exception):
    """Slack's `{"ok": false, "error": code}`; `more` goes beside it (needed, provided, response_metadata, ...)."""

    def __init__(self, code: str, *messages: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more
        if messages:
            self.more["response_metadata"] = {"messages": list(messages)}

    def json(self) -> JSON:
        return {"ok": False, "error": self.code, **self.more}
