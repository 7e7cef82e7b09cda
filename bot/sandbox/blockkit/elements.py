"""What sits inside blocks: buttons, menus, inputs, and the confirm and option objects they carry."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.blockkit.objects import OPTION_TEXT, STYLES, confirm, option
from bot.sandbox.blockkit.rules import (
    ANY_TEXT,
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
    url,
    whole,
)

EVERYWHERE = frozenset({"message", "modal", "home"})
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
OPTIONS = 100
OVERFLOW_OPTIONS = 5
CHECKBOX_OPTIONS = 10
PLACEHOLDER = 150
ACTION_ID = 255
INPUT_LENGTH = 3000

Check = Callable[[JSON, str, Found], None]


@dataclass(frozen=True, kw_only=True)
class Element:
    """One element type: where it may stand, and what it may and must carry."""

    inside: frozenset[str]  # block types that hold it
    keys: frozenset[str]  # besides type and action_id
    required: frozenset[str] = frozenset()
    surfaces: frozenset[str] = EVERYWHERE
    checks: tuple[Check, ...] = field(default=())


def element_problems(value: object, block: str, surface: Surface, at: str, found: Found) -> None:
    """Check one element standing in a block of type `block` on `surface`."""
    if not is_object(value, at, found):
        return
    assert isinstance(value, dict)
    kind = value.get("type")
    rule = ELEMENTS.get(kind) if isinstance(kind, str) else None
    if rule is None:
        note(found, f"unsupported type: {kind}", f"{at}/type")
        return
    if block not in rule.inside:
        note(found, f"{kind} is not allowed in a {block} block", at)
    if surface not in rule.surfaces:
        note(found, f"{kind} is not available in a {surface}", at)
    allowed = rule.keys | {"type"} if kind == "image" else rule.keys | {"type", "action_id"}
    keys(value, allowed, rule.required, at, found)
    string(value.get("action_id"), ACTION_ID, f"{at}/action_id", found)
    if "placeholder" in rule.keys:
        text(value.get("placeholder"), PLACEHOLDER, f"{at}/placeholder", found, kinds=PLAIN)
    if "confirm" in rule.keys and value.get("confirm") is not None:
        confirm(value["confirm"], f"{at}/confirm", found)
    boolean(value.get("focus_on_load"), f"{at}/focus_on_load", found)
    for check in rule.checks:
        check(value, at, found)


def _button(value: JSON, at: str, found: Found) -> None:
    text(value.get("text"), BUTTON_TEXT, f"{at}/text", found, kinds=PLAIN)
    string(value.get("value"), BUTTON_VALUE, f"{at}/value", found, least=0)
    url(value.get("url"), f"{at}/url", found)
    string(value.get("accessibility_label"), 75, f"{at}/accessibility_label", found)
    one_of(value.get("style"), STYLES, f"{at}/style", found)
    items(value.get("visible_to_user_ids"), 1, 10, f"{at}/visible_to_user_ids", found)


def _menu(value: JSON, at: str, found: Found) -> None:
    """Options or option groups, one of the two, and initial options taken from them."""
    plain, grouped = value.get("options"), value.get("option_groups")
    if (plain is None) == (grouped is None):
        note(found, "must have either options or option_groups", at)
    choices = list(items(plain, 1, OPTIONS, f"{at}/options", found))
    _options(choices, PLAIN, f"{at}/options", found)
    for number, group in enumerate(items(grouped, 1, OPTIONS, f"{at}/option_groups", found)):
        here = f"{at}/option_groups/{number}"
        if not is_object(group, here, found):
            continue
        keys(group, {"label", "options"}, ("label", "options"), here, found)
        text(group.get("label"), OPTION_TEXT, f"{here}/label", found, kinds=PLAIN)
        inner = items(group.get("options"), 1, OPTIONS, f"{here}/options", found)
        _options(inner, PLAIN, f"{here}/options", found)
        choices += inner
    _initial(value, choices, at, found)


def _boxes(value: JSON, at: str, found: Found) -> None:
    choices = items(value.get("options"), 1, CHECKBOX_OPTIONS, f"{at}/options", found)
    _options(choices, ANY_TEXT, f"{at}/options", found)
    _initial(value, choices, at, found)


def _options(choices: list[object], kinds: tuple[str, ...], at: str, found: Found) -> None:
    for number, choice in enumerate(choices):
        option(choice, f"{at}/{number}", found, kinds=kinds)


def _initial(value: JSON, choices: list[object], at: str, found: Found) -> None:
    first = value.get("initial_option")
    if first is not None and first not in choices:
        note(found, "must be one of the options", f"{at}/initial_option")
    for number, choice in enumerate(items(value.get("initial_options"), 1, OPTIONS, f"{at}/initial_options", found)):
        if choice not in choices:
            note(found, "must be one of the options", f"{at}/initial_options/{number}")


def _overflow(value: JSON, at: str, found: Found) -> None:
    for number, choice in enumerate(items(value.get("options"), 1, OVERFLOW_OPTIONS, f"{at}/options", found)):
        option(choice, f"{at}/options/{number}", found, link=True)


def _input_length(value: JSON, at: str, found: Found) -> None:
    whole(value.get("min_length"), 0, INPUT_LENGTH, f"{at}/min_length", found)
    whole(value.get("max_length"), 1, INPUT_LENGTH, f"{at}/max_length", found)
    boolean(value.get("multiline"), f"{at}/multiline", found)
    most = value.get("max_length")
    limit = most if isinstance(most, int) and not isinstance(most, bool) else INPUT_LENGTH
    string(value.get("initial_value"), limit, f"{at}/initial_value", found, least=0)
    least = value.get("min_length")
    if isinstance(least, int) and least > limit:
        note(found, "min_length must not exceed max_length", f"{at}/min_length")


def _dispatch(value: JSON, at: str, found: Found) -> None:
    config = value.get("dispatch_action_config")
    if config is None or not is_object(config, f"{at}/dispatch_action_config", found):
        return
    here = f"{at}/dispatch_action_config/trigger_actions_on"
    for number, trigger in enumerate(items(config.get("trigger_actions_on"), 1, 2, here, found)):
        one_of(trigger, {"on_enter_pressed", "on_character_entered"}, f"{here}/{number}", found)


def _selected(value: JSON, at: str, found: Found) -> None:
    whole(value.get("max_selected_items"), 1, OPTIONS, f"{at}/max_selected_items", found)


def _image(value: JSON, at: str, found: Found) -> None:
    if (value.get("image_url") is None) == (value.get("slack_file") is None):
        note(found, "must have either image_url or slack_file", at)
    url(value.get("image_url"), f"{at}/image_url", found)
    string(value.get("alt_text"), 2000, f"{at}/alt_text", found)


def _feedback(value: JSON, at: str, found: Found) -> None:
    for side in ("positive_button", "negative_button"):
        here, button = f"{at}/{side}", value.get(side)
        if button is None or not is_object(button, here, found):
            continue
        keys(button, {"text", "value", "accessibility_label"}, ("text", "value"), here, found)
        text(button.get("text"), BUTTON_TEXT, f"{here}/text", found, kinds=PLAIN)
        string(button.get("value"), BUTTON_VALUE, f"{here}/value", found)
        string(button.get("accessibility_label"), 75, f"{here}/accessibility_label", found)


def _icon(value: JSON, at: str, found: Found) -> None:
    one_of(value.get("icon"), {"trash"}, f"{at}/icon", found)
    _button(value, at, found)


def _files(value: JSON, at: str, found: Found) -> None:
    whole(value.get("max_files"), 1, 10, f"{at}/max_files", found)


SECTION, ACTIONS, INPUT = "section", "actions", "input"
CHOSEN = frozenset({SECTION, ACTIONS, INPUT})
CHOSEN_MANY = frozenset({SECTION, INPUT})
TYPED = frozenset({INPUT})
MODAL = frozenset({"modal"})
PICK = frozenset({"confirm", "focus_on_load", "placeholder"})
PICK_MANY = PICK | {"max_selected_items"}
TYPE = frozenset({"placeholder", "focus_on_load", "dispatch_action_config", "initial_value"})
CONVERSATION = frozenset({"default_to_current_conversation", "filter"})

BUTTON_KEYS = frozenset({"text", "value", "url", "style", "confirm", "accessibility_label", "visible_to_user_ids"})

ELEMENTS: dict[str, Element] = {
    "button": Element(
        inside=frozenset({SECTION, ACTIONS, "card", "alert"}),
        keys=BUTTON_KEYS,
        required=frozenset({"text"}),
        checks=(_button,),
    ),
    "workflow_button": Element(
        inside=frozenset({SECTION, ACTIONS}),
        keys=frozenset({"text", "workflow", "style", "accessibility_label"}),
        required=frozenset({"text", "workflow"}),
        surfaces=frozenset({"message"}),
        checks=(_button,),
    ),
    "overflow": Element(
        inside=frozenset({SECTION, ACTIONS}),
        keys=frozenset({"options", "confirm"}),
        required=frozenset({"options"}),
        checks=(_overflow,),
    ),
    "static_select": Element(
        inside=CHOSEN, keys=PICK | {"options", "option_groups", "initial_option"}, checks=(_menu,)
    ),
    "multi_static_select": Element(
        inside=CHOSEN_MANY,
        keys=PICK_MANY | {"options", "option_groups", "initial_options"},
        checks=(_menu, _selected),
    ),
    "external_select": Element(inside=CHOSEN, keys=PICK | {"initial_option", "min_query_length"}),
    "multi_external_select": Element(
        inside=CHOSEN_MANY, keys=PICK_MANY | {"initial_options", "min_query_length"}, checks=(_selected,)
    ),
    "users_select": Element(inside=CHOSEN, keys=PICK | {"initial_user"}),
    "multi_users_select": Element(inside=CHOSEN_MANY, keys=PICK_MANY | {"initial_users"}, checks=(_selected,)),
    "conversations_select": Element(
        inside=CHOSEN, keys=PICK | CONVERSATION | {"initial_conversation", "response_url_enabled"}
    ),
    "multi_conversations_select": Element(
        inside=CHOSEN_MANY, keys=PICK_MANY | CONVERSATION | {"initial_conversations"}, checks=(_selected,)
    ),
    "channels_select": Element(inside=CHOSEN, keys=PICK | {"initial_channel", "response_url_enabled"}),
    "multi_channels_select": Element(inside=CHOSEN_MANY, keys=PICK_MANY | {"initial_channels"}, checks=(_selected,)),
    "checkboxes": Element(
        inside=CHOSEN,
        keys=frozenset({"options", "initial_options", "confirm", "focus_on_load"}),
        required=frozenset({"options"}),
        checks=(_boxes,),
    ),
    "radio_buttons": Element(
        inside=CHOSEN,
        keys=frozenset({"options", "initial_option", "confirm", "focus_on_load"}),
        required=frozenset({"options"}),
        checks=(_boxes,),
    ),
    "datepicker": Element(inside=CHOSEN, keys=PICK | {"initial_date"}),
    "timepicker": Element(inside=CHOSEN, keys=PICK | {"initial_time", "timezone"}),
    "datetimepicker": Element(
        inside=frozenset({ACTIONS, INPUT}),
        keys=frozenset({"initial_date_time", "confirm", "focus_on_load"}),
        surfaces=frozenset({"message", "modal"}),
    ),
    "plain_text_input": Element(
        inside=TYPED, keys=TYPE | {"multiline", "min_length", "max_length"}, checks=(_input_length, _dispatch)
    ),
    "rich_text_input": Element(
        inside=TYPED,
        keys=TYPE | {"min_lines", "max_lines"},
        surfaces=frozenset({"modal", "home"}),
        checks=(_dispatch,),
    ),
    "email_text_input": Element(inside=TYPED, keys=TYPE, surfaces=MODAL, checks=(_dispatch,)),
    "url_text_input": Element(inside=TYPED, keys=TYPE, surfaces=MODAL, checks=(_dispatch,)),
    "number_input": Element(
        inside=TYPED,
        keys=TYPE | {"is_decimal_allowed", "min_value", "max_value"},
        required=frozenset({"is_decimal_allowed"}),
        surfaces=MODAL,
        checks=(_dispatch,),
    ),
    "file_input": Element(inside=TYPED, keys=frozenset({"filetypes", "max_files"}), surfaces=MODAL, checks=(_files,)),
    "image": Element(
        inside=frozenset({SECTION, "context", "card"}),
        keys=frozenset({"image_url", "slack_file", "alt_text"}),
        required=frozenset({"alt_text"}),
        checks=(_image,),
    ),
    "feedback_buttons": Element(
        inside=frozenset({"context_actions"}),
        keys=frozenset({"positive_button", "negative_button"}),
        required=frozenset({"positive_button", "negative_button"}),
        checks=(_feedback,),
    ),
    "icon_button": Element(
        inside=frozenset({"context_actions"}),
        keys=frozenset({"icon", "text", "value", "confirm", "accessibility_label", "visible_to_user_ids"}),
        required=frozenset({"icon", "text"}),
        checks=(_icon,),
    ),
}
