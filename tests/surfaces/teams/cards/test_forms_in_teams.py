"""Forms, pages and answers that one person sees in place of a card."""

from dataclasses import replace

import pytest

from bot.core.cards import Action, Queue, QueueRow, Status
from bot.core.forms import FORMS, Field
from bot.surfaces.teams.cards.answers import help_text, queue, said, status
from bot.surfaces.teams.cards.elements import CARD_BYTES, restored, weight, wide_weight
from bot.surfaces.teams.cards.everything import everything
from bot.surfaces.teams.cards.forms import FORM_BYTES, explanation, form, openable
from bot.surfaces.teams.cards.inputs import Filled, fresh
from bot.surfaces.teams.verbs import field_id
from storage.tables import Priority
from tests.surfaces.cards import AT, SHOWN, ended, proposal, waiting
from tests.surfaces.cards import said as wrote
from tests.surfaces.teams.cards.drawn import button, elements, field, parsed, problems, titles, verbs, words

LONG = "Where is my order? " * 1100
ROW = QueueRow(
    conversation_id="cnv_1",
    review_id="rev_1",
    headline="Delivery · Ada Kern",
    preview="Where is my tent?",
    waiting_since=AT,
    priority=Priority.URGENT,
    owner="Bo Lindqvist",
    posting_key="pst_1",
    place="19:c",
    ref="r",
)
STATUS = Status(
    waiting=3,
    oldest_waiting_since=AT,
    taken_over=1,
    failed_deliveries=2,
    drafter="claude-sonnet-5-5",
    pauses=("Drafting is paused for billing until 2026-11-22T14:00Z (Bo)",),
    sent_today=41,
)


@pytest.mark.parametrize("action", [action for action in FORMS if action is not Action.READ_ALL])
def test_every_form_says_what_it_is_and_is_bound_to_what_was_shown(action: Action) -> None:
    drawn = form(action, waiting(), bound_to=SHOWN, filled=fresh(action, waiting()), warning="The customer wrote again")

    assert problems(drawn) == []
    assert "⚠ The customer wrote again" in words(drawn)
    assert "Where is my tent?" in words(drawn)
    assert button(drawn, str(action))["data"]["on"] == SHOWN.pack()
    assert titles(drawn)[1:] == ["Cancel"]
    assert button(drawn, "show")["associatedInputs"] == "none"


def test_what_somebody_typed_and_chose_is_in_the_form_that_comes_back() -> None:
    filled = Filled(text="It ships {{tomorrow}}.", choice="tone")

    drawn = form(Action.EDIT, waiting(), bound_to=SHOWN, filled=filled)

    assert restored(field(drawn, "edit_text")["value"]) == filled.text
    assert "{{" not in field(drawn, "edit_text")["value"]
    assert field(drawn, "edit_choice")["value"] == "tone"


@pytest.mark.parametrize("text", ["y" * 20_000, "長" * 20_000, "🏕" * 20_000])
def test_a_reply_of_any_permitted_length_can_be_edited_and_none_of_it_is_cut(text: str) -> None:
    drawn = form(Action.EDIT, waiting(said=(wrote(LONG),)), bound_to=SHOWN, filled=Filled(text=text))

    assert field(drawn, "edit_text")["value"] == text
    assert field(drawn, "edit_text")["maxLength"] >= len(text.encode("utf-16-le")) // 2
    assert openable(drawn)
    assert "more characters: Read all" in words(drawn)


def test_a_long_letter_above_an_ordinary_reply_leaves_the_form_within_the_budget() -> None:
    drawn = form(Action.EDIT, waiting(said=(wrote(LONG),)), bound_to=SHOWN, filled=Filled(text="Hello"))

    assert weight(drawn) <= CARD_BYTES
    assert "more characters: Read all" in words(drawn)


def test_a_form_that_teams_would_not_take_is_known_before_it_is_sent() -> None:
    assert not openable(form(Action.EDIT, waiting(), bound_to=SHOWN, filled=Filled(text="y" * 50_000)))


def test_a_hundred_categories_with_long_titles_can_be_chosen_from() -> None:
    card = waiting(categories=tuple((f"c{number}", "長" * 200) for number in range(150)))

    drawn = form(Action.RECATEGORISE, card, bound_to=SHOWN, filled=Filled())

    assert problems(drawn) == []
    assert len(field(drawn, "recategorise_choice")["choices"]) == 100
    assert wide_weight(drawn) <= FORM_BYTES


