"""The objects that elements carry: the confirm dialog and the option of a menu."""

from bot.sandbox.blockkit.rules import PLAIN, Found, is_object, keys, one_of, string, text, url

OPTION_TEXT = 75
OPTION_VALUE = 150
STYLES = frozenset({"primary", "danger"})


def confirm(value: object, at: str, found: Found) -> None:
    if not is_object(value, at, found):
        return
    assert isinstance(value, dict)
    keys(value, {"title", "text", "confirm", "deny", "style"}, ("title", "text", "confirm", "deny"), at, found)
    text(value.get("title"), 100, f"{at}/title", found, kinds=PLAIN)
    text(value.get("text"), 300, f"{at}/text", found)
    text(value.get("confirm"), 30, f"{at}/confirm", found, kinds=PLAIN)
    text(value.get("deny"), 30, f"{at}/deny", found, kinds=PLAIN)
    one_of(value.get("style"), STYLES, f"{at}/style", found)


def option(value: object, at: str, found: Found, *, kinds: tuple[str, ...] = PLAIN, link: bool = False) -> None:
    if not is_object(value, at, found):
        return
    assert isinstance(value, dict)
    allowed = {"text", "value", "description", "url"} if link else {"text", "value", "description"}
    keys(value, allowed, ("text", "value"), at, found)
    text(value.get("text"), OPTION_TEXT, f"{at}/text", found, kinds=kinds)
    string(value.get("value"), OPTION_VALUE, f"{at}/value", found)
    text(value.get("description"), OPTION_TEXT, f"{at}/description", found, kinds=kinds)
    if link:
        url(value.get("url"), f"{at}/url", found)
