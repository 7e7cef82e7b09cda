"""Forms, as an agent fills them in; what they typed is never lost."""

from dataclasses import replace

import pytest

from bot.core.cards import Action, Card, CardState, Ending
from bot.core.decisions import (
    REPLY_CHARS,
    Answer,
    Approve,
    Dismiss,
    DismissReason,
    Edit,
    EditReason,
    Recategorise,
    Redraft,
    SendReply,
    Verdict,
)
from bot.core.forms import FORMS
from bot.sandbox.blockkit import view_problems
from bot.surfaces.slack.modals.filled import Filled, prefilled
from bot.surfaces.slack.modals.forms import form, fresh
from tests.surfaces.cards import AT, SHOWN, drawn_text, proposal, said, taken_over, waiting, without_draft
from tests.surfaces.recording import Office

PARAGRAPHS = "\n\n".join(f"Paragraph {n}. " + "It is about tents and how they are pitched. " * 9 for n in range(48))
NOW = replace(SHOWN, sequence=2, review_id="rev_2", draft_digest="e" * 32)


def newer() -> object:
    return waiting(shown=NOW, said=(said(), said("And the pegs?")), proposal=proposal("Tent and pegs left today."))


async def test_edit_opens_with_the_draft_and_sends_what_was_made_of_it(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting())

    seen = await ana.click("edit", on=message)
    assert seen.view is not None
    assert "Where is my tent? Order 1042." in drawn_text(seen.view.blocks)
    await ana.type("typed", "Hello Ada, it ships today.")
    await ana.choose("chosen", "tone")
    sent = await ana.submit()

    assert sent.ok
    assert sent.view is None
    assert office.desk.decisions == [Edit("Hello Ada, it ships today.", EditReason.TONE)]
    assert office.desk.presses[0].on == SHOWN


async def test_an_unchanged_edit_sends_the_draft_to_the_letter_however_long_it_is(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    assert 19_000 < len(PARAGRAPHS) <= REPLY_CHARS
    _, message = await office.post(waiting(proposal=proposal(PARAGRAPHS)))

    await ana.click("edit", on=message)
    sent = await ana.submit()

    assert sent.ok
    assert office.desk.decisions == [Edit(PARAGRAPHS)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "a" * 9999,
        PARAGRAPHS,
        "word " * 2000,
        "🏕" * 3000,
        "x\n\n" * 1500,
        "\n" * 5000,
        " " * 4001,
        "a b\n" * 999,
    ],
)
def test_a_split_text_joins_to_itself(text: str) -> None:
    assert prefilled(text).text == text


def test_an_emptied_part_leaves_no_gap() -> None:
    assert Filled(texts=("One.", "", "Three."), joins=("\n\n", "\n\n")).text == "One.\n\nThree."


def test_a_form_in_which_nothing_is_sent_is_closed_not_cancelled() -> None:
    sent, open_ = taken_over(state=CardState.SENT, proposal=None), waiting()

    def close(card: Card) -> str:
        return str(form(Action.READ_ALL, card, bound_to=SHOWN, filled=Filled())["close"]["text"])

    assert (close(sent), close(open_)) == ("Close", "Cancel")


@pytest.mark.parametrize("action", [Action.EDIT, Action.REPLY, Action.REDRAFT])
def test_typing_begins_in_the_first_text_and_no_warning_moves_it(action: Action) -> None:
    card = waiting(said=(said(PARAGRAPHS),), proposal=proposal(PARAGRAPHS))

    opened = form(action, card, bound_to=SHOWN, filled=fresh(action, card))
    warned = form(action, card, bound_to=SHOWN, filled=fresh(action, card), warning="The customer wrote again.")

    focused = [block["block_id"] for block in opened["blocks"] if block.get("element", {}).get("focus_on_load")]
    assert focused == ["text-0"]
    assert "focus_on_load" not in str(warned)


