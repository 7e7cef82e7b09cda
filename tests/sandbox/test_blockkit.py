"""The checker, as tables: each limit at its bound and one above, each surface, each shape Slack refuses."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import block_elements
from slack_sdk.models.blocks import blocks as sdk_blocks

from bot.sandbox.blockkit import MESSAGE_CHARACTERS, Surface, characters, problems, view_problems
from bot.sandbox.blockkit.blocks import RULES
from bot.sandbox.blockkit.elements import ELEMENTS
from tests.data import shared

JSON = dict[str, Any]
SAMPLES = "slack/sdk_test_payloads.jsonl.gz"


def plain(text: str = "x") -> JSON:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> JSON:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> JSON:
    return {"type": "section", "text": mrkdwn(), **more}


def button(**more: Any) -> JSON:
    return {"type": "button", "action_id": "a", "text": plain(), **more}


def actions(*elements: JSON, **more: Any) -> JSON:
    return {"type": "actions", "elements": list(elements), **more}


def option(text: str = "x", value: str = "v", **more: Any) -> JSON:
    return {"text": plain(text), "value": value, **more}


def select(*options: JSON, **more: Any) -> JSON:
    return {"type": "static_select", "action_id": "s", "options": list(options) or [option()], **more}


def overflow(count: int) -> JSON:
    return {"type": "overflow", "action_id": "o", "options": [option(value=str(n)) for n in range(count)]}


def typed(element: JSON | None = None, **more: Any) -> JSON:
    element = element or {"type": "plain_text_input", "action_id": "t"}
    return {"type": "input", "label": plain(), "element": element, **more}


def text_input(**more: Any) -> JSON:
    return typed({"type": "plain_text_input", "action_id": "t", **more})


def confirm(**more: Any) -> JSON:
    asked = {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **more}
    return actions(button(confirm=asked))


def rich(*runs: JSON) -> JSON:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(runs)}]}


def table(rows: int, columns: int, kind: str = "table") -> JSON:
    return {"type": kind, "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def chart(series: int, points: int, **more: Any) -> JSON:
    data = [{"label": "x", "value": 1}] * points
    lines = [{"name": "n", "data": data}] * series
    return {"type": "data_visualization", "title": "t", "chart": {"type": "bar", "series": lines}, **more}


def modal(*blocks: JSON, **more: Any) -> JSON:
    return {"type": "modal", "title": plain(), "blocks": list(blocks) or [section()], **more}


IMAGE: JSON = {"type": "image", "image_url": "https://larkspur.example/a.png", "alt_text": "a tent"}
CONTAINED: JSON = {"type": "container", "title": plain(), "child_blocks": [section()]}
FEEDBACK: JSON = {
    "type": "feedback_buttons",
    "action_id": "f",
    "positive_button": {"text": plain(), "value": "good"},
    "negative_button": {"text": plain(), "value": "bad"},
}

BOUNDS = {  # name: (what fits, what is one too many), in a message
    "blocks in a message": ([section()] * 50, [section()] * 51),
    "block_id": ([section(block_id="b" * 255)], [section(block_id="b" * 256)]),
    "section text": ([section(text=mrkdwn("x" * 3000))], [section(text=mrkdwn("x" * 3001))]),
    "section fields": ([section(fields=[mrkdwn()] * 10)], [section(fields=[mrkdwn()] * 11)]),
    "field text": ([section(fields=[mrkdwn("x" * 2000)])], [section(fields=[mrkdwn("x" * 2001)])]),
    "header": ([{"type": "header", "text": plain("x" * 150)}], [{"type": "header", "text": plain("x" * 151)}]),
    "context elements": (
        [{"type": "context", "elements": [mrkdwn()] * 10}],
        [{"type": "context", "elements": [mrkdwn()] * 11}],
    ),
    "actions elements": (
        [actions(*(button(action_id=f"a{n}") for n in range(25)))],
        [actions(*(button(action_id=f"a{n}") for n in range(26)))],
    ),
    "image alt text": ([{**IMAGE, "alt_text": "x" * 2000}], [{**IMAGE, "alt_text": "x" * 2001}]),
    "image title": ([{**IMAGE, "title": plain("x" * 2000)}], [{**IMAGE, "title": plain("x" * 2001)}]),
    "image url": (
        [{**IMAGE, "image_url": "https://" + "x" * 2992}],
        [{**IMAGE, "image_url": "https://" + "x" * 2993}],
    ),
    "button text": ([actions(button(text=plain("x" * 75)))], [actions(button(text=plain("x" * 76)))]),
    "button value": ([actions(button(value="x" * 2000))], [actions(button(value="x" * 2001))]),
    "button url": (
        [actions(button(url="https://" + "x" * 2992))],
        [actions(button(url="https://" + "x" * 2993))],
    ),
    "button label": (
        [actions(button(accessibility_label="x" * 75))],
        [actions(button(accessibility_label="x" * 76))],
    ),
    "action_id": ([actions(button(action_id="x" * 255))], [actions(button(action_id="x" * 256))]),
    "shown to users": (
        [actions(button(visible_to_user_ids=["U1"] * 10))],
        [actions(button(visible_to_user_ids=["U1"] * 11))],
    ),
    "options": ([actions(select(*[option()] * 100))], [actions(select(*[option()] * 101))]),
    "option text": ([actions(select(option("x" * 75)))], [actions(select(option("x" * 76)))]),
    "option value": ([actions(select(option(value="x" * 150)))], [actions(select(option(value="x" * 151)))]),
    "option description": (
        [actions(select(option(description=plain("x" * 75))))],
        [actions(select(option(description=plain("x" * 76))))],
    ),
    "placeholder": ([actions(select(placeholder=plain("x" * 150)))], [actions(select(placeholder=plain("x" * 151)))]),
    "overflow at most 5": ([actions(overflow(5))], [actions(overflow(6))]),
    "overflow at least 1": ([actions(overflow(1))], [actions(overflow(0))]),
    "checkboxes": (
        [actions({"type": "checkboxes", "action_id": "c", "options": [option()] * 10})],
        [actions({"type": "checkboxes", "action_id": "c", "options": [option()] * 11})],
    ),
    "confirm title": ([confirm(title=plain("x" * 100))], [confirm(title=plain("x" * 101))]),
    "confirm text": ([confirm(text=plain("x" * 300))], [confirm(text=plain("x" * 301))]),
    "confirm button": ([confirm(confirm=plain("x" * 30))], [confirm(confirm=plain("x" * 31))]),
    "deny button": ([confirm(deny=plain("x" * 30))], [confirm(deny=plain("x" * 31))]),
    "input label": ([typed(label=plain("x" * 2000))], [typed(label=plain("x" * 2001))]),
    "input hint": ([typed(hint=plain("x" * 2000))], [typed(hint=plain("x" * 2001))]),
    "input max_length": ([text_input(max_length=3000)], [text_input(max_length=3001)]),
    "input min_length": ([text_input(min_length=3000)], [text_input(min_length=3001)]),
    "input initial value": (
        [text_input(initial_value="x" * 3000)],
        [text_input(initial_value="x" * 3001)],
    ),
    "input initial value below its own max_length": (
        [text_input(initial_value="x" * 9, max_length=9)],
        [text_input(initial_value="x" * 10, max_length=9)],
    ),
    "context_actions elements": (
        [{"type": "context_actions", "elements": [{**FEEDBACK, "action_id": f"f{n}"} for n in range(5)]}],
        [{"type": "context_actions", "elements": [{**FEEDBACK, "action_id": f"f{n}"} for n in range(6)]}],
    ),
    "table rows": ([table(100, 1)], [table(101, 1)]),
    "table columns": ([table(1, 20)], [table(1, 21)]),
    "tables": ([table(1, 1)], [table(1, 1), table(1, 1)]),
    "data table rows at most": ([table(101, 1, "data_table")], [table(102, 1, "data_table")]),
    "data table rows at least": ([table(2, 1, "data_table")], [table(1, 1, "data_table")]),
    "chart series": ([chart(6, 1)], [chart(7, 1)]),
    "chart points": ([chart(1, 20)], [chart(1, 21)]),
    "chart title": ([chart(1, 1, title="x" * 50)], [chart(1, 1, title="x" * 51)]),
    "card buttons": (
        [{"type": "card", "title": plain(), "actions": [button()] * 3}],
        [{"type": "card", "title": plain(), "actions": [button()] * 4}],
    ),
    "card title": ([{"type": "card", "title": plain("x" * 150)}], [{"type": "card", "title": plain("x" * 151)}]),
    "card body": ([{"type": "card", "body": plain("x" * 200)}], [{"type": "card", "body": plain("x" * 201)}]),
    "carousel": (
        [{"type": "carousel", "elements": [{"type": "card", "title": plain()}] * 10}],
        [{"type": "carousel", "elements": [{"type": "card", "title": plain()}] * 11}],
    ),
    "container": (
        [{**CONTAINED, "child_blocks": [section()] * 10}],
        [{**CONTAINED, "child_blocks": [section()] * 11}],
    ),
    "characters of a message": (
        [section(text=mrkdwn("x" * 2500))] * 4,
        [*[section(text=mrkdwn("x" * 2500))] * 4, section()],
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_what_just_fits_is_taken_and_one_more_is_not(name: str) -> None:
    fits, too_much = BOUNDS[name]

    assert problems(fits, "message") == []
    assert problems(too_much, "message") != []


REFUSED: dict[str, list[Any]] = {
    "no blocks": [],
    "a block that is no object": ["section"],
    "a block without a type": [{}],
    "an unknown block": [{"type": "sektion", "text": mrkdwn()}],
    "an unknown key": [section(txet=mrkdwn())],
    "an unknown key in a text": [section(text={**mrkdwn(), "emoji": True})],
    "a text without a type": [section(text={"text": "x"})],
    "a bare string for a text": [section(text="x")],
    "an empty text": [section(text=mrkdwn(""))],
    "a number for a text": [section(text={"type": "mrkdwn", "text": 3})],
    "a section without text or fields": [{"type": "section"}],
    "a header in mrkdwn": [{"type": "header", "text": mrkdwn()}],
    "a header without text": [{"type": "header"}],
    "empty context": [{"type": "context", "elements": []}],
    "a button in a context": [{"type": "context", "elements": [button()]}],
    "empty actions": [actions()],
    "a text in actions": [actions(mrkdwn())],
    "an unknown element": [actions({"type": "buton", "action_id": "a", "text": plain()})],
    "a button in mrkdwn": [actions(button(text=mrkdwn()))],
    "a button without text": [actions({"type": "button", "action_id": "a"})],
    "an unknown button style": [actions(button(style="default"))],
    "a button's unknown key": [actions(button(colour="red"))],
    "a button that links to a script": [actions(button(url="javascript:alert(1)"))],
    "an empty action_id": [actions(button(action_id=""))],
    "one action_id twice in a block": [actions(button(), button())],
    "one block_id twice": [section(block_id="b"), section(block_id="b")],
    "a select without options": [actions({"type": "static_select", "action_id": "s"})],
    "a select with an initial option of its own": [actions(select(initial_option=option(value="other")))],
    "an option in mrkdwn": [actions(select({"text": mrkdwn(), "value": "v"}))],
    "an option without a value": [actions(select({"text": plain()}))],
    "an incomplete confirm": [actions(button(confirm={"title": plain()}))],
    "an input of a modal only": [typed({"type": "email_text_input", "action_id": "e"})],
    "rich text input in a message": [typed({"type": "rich_text_input", "action_id": "r"})],
    "a button as an input": [typed(button())],
    "a text input in a section": [section(accessory={"type": "plain_text_input", "action_id": "t"})],
    "an input without a label": [{"type": "input", "element": {"type": "plain_text_input", "action_id": "t"}}],
    "an input without an element": [{"type": "input", "label": plain()}],
    "an image without alt text": [{"type": "image", "image_url": "https://larkspur.example/a.png"}],
    "an image from nowhere": [{"type": "image", "alt_text": "a"}],
    "rich text of unknown parts": [{"type": "rich_text", "elements": [{"type": "rich_text_sektion", "elements": []}]}],
    "rich text with an empty run": [rich({"type": "text", "text": ""})],
    "rich text with an unknown style": [rich({"type": "text", "text": "x", "style": {"loud": True}})],
    "rich text with an unknown run": [rich({"type": "html", "text": "x"})],
    "markdown too long together": [{"type": "markdown", "text": "x" * 6001}] * 2,
    "a container in a container": [{**CONTAINED, "child_blocks": [CONTAINED]}],
    "a cell of unknown type": [{"type": "table", "rows": [[{"type": "text", "text": "x"}]]}],
    "an icon that is not documented": [
        {"type": "context_actions", "elements": [{"type": "icon_button", "icon": "skull", "text": plain()}]}
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_slack_refuses_in_a_message_is_refused_with_a_place(name: str) -> None:
    found = problems(REFUSED[name], "message")

    assert found
    assert all("[json-pointer:" in sentence for sentence in found)


SURFACES: list[tuple[str, JSON, set[str]]] = [
    ("section", section(), {"message", "modal", "home"}),
    ("rich_text", rich({"type": "text", "text": "x"}), {"message", "modal", "home"}),
    ("input", typed(), {"message", "modal", "home"}),
    ("markdown", {"type": "markdown", "text": "x"}, {"message"}),
    ("context_actions", {"type": "context_actions", "elements": [FEEDBACK]}, {"message"}),
    ("table", table(1, 1), {"message"}),
    ("data_table", table(2, 1, "data_table"), {"message"}),
    ("data_visualization", chart(1, 1), {"message", "home"}),
    ("alert", {"type": "alert", "text": mrkdwn()}, {"modal"}),
    ("card", {"type": "card", "title": plain()}, {"message", "home"}),
    ("carousel", {"type": "carousel", "elements": [{"type": "card", "title": plain()}]}, {"message", "home"}),
    ("container", CONTAINED, {"message"}),
    ("plan", {"type": "plan", "title": "t"}, {"message"}),
    ("email input", typed({"type": "email_text_input", "action_id": "e"}), {"modal"}),
    ("number input", typed({"type": "number_input", "action_id": "n", "is_decimal_allowed": False}), {"modal"}),
    ("rich text input", typed({"type": "rich_text_input", "action_id": "r"}), {"modal", "home"}),
    ("datetimepicker", actions({"type": "datetimepicker", "action_id": "d"}), {"message", "modal"}),
]


@pytest.mark.parametrize(("name", "block", "surfaces"), SURFACES, ids=[name for name, _, _ in SURFACES])
@pytest.mark.parametrize("surface", ["message", "modal", "home"])
def test_each_block_is_taken_only_where_slack_draws_it(
    name: str, block: JSON, surfaces: set[str], surface: Surface
) -> None:
    assert (problems([block], surface) == []) is (surface in surfaces)


VIEW_BOUNDS: dict[str, tuple[JSON, JSON]] = {
    "title": (modal(title=plain("x" * 24)), modal(title=plain("x" * 25))),
    "submit": (modal(submit=plain("x" * 24)), modal(submit=plain("x" * 25))),
    "close": (modal(close=plain("x" * 24)), modal(close=plain("x" * 25))),
    "private_metadata": (modal(private_metadata="x" * 3000), modal(private_metadata="x" * 3001)),
    "callback_id": (modal(callback_id="x" * 255), modal(callback_id="x" * 256)),
    "blocks": (modal(*[section()] * 100), modal(*[section()] * 101)),
    "home blocks": ({"type": "home", "blocks": [section()] * 100}, {"type": "home", "blocks": [section()] * 101}),
    "size": (modal(*[section(text=mrkdwn("ä" * 1200))] * 100), modal(*[section(text=mrkdwn("ä" * 1300))] * 100)),
    "title kind": (modal(), modal(title=mrkdwn())),
    "title there": (modal(), {"type": "modal", "blocks": [section()]}),
    "blocks there": (modal(), {"type": "modal", "title": plain()}),
    "submit with inputs": (modal(typed(), submit=plain()), modal(typed())),
    "no title on a home": ({"type": "home", "blocks": []}, {"type": "home", "blocks": [], "title": plain()}),
    "known keys": (modal(notify_on_close=True), modal(on_close="x")),
    "known type": (modal(), {**modal(), "type": "popup"}),
    "nothing of Slack's own": (modal(), modal(id="V1", hash="1.2")),
}


@pytest.mark.parametrize("name", VIEW_BOUNDS)
def test_views_are_held_to_their_limits(name: str) -> None:
    fits, refused = VIEW_BOUNDS[name]

    assert view_problems(fits) == []
    assert view_problems(refused) != []


def test_a_view_has_no_total_of_characters_but_a_message_has() -> None:
    blocks = [section(text=mrkdwn("x" * 3000))] * 4

    assert problems(blocks, "modal") == []
    assert problems(blocks, "message") != []
    assert characters(blocks) > MESSAGE_CHARACTERS


@pytest.mark.parametrize("blocks", [None, 3, "[]", {"type": "section"}, [None], [[]], [{"type": []}], [{"type": {}}]])
def test_nonsense_is_refused_and_breaks_nothing(blocks: object) -> None:
    assert problems(blocks, "message")
    assert view_problems({"type": "modal", "title": plain(), "blocks": blocks})
    assert view_problems(blocks)


WORDS = ["type", "text", "elements", "blocks", "options", "value", "section", "actions", "button", "plain_text", "x"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*RULES, *ELEMENTS, *WORDS]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=30,
)


@given(blocks=st.lists(st.dictionaries(st.sampled_from(["type", *WORDS]), ANYTHING, max_size=6), max_size=4))
def test_whatever_comes_the_checker_answers(blocks: list[JSON]) -> None:
    for block in blocks:
        for kind in RULES:
            problems([{**block, "type": kind}], "message")
    view_problems({"type": "modal", "blocks": blocks})


def _sdk_rules(module: Any) -> dict[str, set[str]]:
    """Type -> keys, as slack_sdk's models know them."""
    known: dict[str, set[str]] = {}
    for model in vars(module).values():
        kind = getattr(model, "type", None)
        if isinstance(model, type) and isinstance(kind, str) and model.__module__ == module.__name__:
            blank = model.__new__(model)
            known.setdefault(kind, set()).update(blank.attributes)
    return known


def test_every_key_slack_sdk_knows_is_known_here() -> None:
    undocumented = {"agent_prompt", "agent_prompt_display", "alt_text"}
    inherited = {"confirm", "placeholder", "focus_on_load"}  # every input model has them, Slack only takes some
    other = {"file", "call", "auth_provider", "event"}  # never written by an app's message
    unknown = {}
    for kind, keys in _sdk_rules(sdk_blocks).items():
        if kind not in other:
            unknown[kind] = keys - RULES[kind].keys - {"type", "block_id"}
    for kind, keys in _sdk_rules(block_elements).items():
        if kind in ELEMENTS:
            unknown[kind] = keys - ELEMENTS[kind].keys - {"type", "action_id"} - undocumented - inherited

    assert {kind: keys for kind, keys in unknown.items() if keys} == {}


def test_blocks_of_real_messages_are_taken() -> None:
    with gzip.open(shared(SAMPLES), "rt") as lines:
        told = [json.loads(line)["payload"] for line in lines]
    seen = 0
    for payload in told:
        message = payload.get("message") or (payload.get("event") or {})
        if isinstance(message, dict) and message.get("blocks"):
            seen += 1
            assert problems(message["blocks"], "message") == []

    assert seen > 3
