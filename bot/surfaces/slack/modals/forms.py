"""Every form as a view, drawn from a card: fresh, with a warning, or again with what the agent had typed.

The same form always has the same block_ids and action_ids: Slack then keeps what was typed and chosen when a view is
updated (https://docs.slack.dev/surfaces/modals#updating_views), and takes initial values only for a new one.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, assert_never

from bot.core.cards import Action, Card
from bot.core.decisions import Shown
from bot.core.forms import (
    ASK_CATEGORY,
    ASK_DISMISS_REASON,
    ASK_EDIT_REASON,
    ASK_NOTE,
    ASK_REPLY,
    ASK_WISH,
    DISMISS_REASONS,
    EDIT_REASONS,
    INSTRUCTION_CHARS,
    NOT_DONE,
    NOTE_CHARS,
    NOTHING_TO_READ,
    TITLES,
    WISH_HINT,
    YOUR_TEXT,
    Field,
    opens_with,
)
from bot.core.wording import WARNING
from bot.surfaces.slack.blocks.elements import (
    Block,
    as_sent,
    bold,
    clip,
    dated,
    divider,
    inert,
    plain,
    rich,
    run,
    section,
)
from bot.surfaces.slack.blocks.everything import everything, fits_a_form
from bot.surfaces.slack.blocks.said import cut_mark, words_of
from bot.surfaces.slack.modals.filled import INPUT_CHARS, Filled, prefilled

View = dict[str, Any]

TEXT: Final = str(Field.TEXT)  # block_ids are text-0, text-1 …; each input's action_id is that of its kind
CHOICE: Final = str(Field.CHOICE)
NOTE: Final = str(Field.NOTE)


def fresh(action: Action, card: Card) -> Filled:
    """What a newly opened form holds."""
    return prefilled(inert(opens_with(action, card)))


def form(action: Action, card: Card, *, bound_to: Shown, filled: Filled, warning: str = "") -> View:
    """The form of this action on this card. Submitting it is bound to `bound_to`, whatever the card now is."""
    banner = rich([section(bold(WARNING), dated(clip(inert(warning), 500)))], block_id="warning") if warning else []
    title, submit = TITLES[action]
    if action is Action.READ_ALL:
        blocks = [*banner, *everything(card)]
        may_send = submit if approvable(card) else None
        return modal(action, title, blocks, submit=may_send, bound_to=bound_to, filled=filled)
    inputs = _inputs(action, card, filled)
    if not warning:  # a warning comes while somebody types, perhaps further down
        inputs = _focused(*inputs)
    blocks = [*banner, *_context(card, spare=as_sent(inputs) + 6 * len(inputs) * INPUT_CHARS), *inputs]
    return modal(action, title, blocks, submit=submit, bound_to=bound_to, filled=filled)


def approvable(card: Card) -> bool:
    """Whether a form that shows everything may end in Approve: the card asks for it, and Slack can hold it whole."""
    asked = Action.APPROVE in card.buttons or Action.READ_ALL in card.buttons
    return asked and card.proposal is not None and bool(card.proposal.text.strip()) and fits_a_form(everything(card))


def explanation(words: str, *, kept: str = "") -> View:
    """Why it was not done, in place of the form, with the agent's words to copy."""
    parts = [section(bold(WARNING), dated(clip(inert(words), 1000)))]
    if kept:
        parts += [section(bold(YOUR_TEXT)), section(run(clip(kept, 30_000)))]
    return {
        "type": "modal",
        "callback_id": "explanation",
        "title": plain(NOT_DONE, 24),
        "close": plain("Close", 24),
        "blocks": rich(parts),
    }


def modal(
    action: Action, title: str, blocks: list[Block], *, submit: str | None, bound_to: Shown, filled: Filled
) -> View:
    view: View = {
        "type": "modal",
        "callback_id": str(action),
        "title": plain(title, 24),
        "close": plain("Cancel" if submit else "Close", 24),
        "notify_on_close": True,
        "private_metadata": packed(bound_to, filled.joins),
        "blocks": blocks or rich([section(run(NOTHING_TO_READ))]),
    }
    return {**view, "submit": plain(submit, 24)} if submit else view


