"""Rich text: sections, quotes, lists and code, and the runs of text, links and mentions in them."""

from bot.sandbox.blockkit.rules import JSON, Found, boolean, is_object, items, keys, note, one_of, string, whole

PARTS = frozenset({"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"})
PART_KEYS = {
    "rich_text_section": {"type", "elements"},
    "rich_text_quote": {"type", "elements", "border"},
    "rich_text_preformatted": {"type", "elements", "border", "language"},
    "rich_text_list": {"type", "elements", "style", "indent", "offset", "border"},
}
RUN_KEYS = {  # type -> (allowed besides type and style, required)
    "text": ({"text"}, ("text",)),
    "link": ({"url", "text", "unsafe"}, ("url",)),
    "user": ({"user_id"}, ("user_id",)),
    "usergroup": ({"usergroup_id"}, ("usergroup_id",)),
    "channel": ({"channel_id"}, ("channel_id",)),
    "team": ({"team_id"}, ("team_id",)),
    "emoji": ({"name", "unicode", "skin_tone", "url"}, ("name",)),
    "broadcast": ({"range"}, ("range",)),
    "date": ({"timestamp", "format", "url", "fallback"}, ("timestamp", "format")),
    "color": ({"value"}, ("value",)),
}
STYLES = frozenset({"bold", "italic", "strike", "code", "highlight", "client_highlight", "unlink", "underline"})


def rich_text(block: JSON, at: str, found: Found) -> None:
    for number, part in enumerate(items(block.get("elements"), 1, 1000, f"{at}/elements", found)):
        _part(part, f"{at}/elements/{number}", found)


def _part(part: object, at: str, found: Found) -> None:
    if not is_object(part, at, found):
        return
    assert isinstance(part, dict)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in PARTS:
        note(found, f"unsupported type: {kind}", f"{at}/type")
        return
    keys(part, PART_KEYS[kind], ("elements",), at, found)
    whole(part.get("border"), 0, 1, f"{at}/border", found)
    runs = items(part.get("elements"), 0, 5000, f"{at}/elements", found)
    if kind == "rich_text_list":
        keys(part, PART_KEYS[kind], ("style",), at, found)
        one_of(part.get("style"), {"bullet", "ordered"}, f"{at}/style", found)
        whole(part.get("indent"), 0, 8, f"{at}/indent", found)
        for number, entry in enumerate(runs):
            here = f"{at}/elements/{number}"
            if isinstance(entry, dict) and entry.get("type") != "rich_text_section":
                note(found, "must be a rich_text_section", here)
            else:
                _part(entry, here, found)
        return
    for number, run in enumerate(runs):
        _run(run, f"{at}/elements/{number}", found)


def _run(run: object, at: str, found: Found) -> None:
    if not is_object(run, at, found):
        return
    assert isinstance(run, dict)
    kind = run.get("type")
    rule = RUN_KEYS.get(kind) if isinstance(kind, str) else None
    if rule is None:
        note(found, f"unsupported type: {kind}", f"{at}/type")
        return
    allowed, required = rule
    keys(run, allowed | {"type", "style"}, required, at, found)
    if kind == "text":  # Slack refuses an empty run
        string(run.get("text"), 40_000, f"{at}/text", found)
    if kind == "broadcast":
        one_of(run.get("range"), {"here", "channel", "everyone"}, f"{at}/range", found)
    style = run.get("style")
    if style is None or not is_object(style, f"{at}/style", found):
        return
    for name, value in style.items():
        if name not in STYLES:
            note(found, f"no more fields allowed: {name}", f"{at}/style/{name}")
        boolean(value, f"{at}/style/{name}", found)
