"""What agents fill in, whatever draws the form."""

import pytest

from bot.core.cards import Action
from bot.core.decisions import REPLY_CHARS, Dismiss, DismissReason, Edit, EditReason, Recategorise, Redraft, SendReply
from bot.core.forms import AT_ONCE, FORMS, TITLES, Field, Wrong, decided, fitting, opens_with
from tests.surfaces.cards import ended, proposal, waiting, without_draft


def test_every_action_is_a_decision_by_itself_or_has_a_form() -> None:
    assert {*AT_ONCE, *FORMS} == set(Action)
    assert not set(AT_ONCE).intersection(FORMS)
    assert set(TITLES) == set(FORMS)


@pytest.mark.parametrize(
    ("action", "text", "choice", "note", "decision"),
    [
        (Action.EDIT, "It ships today.", "tone", "", Edit("It ships today.", EditReason.TONE)),
        (Action.WRITE, " kept as typed \n", None, "", Edit(" kept as typed \n")),
        (Action.REPLY, "Hello", None, "", SendReply("Hello")),
        (Action.REDRAFT, " shorter ", None, "", Redraft("shorter")),
        (Action.REDRAFT, "", None, "", Redraft()),
        (Action.RECATEGORISE, "", "billing", "", Recategorise("billing")),
        (Action.DISMISS, "", "spam", " again ", Dismiss(DismissReason.SPAM, "again")),
        (Action.EDIT, " \n", None, "", Wrong(Field.TEXT, "Write the reply first.")),
        (Action.EDIT, "x", "nonsense", "", Wrong(Field.CHOICE, "Choose one of these.")),
        (Action.RECATEGORISE, "", None, "", Wrong(Field.CHOICE, "Choose a category.")),
        (Action.DISMISS, "", None, "", Wrong(Field.CHOICE, "Choose a reason.")),
        (Action.DISMISS, "", "spam", "n" * 501, Wrong(Field.NOTE, "At most 500 characters.")),
        (Action.REDRAFT, "n" * 1001, None, "", Wrong(Field.TEXT, "At most 1,000 characters.")),
    ],
)
def test_what_a_form_says_is_a_decision_or_what_is_wrong_with_it(
    action: Action, text: str, choice: str | None, note: str, decision: object
) -> None:
    assert decided(action, text=text, choice=choice, note=note) == decision


def test_a_reply_longer_than_can_be_sent_is_told_its_length() -> None:
    wrong = decided(Action.REPLY, text="x" * (REPLY_CHARS + 1), choice=None, note="")

    assert wrong == Wrong(Field.TEXT, "The reply has 20,001 characters; at most 20,000 can be sent.")


def test_what_decides_by_itself_has_no_form() -> None:
    with pytest.raises(ValueError, match="has no form"):
        decided(Action.UNDO, text="", choice=None, note="")


def test_writing_becomes_editing_once_there_is_a_draft_and_neither_is_offered_once_it_is_settled() -> None:
    assert fitting(Action.WRITE, waiting()) is Action.EDIT
    assert fitting(Action.EDIT, without_draft()) is Action.WRITE
    assert fitting(Action.EDIT, ended()) is None


def test_a_form_opens_with_what_was_taken_back_else_with_the_draft() -> None:
    assert opens_with(Action.EDIT, waiting()) == proposal().text
    assert opens_with(Action.EDIT, waiting(prefill="Mine")) == "Mine"
    assert opens_with(Action.WRITE, without_draft()) == ""
    assert opens_with(Action.REPLY, waiting()) == ""
