"""The rules judge alone; a model's features only raise."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.base import Automatic
from bot.core.drafts import ModelTriage, Sentiment
from bot.core.policy import Policy
from bot.core.triage import Handling, Triage, triage, with_model
from storage.tables import Priority
from tests.data import shared
from tests.desk import POLICY

RULES = Policy.model_validate(POLICY)


def judge(text: str, **facts: Any) -> Triage:
    given: dict[str, Any] = {"tier": "standard", "automatic": None, "previous": None, "opened": True} | facts
    return triage(text, policy=RULES, **given)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I was CHARGED twice", "billing"),
        ("my lawyer will call about the invoice, says the lawyer", "legal"),
        ("I feel overcharged", "general"),  # a keyword is a whole word
        ("hello", "general"),
    ],
)
def test_words_name_the_category(text: str, category: str) -> None:
    assert judge(text).category == category


def test_a_conversation_keeps_its_category_until_words_name_another() -> None:
    assert judge("and when?", previous="billing").category == "billing"
    assert judge("my lawyer asks when", previous="billing").category == "legal"
    assert judge("hello").category == "general"


def test_tier_and_category_raise_the_priority() -> None:
    assert judge("hello").priority is Priority.NORMAL
    assert judge("hello", tier="vip").priority is Priority.HIGH
    assert judge("my lawyer").priority is Priority.HIGH
    assert judge("hello", tier="unknown to the policy").priority is Priority.NORMAL


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "ok thank you so much 🙏",
        "Perfect, thanks again for your help!",
        "Vielen Dank!",
        "merci beaucoup",
        "Great, that helps, cheers",
    ],
)
def test_mere_thanks_are_a_note_in_a_running_conversation_only(text: str) -> None:
    assert judge(text, opened=False).handling is Handling.NOTE
    assert judge(text, opened=True).handling is Handling.DRAFT


@pytest.mark.parametrize("text", ["Thanks, but where is it?", "Thanks, still broken", "ok so no refund then", "hm"])
def test_thanks_with_anything_else_are_a_question(text: str) -> None:
    assert judge(text, opened=False).handling is Handling.DRAFT


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Automatic reply: I am away until Monday", "auto_reply"),
        ("Out of office", "auto_reply"),
        ("Abwesenheitsnotiz: ich bin im Urlaub", "auto_reply"),
        ("Undeliverable: your message", "bounce"),
        ("Delivery Status Notification (Failure)", "bounce"),
    ],
)
def test_automatic_mail_is_known_by_its_first_words(text: str, rule: str) -> None:
    judged = judge(text)

    assert judged.handling is Handling.NOTE
    assert [because.rule for because in judged.reasons] == [rule]


def test_what_the_channel_says_of_a_message_counts() -> None:
    assert judge("Where is my order?", automatic=Automatic.BULK).handling is Handling.NOTE


def features(**changes: Any) -> ModelTriage:
    calm: dict[str, Any] = {
        "category": None,
        "sentiment": Sentiment.NEUTRAL,
        "wants_human": False,
        "sensitive": False,
        "language": "en",
        "injection_suspected": False,
        "thanks_only": False,
    }
    return ModelTriage(**(calm | changes))


@pytest.mark.parametrize("model", [None, features(), features(thanks_only=True, sentiment=Sentiment.POSITIVE)])
def test_a_model_lowers_nothing(model: ModelTriage | None) -> None:
    rules = judge("I want to speak to a manager", tier="vip")

    assert with_model(rules, model, RULES, categorised_by_rule=False) == rules


@pytest.mark.parametrize("feature", ["wants_human", "sensitive"])
def test_a_model_raises(feature: str) -> None:
    raised = with_model(judge("hello"), features(**{feature: True}), RULES, categorised_by_rule=False)

    assert raised.priority is Priority.HIGH
    assert [because.rule for because in raised.reasons] == [feature]


def test_a_model_cannot_name_a_category_that_does_not_exist() -> None:
    judged = with_model(judge("hello"), features(category="ceo"), RULES, categorised_by_rule=False)

    assert judged.category == "general"


def banking() -> Iterator[str]:
    with gzip.open(shared("banking77/banking77.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def test_calm_questions_are_hardly_ever_taken_for_a_wish_for_a_person_or_a_note() -> None:
    judged = [judge(text, opened=False) for text in banking()]

    assert sum(bool(each.reasons) for each in judged) <= len(judged) * 0.001
    assert sum(each.handling is Handling.NOTE for each in judged) == 0
