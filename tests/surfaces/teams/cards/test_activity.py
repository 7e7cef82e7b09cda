"""The message around a card: what notifications say, the label of what a model wrote, and answers to a press."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.cards import CardState, Cited
from bot.surfaces.teams.cards.activity import answer, instead, message, refusal, toast
from bot.surfaces.teams.cards.answers import help_text
from bot.surfaces.teams.cards.card import adaptive_card
from tests.surfaces.cards import ended, proposal, said, taken_over, waiting, without_draft
from tests.surfaces.teams.cards.drawn import words


def citations(activity: Any) -> list[tuple[int, str]]:
    found = activity["entities"][0].get("citation", [])
    return [(claim["position"], claim["appearance"]["name"]) for claim in found]


def test_a_model_s_draft_carries_teams_own_label_and_its_sources() -> None:
    activity = message(waiting())

    assert [entity["additionalType"] for entity in activity["entities"]] == [["AIGeneratedContent"]]
    assert citations(activity) == [(1, "Delivery times")]
    assert activity["entities"][0]["citation"][0]["appearance"]["url"] == "https://larkspur.example/help/delivery"


@pytest.mark.parametrize(
    "card",
    [
        without_draft(),
        ended(),
        ended(CardState.HELD),
        taken_over(proposal=None),
        waiting(proposal=replace(proposal(), offline=True)),
    ],
    ids=["no draft", "sent", "held", "taken over", "offline"],
)
def test_what_no_model_wrote_or_a_person_answers_for_carries_no_label(card: Any) -> None:
    assert "entities" not in message(card)


def test_twelve_sources_are_cited_as_far_as_the_card_shows_them() -> None:
    sources = tuple(Cited(title=f"Article {n} " + "x" * 200, url=None, version=1) for n in range(1, 13))

    activity = message(waiting(proposal=replace(proposal(), sources=sources)))

    assert [number for number, _ in citations(activity)] == list(range(1, 9))
    assert "[8] Article 8" in words(activity["attachments"][0]["content"])
    assert "· and 4 more" in words(activity["attachments"][0]["content"])
    assert all(len(name) <= 80 for _, name in citations(activity))


def test_a_customer_s_own_brackets_are_no_reference() -> None:
    activity = message(waiting(said=(said("[1] "), said("see [2] and [1]"))))

    assert citations(activity) == [(1, "Delivery times")]
    assert words(activity["attachments"][0]["content"]).count("[1]") == 1


def test_the_notification_tells_the_essentials_and_mentions_nobody() -> None:
    summary = "<at>all</at> [x](http://evil) {{DATE(1)}} until 2026-11-22T14:00Z"

    activity = message(waiting(summary=summary))

    assert activity["summary"] == ("‹at›all‹/at› [x] (http://evil) {\u2060{DATE(1)}} until 22 Nov 2026, 14:00 UTC")
    assert all(entity.get("type") != "mention" for entity in activity["entities"])
    assert "text" not in activity


def test_a_card_without_a_summary_still_says_what_it_is() -> None:
    assert message(waiting(summary=""))["summary"] == "Delivery · Ada Kern"
    assert message(waiting(summary="", headline=""))["summary"] == "Signoff"


def test_the_same_card_is_always_the_same_message() -> None:
    card = waiting()

    assert message(card) == message(replace(card))


def test_a_press_is_answered_with_a_card_a_toast_or_an_error() -> None:
    shown = instead(adaptive_card(waiting()))

    assert (shown["statusCode"], shown["type"]) == (200, "application/vnd.microsoft.card.adaptive")
    assert shown["value"]["type"] == "AdaptiveCard"
    assert toast("<at>Bo</at> owns this") == {
        "statusCode": 200,
        "type": "application/vnd.microsoft.activity.message",
        "value": "‹at›Bo‹/at› owns this",
    }
    assert refusal("Write the reply first.", code="invalid") == {
        "statusCode": 400,
        "type": "application/vnd.microsoft.error",
        "value": {"code": "invalid", "message": "Write the reply first."},
    }


def test_an_answer_in_a_chat_is_a_message_with_a_card() -> None:
    activity = answer(help_text())

    assert activity["summary"] == "What Signoff can do"
    assert activity["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
