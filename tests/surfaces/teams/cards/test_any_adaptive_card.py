"""Properties of every card there could be in Teams, whatever is written on it."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.core.cards import Action, Card
from bot.core.forms import FORMS, fitting
from bot.surfaces.teams.cards.activity import marks_in, message
from bot.surfaces.teams.cards.body import headed
from bot.surfaces.teams.cards.card import adaptive_card
from bot.surfaces.teams.cards.elements import CARD_BYTES, inert, restored, weight, wide_weight
from bot.surfaces.teams.cards.everything import approvable, everything, readable
from bot.surfaces.teams.cards.forms import FORM_BYTES, form
from bot.surfaces.teams.cards.inputs import fresh
from bot.surfaces.teams.cards.parts import fill
from bot.surfaces.teams.cards.said import everything_of
from tests.surfaces.teams.cards.drawn import LIVE, button, elements, field, parsed, problems, verbs, words
from tests.surfaces.test_any_card import MARK, cards, thorough

STARTS = st.sampled_from(["", "{{DATE(x)}} [1] ", "<at>all</at>"])
hostile_cards = st.builds(
    lambda card, start: replace(card, said=tuple(replace(one, text=start + one.text) for one in card.said)),
    cards,
    STARTS,
)


@thorough
@given(hostile_cards)
def test_teams_takes_it_and_parses_no_word_of_a_customer(card: Card) -> None:
    drawn = adaptive_card(card)

    assert problems(drawn) == []
    assert weight(drawn) <= CARD_BYTES
    assert MARK not in parsed(drawn)
    assert "{{DATE(x" not in json.dumps(drawn)
    assert not {element["type"] for element in elements(drawn)}.intersection(LIVE)
    ids = [element["id"] for element in elements(drawn) if "id" in element]
    assert len(ids) == len(set(ids))


@thorough
@given(hostile_cards)
def test_approve_stands_only_beside_a_draft_and_words_that_are_whole(card: Card) -> None:
    drawn = adaptive_card(card)

    if "approve" in verbs(drawn):
        assert card.proposal is not None
        read = words(drawn)
        assert inert(card.proposal.text) in read
        assert all(inert(one.text) in read for one in (*card.said, *card.earlier))


@thorough
@given(hostile_cards)
def test_all_pages_together_show_everything_and_the_last_one_alone_ends_in_approving(card: Card) -> None:
    if not readable(card):
        return
    found = [everything(card)]
    while onwards := [one for one in found[-1]["actions"] if one["title"] == "Read on"]:
        found.append(everything(card, onwards[0]["data"]["page"]))

    assert all(weight(page) <= CARD_BYTES for page in found)
    assert all(MARK not in parsed(page) for page in found)
    assert all("approve" not in verbs(page) for page in found[:-1])
    assert ("approve" in verbs(found[-1])) == approvable(card)
    whole = words({"body": fill(everything_of(card)).elements})
    for text in (*(one.text for one in card.said), card.proposal.text if card.proposal else ""):
        assert inert(text) in whole
    for page in found:
        shown = words({"body": [one for one in page["body"] if one not in headed(card)]})
        read = shown.partition(f" of {len(found)}")[2] if len(found) > 1 else shown
        assert whole.startswith(read) or not whole or read == "There is nothing to read."
        whole = whole[len(read) :]
    assert whole == ""


@thorough
@given(hostile_cards, st.sampled_from(FORMS))
def test_every_form_a_card_offers_can_be_opened_and_sent_off_as_it_is(card: Card, action: Action) -> None:
    now = fitting(action, card)
    if now is None or now is Action.READ_ALL:
        return
    filled = fresh(now, card)

    drawn = form(now, card, bound_to=card.shown, filled=filled, warning=MARK)

    assert problems(drawn) == []
    assert wide_weight(drawn) <= FORM_BYTES
    assert MARK not in parsed(drawn)
    sent = button(drawn, str(now))
    typed = {one["id"]: one.get("value", "") for one in elements(drawn) if one["type"].startswith("Input.")}
    if now in (Action.EDIT, Action.WRITE):
        value = field(drawn, f"{now}_text").get("value", "")
        assert restored(value) == restored(inert(filled.text))
    assert {*typed}.isdisjoint(sent["data"])


@thorough
@given(hostile_cards)
def test_citations_are_the_sources_that_the_card_numbers(card: Card) -> None:
    activity = message(card)

    entities = activity.get("entities", [])
    assert len(entities) <= 1
    numbers = {claim["position"] for entity in entities for claim in entity.get("citation", [])}
    content = activity["attachments"][0]["content"]
    assert numbers <= marks_in(content)
    if entities:
        assert numbers == marks_in(content)
    for claim in (claim for entity in entities for claim in entity.get("citation", [])):
        assert 0 < len(claim["appearance"]["name"]) <= 80
        assert 0 < len(claim["appearance"]["abstract"]) <= 160
    assert "<" not in activity["summary"]
    json.dumps(activity, ensure_ascii=False).encode()
