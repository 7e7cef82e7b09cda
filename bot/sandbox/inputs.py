"""What people put into menus and fields: `state.values` as Slack sends it, and what the client itself refuses."""

from collections.abc import Iterator, Sequence
from typing import Any

from bot.sandbox.wire import JSON

SINGLE = {  # element type -> (key in the state, key of its initial value)
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
MANY = {
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "file_input": ("files", "initial_files"),
}
TYPED = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
LONGEST = 3000
REQUIRED = "Please complete this required field."


def elements(blocks: Sequence[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """Every interactive element with the block it stands in, cards and containers included."""
    for block in blocks:
        inner = block.get("child_blocks") or (block.get("elements") if block.get("type") == "carousel" else None)
        if inner:
            yield from elements(inner)
            continue
        for element in _own(block):
            if isinstance(element, dict) and element.get("action_id"):
                yield block, element


def _own(block: JSON) -> list[Any]:
    listed = block.get("elements") if block.get("type") in ("actions", "context_actions") else None
    single = [block.get("accessory"), block.get("element")]
    return [*(listed or []), *(block.get("actions") or []), *(part for part in single if part)]


def find(blocks: Sequence[JSON], action_id: str, block_id: str | None = None) -> tuple[JSON, JSON] | None:
    """The block and element of that action, or None; without a block id the first one counts."""
    for block, element in elements(blocks):
        if element["action_id"] == action_id and block_id in (None, block.get("block_id")):
            return block, element
    return None


def initial_values(blocks: Sequence[JSON], kept: JSON | None = None) -> JSON:
    """`state.values` of a fresh view; what was `kept` under the same block and action id stays as typed."""
    values: JSON = {}
    for block, element in elements(blocks):
        kind, block_id, action_id = element["type"], block["block_id"], element["action_id"]
        if kind not in SINGLE and kind not in MANY:
            continue
        before = (kept or {}).get(block_id, {}).get(action_id)
        if before is not None and before.get("type") == kind:
            values.setdefault(block_id, {})[action_id] = before
            continue
        key, initial = SINGLE.get(kind) or MANY[kind]
        value = element.get(initial, None if kind in SINGLE else [])
        values.setdefault(block_id, {})[action_id] = {"type": kind, key: value}
    return values


def entered(element: JSON, given: Sequence[Any]) -> JSON:
    """The state of `element` after someone typed or chose `given`; option values become whole options.

    Raises: ValueError if a chosen option is not on offer.
    """
    kind = element["type"]
    if kind in MANY:
        key = MANY[kind][0]
        return {"type": kind, key: [_picked(element, value) for value in given]}
    key = SINGLE[kind][0]
    value = given[0] if given else None
    return {"type": kind, key: value if value is None else _picked(element, value)}


def _picked(element: JSON, value: Any) -> Any:
    if "options" not in element and "option_groups" not in element:
        return value
    for option in options(element):
        if option.get("value") == value:
            return option
    raise ValueError(f"{element['action_id']} offers no option {value!r}")


def options(element: JSON) -> list[JSON]:
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(option for group in groups for option in group.get("options", []))]


def refused(blocks: Sequence[JSON], values: JSON) -> dict[str, str]:
    """By block id, what Slack's own client says before it sends a submission at all."""
    complaints: dict[str, str] = {}
    for block, element in elements(blocks):
        if block.get("type") != "input":
            continue
        kind = element["type"]
        key = (SINGLE.get(kind) or MANY.get(kind) or ("value", ""))[0]
        value = values.get(block["block_id"], {}).get(element["action_id"], {}).get(key)
        if not value and not block.get("optional"):
            complaints[block["block_id"]] = REQUIRED
        elif isinstance(value, str) and kind == "plain_text_input" and value:
            longest, least = element.get("max_length", LONGEST), element.get("min_length", 0)
            if len(value) > longest:
                complaints[block["block_id"]] = f"Please enter at most {longest} characters."
            elif len(value) < least:
                complaints[block["block_id"]] = f"Please enter at least {least} characters."
    return complaints
