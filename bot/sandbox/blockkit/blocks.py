"""The blocks themselves: which surface takes which, how many, and what each carries."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.blockkit.elements import EVERYWHERE, element_problems
from bot.sandbox.blockkit.media import image, video
from bot.sandbox.blockkit.richtext import rich_text
from bot.sandbox.blockkit.rules import (
    JSON,
    PLAIN,
    Found,
    Surface,
    boolean,
    is_object,
    items,
    keys,
    note,
    one_of,
    string,
    text,
    whole,
)
from bot.sandbox.blockkit.tables import DATA_CHECKS

BLOCKS = {"message": 50, "modal": 100, "home": 100}
BLOCK_ID = 255
SECTION_TEXT = 3000
FIELDS = 10
FIELD_TEXT = 2000
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
MARKDOWN_TEXT = 12_000  # over all markdown blocks of a message together
MESSAGE_CHARACTERS = 10_000
"""Undocumented at Slack, where `msg_blocks_too_long` was seen from 11,341 characters on: we stay below."""

Check = Callable[[JSON, Surface, str, Found], None]


def problems(blocks: object, surface: Surface) -> list[str]:
    """Why Slack would refuse these blocks on this surface, one sentence each; empty when it would not."""
    found: Found = []
    listed = items(blocks, 0 if surface == "home" else 1, BLOCKS[surface], "/blocks", found)
    if blocks is None:
        note(found, "missing required field: blocks", "")
    _blocks(listed, surface, "/blocks", found)
    _uniqueness(listed, found)
    if surface == "message":
        _totals(listed, found)
    return found


def characters(value: object) -> int:
    """Characters of text drawn by blocks: text objects, rich text runs, markdown, table cells."""
    if isinstance(value, dict):
        inner = value.get("text")
        own = len(inner) if isinstance(inner, str) else 0
        return own + sum(characters(part) for part in value.values() if isinstance(part, dict | list))
    if isinstance(value, list):
        return sum(characters(part) for part in value)
    return 0


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block type: its surfaces and keys (besides type and block_id), and what to look at inside."""

    keys: frozenset[str]
    required: frozenset[str] = frozenset()
    surfaces: frozenset[str] = EVERYWHERE
    check: Check | None = None


def _blocks(blocks: list[Any], surface: Surface, at: str, found: Found) -> None:
    for number, block in enumerate(blocks):
        _block(block, surface, f"{at}/{number}", found)


def _block(block: object, surface: Surface, at: str, found: Found) -> None:
    if not is_object(block, at, found):
        return
    assert isinstance(block, dict)
    kind = block.get("type")
    rule = RULES.get(kind) if isinstance(kind, str) else None
    if rule is None:
        note(found, f"unsupported type: {kind}", f"{at}/type")
        return
    if surface not in rule.surfaces:
        note(found, f"{kind} blocks are not available in a {surface}", at)
    keys(block, rule.keys | {"type", "block_id"}, rule.required, at, found)
    string(block.get("block_id"), BLOCK_ID, f"{at}/block_id", found)
    if rule.check:
        rule.check(block, surface, at, found)


def _uniqueness(blocks: list[Any], found: Found) -> None:
    """A block_id once in all blocks, an action_id once in a block."""
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in seen:
                note(found, f"block_id already used: {block_id}", f"/blocks/{number}/block_id")
            seen.add(block_id)
        elements = block.get("elements")
        if not isinstance(elements, list):
            continue
        actions: set[str] = set()
        for place, element in enumerate(elements):
            action_id = element.get("action_id") if isinstance(element, dict) else None
            if isinstance(action_id, str):
                if action_id in actions:
                    note(found, f"action_id already used: {action_id}", f"/blocks/{number}/elements/{place}/action_id")
                actions.add(action_id)


def _totals(blocks: list[Any], found: Found) -> None:
    kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
    if kinds.count("table") > 1:
        note(found, "only one table is allowed in a message", "/blocks")
    marked = [
        block["text"]
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "markdown" and isinstance(block.get("text"), str)
    ]
    if sum(map(len, marked)) > MARKDOWN_TEXT:
        note(found, f"markdown blocks must be less than {MARKDOWN_TEXT + 1} characters together", "/blocks")
    total = characters(blocks)
    if total > MESSAGE_CHARACTERS:
        note(found, f"msg_blocks_too_long: {total} characters, at most {MESSAGE_CHARACTERS}", "/blocks")