async def test_an_empty_reply_is_refused_under_its_input(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(taken_over())

    await ana.click("reply", on=message)
    await ana.type("typed", "   ")
    seen = await ana.submit()

    assert seen.errors == {"text-0": "Write the reply first."}
    assert office.desk.presses == []


async def test_an_overlong_reply_is_refused_with_its_length(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting(proposal=proposal(PARAGRAPHS)))

    seen = await ana.click("edit", on=message)
    assert seen.view is not None
    last = [block["block_id"] for block in seen.view.blocks if block["block_id"].startswith("text-")][-1]
    await ana.type("typed", "y" * 3000, block_id=last)
    seen = await ana.submit()

    assert list(seen.errors) == [last]
    assert "at most 20,000 can be sent" in seen.errors[last]
    assert office.desk.presses == []


async def test_every_other_form_says_what_it_is_for(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, plain = await office.post(without_draft())
    await ana.click("write", on=plain)
    await ana.type("typed", "It ships today.")
    await ana.submit()
    _, owned = await office.post(taken_over())
    await ana.click("reply", on=owned)
    await ana.type("typed", "I will look myself.")
    await ana.submit()
    _, message = await office.post(waiting())
    await ana.choose("menu", "redraft", on=message)
    await ana.type("typed", "Shorter, and apologise.")
    await ana.submit()
    await ana.choose("menu", "recategorise", on=message)
    await ana.choose("chosen", "billing")
    await ana.submit()
    await ana.choose("menu", "dismiss", on=message)
    await ana.choose("chosen", "spam")
    await ana.type("typed", "third time today", block_id="note")
    await ana.submit()

    assert office.desk.decisions == [
        Edit("It ships today."),
        SendReply("I will look myself."),
        Redraft("Shorter, and apologise."),
        Recategorise("billing"),
        Dismiss(DismissReason.SPAM, "third time today"),
    ]


async def test_reading_all_ends_in_approving_what_was_read(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting(proposal=proposal(PARAGRAPHS), said=(said("z" * 20_000),)))

    seen = await ana.click("read_all", on=message)
    assert seen.view is not None
    words = drawn_text(seen.view.blocks)
    assert "z" * 20_000 in words.replace(" ", "")
    assert all(f"Paragraph {n}." in words for n in range(48))
    await ana.submit()

    assert office.desk.decisions == [Approve()]
    assert office.desk.presses[0].on == SHOWN


async def test_reading_all_where_there_is_no_draft_sends_nothing(office: Office) -> None:
    _, message = await office.post(without_draft(said=(said("z" * 20_000),)))

    seen = await office.sandbox.person("U0ANA").click("read_all", on=message)

    assert seen.view is not None
    assert seen.view.content.get("submit") is None


@pytest.mark.parametrize("answer", [Answer.CUSTOMER_WROTE, Answer.DRAFT_CHANGED, Answer.TOO_LATE])
async def test_a_form_overtaken_keeps_the_words_shows_what_is_new_and_asks_again(
    office: Office, answer: Answer
) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting())
    await ana.click("edit", on=message)
    await ana.type("typed", "My careful words.")
    await ana.choose("chosen", "policy")
    office.desk.verdicts = [Verdict(answer=answer, words="The customer wrote again.", now=NOW)]
    office.desk.cards["cnv_1"] = newer()

    seen = await ana.submit()

    assert seen.view is not None
    words = drawn_text(seen.view.blocks)
    assert "The customer wrote again." in words
    assert "And the pegs?" in words
    await ana.submit()
    assert office.desk.decisions == [Edit("My careful words.", EditReason.POLICY)] * 2
    assert [press.on for press in office.desk.presses] == [SHOWN, NOW]


async def test_approving_in_a_form_that_was_overtaken_approves_only_what_it_then_shows(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting(said=(said("z" * 12_000),)))
    await ana.click("read_all", on=message)
    office.desk.verdicts = [Verdict(answer=Answer.DRAFT_CHANGED, words="There is a newer draft.", now=NOW)]
    office.desk.cards["cnv_1"] = newer()

    seen = await ana.submit()
    assert seen.view is not None
    assert "Tent and pegs left today." in drawn_text(seen.view.blocks)
    await ana.submit()

    assert [press.on for press in office.desk.presses] == [SHOWN, NOW]


async def test_approving_ends_where_the_newer_question_has_no_draft_yet(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting(said=(said("z" * 12_000),)))
    await ana.click("read_all", on=message)
    office.desk.verdicts = [Verdict(answer=Answer.CUSTOMER_WROTE, words="The customer wrote again.", now=NOW)]
    office.desk.cards["cnv_1"] = without_draft(shown=NOW)

    seen = await ana.submit()

    assert seen.view is not None
    assert seen.view.content.get("submit") is None
    assert "The customer wrote again." in drawn_text(seen.view.blocks)


@pytest.mark.parametrize("answer", [Answer.TOO_LATE, Answer.NOT_ALLOWED, Answer.NOT_OWNER, Answer.NOT_FOUND])
async def test_a_form_refused_for_good_says_why_and_keeps_the_words_to_copy(office: Office, answer: Answer) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting())
    await ana.click("edit", on=message)
    await ana.type("typed", "My careful words.")
    office.desk.verdicts = [Verdict(answer=answer, words="Bo was first.")]

    seen = await ana.submit()

    assert seen.view is not None
    assert "Bo was first." in drawn_text(seen.view.blocks)
    assert "My careful words." in drawn_text(seen.view.blocks)
    assert seen.view.content.get("submit") is None