def packed(bound_to: Shown, joins: Sequence[str]) -> str:
    return json.dumps([bound_to.pack(), *joins], separators=(",", ":"))


def unpacked(metadata: str) -> tuple[Shown, tuple[str, ...]]:
    """Raises ValueError for anything that `packed` could not have written."""
    try:
        parts = json.loads(metadata)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a form of ours") from error
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError("not a form of ours")
    return Shown.unpack(parts[0]), tuple(parts[1:])


def _context(card: Card, *, spare: int) -> list[Block]:
    """The customer's words above the inputs: whole if the form can hold them beside what may be typed."""
    whole = rich(words_of(card.said, 10**9).parts, block_id="said")
    if not fits_a_form(whole, spare=spare):
        drawn = words_of(card.said, 6000)
        whole = rich([*drawn.parts, *cut_mark(drawn.left)], block_id="said")
    return [*whole, divider()] if whole else []


def _inputs(action: Action, card: Card, filled: Filled) -> list[Block]:
    match action:
        case Action.EDIT:
            return [*_texts(ASK_REPLY, filled), _radios(ASK_EDIT_REASON, EDIT_REASONS, filled.choice, optional=True)]
        case Action.WRITE | Action.REPLY:
            return _texts(ASK_REPLY, filled)
        case Action.REDRAFT:
            wish = _text(f"{TEXT}-0", ASK_WISH, filled.texts[0], INSTRUCTION_CHARS, optional=True)
            return [{**wish, "hint": plain(WISH_HINT, 200)}]
        case Action.RECATEGORISE:
            return [_categories(card, filled.choice)]
        case Action.DISMISS:
            reasons = _radios(ASK_DISMISS_REASON, DISMISS_REASONS, filled.choice, optional=False)
            return [reasons, _text(NOTE, ASK_NOTE, filled.note, NOTE_CHARS, optional=True)]
        case (
            Action.READ_ALL
            | Action.APPROVE
            | Action.TAKE_OVER
            | Action.UNDO
            | Action.RETRY
            | Action.HAND_BACK
            | Action.RESOLVE
            | Action.DRAFT
        ):
            return []
        case _:
            assert_never(action)


def _focused(first: Block, *others: Block) -> list[Block]:
    """Typing begins in the first text: a long letter above does not have to be scrolled past."""
    if first["element"]["type"] != "plain_text_input":
        return [first, *others]
    return [{**first, "element": {**first["element"], "focus_on_load": True}}, *others]


def _texts(label: str, filled: Filled) -> list[Block]:
    """One input, or several that together are the reply: of those any may be emptied."""
    total = len(filled.texts)
    labels = [label] if total == 1 else [f"{label}, part {place + 1} of {total}" for place in range(total)]
    return [
        _text(f"{TEXT}-{place}", labels[place], text, INPUT_CHARS, optional=total > 1)
        for place, text in enumerate(filled.texts)
    ]


def _text(block_id: str, label: str, value: str, most: int, *, optional: bool) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": "typed", "multiline": True, "max_length": most}
    if value:
        element["initial_value"] = clip(value, most)
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 200),
        "element": element,
        "optional": optional,
    }


def _radios(label: str, reasons: dict[Any, str], chosen: str | None, *, optional: bool) -> Block:
    options = [_option(words, str(reason)) for reason, words in reasons.items()]
    element = _chosen({"type": "radio_buttons", "action_id": "chosen", "options": options}, chosen)
    return {"type": "input", "block_id": CHOICE, "label": plain(label, 200), "element": element, "optional": optional}


def _categories(card: Card, chosen: str | None) -> Block:
    options = [_option(title or name, name) for name, title in card.categories[:100]]
    select = {"type": "static_select", "action_id": "chosen", "options": options or [_option("None", "none")]}
    element = _chosen(select, chosen)
    return {"type": "input", "block_id": CHOICE, "label": plain(ASK_CATEGORY, 200), "element": element}


def _option(words: str, value: str) -> Block:
    return {"text": plain(words, 75), "value": clip(value, 150)}


def _chosen(element: Block, value: str | None) -> Block:
    for option in element["options"]:
        if option["value"] == value:
            return {**element, "initial_option": option}
    return element