def _section(block: JSON, surface: Surface, at: str, found: Found) -> None:
    if block.get("text") is None and block.get("fields") is None:
        note(found, "must have text or fields", at)
    text(block.get("text"), SECTION_TEXT, f"{at}/text", found)
    boolean(block.get("expand"), f"{at}/expand", found)
    for number, entry in enumerate(items(block.get("fields"), 1, FIELDS, f"{at}/fields", found)):
        text(entry, FIELD_TEXT, f"{at}/fields/{number}", found)
    if block.get("accessory") is not None:
        element_problems(block["accessory"], "section", surface, f"{at}/accessory", found)


def _header(block: JSON, _: Surface, at: str, found: Found) -> None:
    text(block.get("text"), HEADER_TEXT, f"{at}/text", found, kinds=PLAIN)
    whole(block.get("level"), 1, 6, f"{at}/level", found)


def _context(block: JSON, surface: Surface, at: str, found: Found) -> None:
    for number, part in enumerate(items(block.get("elements"), 1, CONTEXT_ELEMENTS, f"{at}/elements", found)):
        here = f"{at}/elements/{number}"
        if isinstance(part, dict) and part.get("type") == "image":
            element_problems(part, "context", surface, here, found)
        else:
            text(part, FIELD_TEXT, here, found)


def _actions(block: JSON, surface: Surface, at: str, found: Found) -> None:
    for number, part in enumerate(items(block.get("elements"), 1, ACTIONS_ELEMENTS, f"{at}/elements", found)):
        element_problems(part, "actions", surface, f"{at}/elements/{number}", found)


def _context_actions(block: JSON, surface: Surface, at: str, found: Found) -> None:
    for number, part in enumerate(items(block.get("elements"), 1, 5, f"{at}/elements", found)):
        element_problems(part, "context_actions", surface, f"{at}/elements/{number}", found)


def _input(block: JSON, surface: Surface, at: str, found: Found) -> None:
    text(block.get("label"), 2000, f"{at}/label", found, kinds=PLAIN)
    text(block.get("hint"), 2000, f"{at}/hint", found, kinds=PLAIN)
    boolean(block.get("optional"), f"{at}/optional", found)
    boolean(block.get("dispatch_action"), f"{at}/dispatch_action", found)
    if block.get("element") is not None:
        element_problems(block["element"], "input", surface, f"{at}/element", found)


def _rich_text(block: JSON, _: Surface, at: str, found: Found) -> None:
    rich_text(block, at, found)


def _markdown(block: JSON, _: Surface, at: str, found: Found) -> None:
    string(block.get("text"), MARKDOWN_TEXT, f"{at}/text", found)


def _alert(block: JSON, _: Surface, at: str, found: Found) -> None:
    text(block.get("text"), 200, f"{at}/text", found)
    one_of(block.get("level"), {"default", "info", "warning", "error", "success"}, f"{at}/level", found)


def _card(block: JSON, surface: Surface, at: str, found: Found) -> None:
    for name, limit in (("title", 150), ("subtitle", 150), ("body", 200)):
        text(block.get(name), limit, f"{at}/{name}", found)
    for number, part in enumerate(items(block.get("actions"), 1, 3, f"{at}/actions", found)):
        element_problems(part, "card", surface, f"{at}/actions/{number}", found)


def _carousel(block: JSON, surface: Surface, at: str, found: Found) -> None:
    for number, part in enumerate(items(block.get("elements"), 1, 10, f"{at}/elements", found)):
        if isinstance(part, dict) and part.get("type") == "card":
            _block(part, surface, f"{at}/elements/{number}", found)
        else:
            note(found, "must be a card", f"{at}/elements/{number}")