async def test_what_the_desk_calls_invalid_is_shown_under_the_input(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting())
    await ana.choose("menu", "recategorise", on=message)
    await ana.choose("chosen", "billing")
    office.desk.verdicts = [Verdict(answer=Answer.INVALID, words="That category is gone.")]

    seen = await ana.submit()

    assert seen.errors == {"choice": "That category is gone."}


async def test_a_form_with_broken_metadata_is_refused_with_the_words_kept(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting())
    seen = await ana.click("edit", on=message)
    assert seen.view is not None
    await ana.type("typed", "My careful words.")
    seen.view.content["private_metadata"] = "[]"

    seen = await ana.submit()

    assert office.desk.presses == []
    assert seen.view is not None
    assert "My careful words." in drawn_text(seen.view.blocks)


async def test_the_same_form_sent_twice_is_one_event_and_another_text_another(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(taken_over())
    await ana.click("reply", on=message)
    office.desk.verdicts = [Verdict(answer=Answer.INVALID, words="No.")] * 3

    await ana.type("typed", "One")
    await ana.submit()
    await ana.submit()
    await ana.type("typed", "Two")
    await ana.submit()

    first, second, third = (press.event for press in office.desk.presses)
    assert first == second != third


async def test_whoever_writes_while_the_customer_writes_is_warned_and_loses_nothing(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    ref, message = await office.post(waiting())
    await ana.click("edit", on=message)
    await ana.type("typed", "My careful words.")

    superseded = Ending(words="The customer wrote again: see the newer card", at=AT)
    await office.slack.surface.update(ref, waiting(state=CardState.CLOSED, ending=superseded))
    await office.post(newer(), thread=ref)

    assert ana.view is not None
    words = drawn_text(ana.view.blocks)
    assert "The customer wrote again" in words
    assert "And the pegs?" in words
    await ana.submit()
    assert office.desk.decisions == [Edit("My careful words.")]
    assert office.desk.presses[0].on == SHOWN  # the desk refuses this, and the form asks again


async def test_a_form_is_warned_once_and_not_about_what_it_shows(office: Office) -> None:
    ref, message = await office.post(waiting())
    await office.sandbox.person("U0ANA").click("edit", on=message)

    await office.slack.surface.update(ref, waiting(facts=("Owned by Bo",)))
    assert office.sandbox.calls("views.update") == []
    for _ in range(3):
        await office.slack.surface.update(ref, newer())

    assert len(office.sandbox.calls("views.update")) == 1


async def test_a_form_that_was_closed_or_sent_is_not_written_to(office: Office) -> None:
    ana, bo = office.sandbox.person("U0ANA"), office.sandbox.person("U0BO")
    ref, message = await office.post(waiting())
    await ana.click("edit", on=message)
    await ana.close()
    await bo.click("edit", on=message)
    await bo.submit()

    await office.slack.surface.update(ref, newer())

    assert office.sandbox.calls("views.update") == []


@pytest.mark.parametrize("action", FORMS)
@pytest.mark.parametrize("size", [0, 100, 20_000, 60_000])
def test_slack_takes_every_form_at_every_length(action: Action, size: int) -> None:
    text = "Tents & pegs\n\n" * (size // 14)
    card = waiting(
        said=(said(text or "?"),) * 2, proposal=proposal(text or "!"), categories=(("a" * 40, "b" * 200),) * 99
    )

    view = form(action, card, bound_to=SHOWN, filled=fresh(action, card), warning="<!channel> " * 100)

    if not (action is Action.READ_ALL and size == 60_000):  # the card offers no such form then
        assert view_problems(view) == []


async def test_what_no_database_can_keep_is_taken_out_of_what_was_typed(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(taken_over())

    await ana.click("reply", on=message)
    await ana.type("typed", "Hello\x00 Ada\ud800!")
    await ana.submit()

    assert office.desk.decisions == [SendReply("Hello Ada?!")]