def test_refused_words_are_kept_to_copy() -> None:
    drawn = explanation("Bo approved this at 2026-11-22T09:30Z.", on=SHOWN, kept="My own [words](http://x)")

    assert problems(drawn) == []
    assert "Not done" in words(drawn)
    assert "{{TIME(2026-11-22T09:30:00Z)}}" in words(drawn)
    assert "My own [words](http://x)" in words(drawn)
    assert verbs(drawn) == ["show"]


def test_all_of_a_short_card_is_one_page_that_ends_in_approving() -> None:
    drawn = everything(waiting())

    assert titles(drawn) == ["Approve & send", "Back to the card"]
    assert "Page" not in words(drawn)


def test_a_long_letter_is_read_page_by_page_and_approved_on_the_last() -> None:
    card = waiting(said=(wrote(LONG),), proposal=proposal("長" * 4000))

    first, second, third = (everything(card, page) for page in (1, 2, 3))

    assert titles(first) == ["Read on", "Back to the card"]
    assert titles(second) == ["Read on", "Page before", "Back to the card"]
    assert titles(third) == ["Approve & send", "Page before", "Back to the card"]
    assert "Page 2 of 3" in words(second)
    assert button(third, "approve")["data"]["on"] == card.shown.pack()
    assert all(problems(page) == [] for page in (first, second, third))


def test_a_page_there_is_not_is_the_last_one() -> None:
    assert everything(waiting(), 7) == everything(waiting())


def test_reading_all_of_a_settled_card_approves_nothing() -> None:
    assert titles(everything(ended())) == ["Back to the card"]


def test_a_queue_shows_ones_own_then_what_waits_with_links() -> None:
    found = Queue(agent="Bo", mine=(ROW,), waiting=(replace(ROW, owner=None),), waiting_total=5)

    drawn = queue(found, {"cnv_1": "https://teams.example/l/message/1"})

    assert problems(drawn.card) == []
    assert drawn.summary == "5 waiting, 1 yours"
    read = words(drawn.card)
    assert "Yours• Delivery · Ada Kern · urgent priority · waiting since {{DATE(" in read
    assert "owned by Bo Lindqvist — Where is my tent?" in read
    assert "and 4 more waiting" in read
    assert titles(drawn.card) == ["Refresh"]
    links = [element["url"] for element in elements(drawn.card) if element["type"] == "Action.OpenUrl"]
    assert links == ["https://teams.example/l/message/1"] * 2


def test_an_empty_queue_is_good_news_and_a_stranger_sees_none() -> None:
    nobody = Queue(agent=None, mine=(), waiting=(), waiting_total=0)

    assert "Nothing waits. Every customer has an answer." in words(queue(replace(nobody, agent="Bo"), {}).card)
    assert "you are not on their list" in words(queue(nobody, {}).card)


@pytest.mark.parametrize("text", ["長" * 5000, "{{DATE(x)}}" * 500, '"<at>all</at>'])
def test_a_queue_of_the_longest_rows_stays_within_the_budget(text: str) -> None:
    row = replace(ROW, headline=text, preview=text, owner=text)
    found = Queue(agent=text, mine=(row,) * 50, waiting=(row,) * 50, waiting_total=900, notices=(text,) * 5)

    drawn = queue(found, {"cnv_1": "https://teams.example/" + "a" * 900}).card

    assert problems(drawn) == []
    assert weight(drawn) <= CARD_BYTES
    assert "more of yours" in words(drawn)
    assert text[:10] not in parsed(drawn)


def test_the_figures_of_the_desk_and_its_pauses() -> None:
    drawn = status(STATUS)

    assert problems(drawn.card) == []
    assert drawn.summary == "3 waiting, 1 taken over, 2 not delivered"
    for expected in ("3 waiting, the oldest since {{DATE(", "41 sent today", "paused for billing until {{DATE("):
        assert expected in words(drawn.card)


def test_the_help_names_the_commands_as_they_are_typed_here_after_what_was_wrong() -> None:
    drawn = help_text(trouble="I do not know “{{DATE(x)}}”. I know these:")

    assert problems(drawn.card) == []
    for expected in ("I know these:", "• queue — yours", "• pause [category] [30m|2h] — stop", "• resume", "@Signoff"):
        assert expected in words(drawn.card)
    assert "{{DATE(x" not in words(drawn.card)


def test_one_sentence_is_a_card_too() -> None:
    assert words(said("Paused until 2026-11-22T14:00Z.").card).startswith("Paused until {{DATE(2026-11-22T14:00:00Z")


def test_inputs_are_named_after_their_action() -> None:
    assert field_id(Action.EDIT, Field.TEXT) == "edit_text"
