"""Views: modals and App Homes, around the blocks they hold."""

import json

from bot.sandbox.blockkit.blocks import problems
from bot.sandbox.blockkit.rules import PLAIN, Found, boolean, is_object, keys, note, string, text

TITLE = 24
PRIVATE_METADATA = 3000
CALLBACK_ID = 255
VIEW_BYTES = 250_000

SHARED = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
MODAL_KEYS = SHARED | {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}


def view_problems(view: object) -> list[str]:
    """Why Slack would refuse to open, push, update or publish this view; empty when it would not."""
    found: Found = []
    if not is_object(view, "", found):
        return found
    assert isinstance(view, dict)
    kind = view.get("type")
    if kind not in ("modal", "home"):
        note(found, f"unsupported type: {kind}", "/type")
        return found
    if kind == "modal":
        keys(view, MODAL_KEYS, ("title", "blocks"), "", found)
        for name in ("title", "submit", "close"):
            text(view.get(name), TITLE, f"/{name}", found, kinds=PLAIN)
        blocks = view.get("blocks")
        asks = isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
        if asks and view.get("submit") is None:
            note(found, "a modal with input blocks must have submit", "/submit")
    else:
        keys(view, SHARED, ("blocks",), "", found)
    string(view.get("private_metadata"), PRIVATE_METADATA, "/private_metadata", found, least=0)
    string(view.get("callback_id"), CALLBACK_ID, "/callback_id", found, least=0)
    string(view.get("external_id"), CALLBACK_ID, "/external_id", found, least=0)
    for name in ("clear_on_close", "notify_on_close", "submit_disabled"):
        boolean(view.get(name), f"/{name}", found)
    found += problems(view.get("blocks"), "home" if kind == "home" else "modal") if "blocks" in view else []
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        note(found, f"view_too_large: must be at most {VIEW_BYTES} bytes", "")
    return found
