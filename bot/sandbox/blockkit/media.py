"""Pictures and videos as blocks of their own."""

from bot.sandbox.blockkit.rules import JSON, PLAIN, Found, Surface, note, string, text, url


def image(block: JSON, _: Surface, at: str, found: Found) -> None:
    if (block.get("image_url") is None) == (block.get("slack_file") is None):
        note(found, "must have either image_url or slack_file", at)
    url(block.get("image_url"), f"{at}/image_url", found)
    string(block.get("alt_text"), 2000, f"{at}/alt_text", found)
    text(block.get("title"), 2000, f"{at}/title", found, kinds=PLAIN)


def video(block: JSON, _: Surface, at: str, found: Found) -> None:
    text(block.get("title"), 200, f"{at}/title", found, kinds=PLAIN)
    text(block.get("description"), 200, f"{at}/description", found, kinds=PLAIN)
    string(block.get("alt_text"), 2000, f"{at}/alt_text", found)
    string(block.get("author_name"), 50, f"{at}/author_name", found)
    for name in ("video_url", "thumbnail_url", "title_url", "provider_icon_url"):
        url(block.get(name), f"{at}/{name}", found)