def _container(block: JSON, surface: Surface, at: str, found: Found) -> None:
    text(block.get("title"), 150, f"{at}/title", found, kinds=PLAIN)
    text(block.get("subtitle"), 150, f"{at}/subtitle", found, kinds=PLAIN)
    for number, part in enumerate(items(block.get("child_blocks"), 1, 10, f"{at}/child_blocks", found)):
        here = f"{at}/child_blocks/{number}"
        if isinstance(part, dict) and part.get("type") in {"markdown", "card", "context_actions", "container"}:
            note(found, f"{part['type']} blocks are not allowed in a container", here)
        _block(part, surface, here, found)


def _task(block: JSON, _: Surface, at: str, found: Found) -> None:
    one_of(block.get("status"), {"pending", "in_progress", "complete", "error"}, f"{at}/status", found)


def _plan(block: JSON, surface: Surface, at: str, found: Found) -> None:
    for number, task in enumerate(items(block.get("tasks"), 1, 50, f"{at}/tasks", found)):
        _task(task, surface, f"{at}/tasks/{number}", found) if isinstance(task, dict) else None


def _only(*names: str) -> frozenset[str]:
    return frozenset(names)


MESSAGE = _only("message")
MESSAGE_HOME = _only("message", "home")

RULES: dict[str, Block] = {
    "section": Block(keys=_only("text", "fields", "accessory", "expand"), check=_section),
    "header": Block(keys=_only("text", "level"), required=_only("text"), check=_header),
    "context": Block(keys=_only("elements"), required=_only("elements"), check=_context),
    "actions": Block(keys=_only("elements"), required=_only("elements"), check=_actions),
    "divider": Block(keys=frozenset()),
    "image": Block(keys=_only("image_url", "slack_file", "alt_text", "title"), required=_only("alt_text"), check=image),
    "video": Block(
        keys=_only(
            "video_url",
            "thumbnail_url",
            "alt_text",
            "title",
            "title_url",
            "author_name",
            "description",
            "provider_name",
            "provider_icon_url",
        ),
        required=_only("video_url", "thumbnail_url", "alt_text", "title"),
        check=video,
    ),
    "rich_text": Block(keys=_only("elements"), required=_only("elements"), check=_rich_text),
    "input": Block(
        keys=_only("label", "element", "hint", "optional", "dispatch_action"),
        required=_only("label", "element"),
        check=_input,
    ),
    "context_actions": Block(
        keys=_only("elements"), required=_only("elements"), surfaces=MESSAGE, check=_context_actions
    ),
    "markdown": Block(keys=_only("text"), required=_only("text"), surfaces=MESSAGE, check=_markdown),
    "table": Block(
        keys=_only("rows", "column_settings"), required=_only("rows"), surfaces=MESSAGE, check=DATA_CHECKS["table"]
    ),
    "data_table": Block(
        keys=_only("rows", "page_size", "caption", "column_settings", "row_header_column_index"),
        required=_only("rows"),
        surfaces=MESSAGE,
        check=DATA_CHECKS["data_table"],
    ),
    "data_visualization": Block(
        keys=_only("title", "chart"),
        required=_only("title", "chart"),
        surfaces=MESSAGE_HOME,
        check=DATA_CHECKS["data_visualization"],
    ),
    "alert": Block(keys=_only("text", "level"), required=_only("text"), surfaces=_only("modal"), check=_alert),
    "card": Block(
        keys=_only("title", "subtitle", "body", "actions", "icon", "hero_image"), surfaces=MESSAGE_HOME, check=_card
    ),
    "carousel": Block(keys=_only("elements"), required=_only("elements"), surfaces=MESSAGE_HOME, check=_carousel),
    "container": Block(
        keys=_only(
            "title",
            "subtitle",
            "rich_text_title",
            "child_blocks",
            "is_collapsible",
            "default_collapsed",
            "icon",
            "width",
            "has_header_divider",
        ),
        required=_only("child_blocks"),
        surfaces=MESSAGE,
        check=_container,
    ),
    "task_card": Block(
        keys=_only("task_id", "title", "status", "details", "output", "sources"),
        required=_only("task_id", "title"),
        surfaces=MESSAGE,
        check=_task,
    ),
    "plan": Block(keys=_only("title", "tasks"), required=_only("title"), surfaces=MESSAGE, check=_plan),
}
