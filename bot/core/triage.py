"""What the rules make of a message: category, priority, reasons, and whether to draft. No model is asked.

A model's features may raise what the rules found, never lower it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from adapters.base import Automatic
from bot.core.drafts import ModelTriage, Sentiment
from bot.core.humans import asks_for_a_person
from bot.core.policy import DEFAULT_CATEGORY, CategoryPolicy, Policy
from storage.tables import Priority

_ORDER: Final = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT)


class Handling(StrEnum):
    """What a message is answered with."""

    DRAFT = "draft"
    WRITE = "write"  # a card without a draft: this category is written by people
    NOTE = "note"  # a line in the thread: nobody has to answer


@dataclass(frozen=True, kw_only=True)
class Because:
    """A rule that fired: its name, and the customer's words that made it fire (empty: none did)."""

    rule: str
    quote: str = ""


@dataclass(frozen=True, kw_only=True)
class Triage:
    """What the rules made of a message. A value, not a row."""

    category: str
    priority: Priority
    handling: Handling
    reasons: tuple[Because, ...]


RULE_WORDS: Final[dict[str, str]] = {
    "wants_human": "Asks for a person",
    "tier": "Tier",
    "angry": "Sounds angry",
    "sensitive": "Sensitive matter",
    "injection": "Tries to instruct the bot",
    "auto_reply": "Automatic reply",
    "bounce": "Bounced mail",
    "bulk": "Bulk mail",
    "thanks": "Only says thanks",
    "no_drafts": "Written by people in this category",
}


def triage(
    text: str, *, tier: str, automatic: Automatic | None, previous: str | None, policy: Policy, opened: bool
) -> Triage:
    """Judge one message (or a burst, joined).

    `previous` is the conversation's category so far: it stays unless the words name another. `opened`: the message
    begins a conversation or joins a question that is open, so that mere thanks are not set aside as a note.
    """
    category, words = _category(text, policy.categories)
    category = category or previous or DEFAULT_CATEGORY
    chosen = policy.category(category)
    reasons: list[Because] = []
    priority = highest(chosen.priority, policy.tier(tier).priority)

    if machine := _automatic(text, automatic):
        return Triage(
            category=category, priority=Priority.LOW, handling=Handling.NOTE, reasons=(Because(rule=machine.value),)
        )
    if not opened and _thanks_only(text):
        return Triage(
            category=category, priority=Priority.LOW, handling=Handling.NOTE, reasons=(Because(rule="thanks"),)
        )
    if wish := asks_for_a_person(text):
        reasons.append(Because(rule="wants_human", quote=wish))
        priority = highest(priority, Priority.HIGH)
    if policy.tier(tier).priority in (Priority.HIGH, Priority.URGENT):
        reasons.append(Because(rule="tier"))
    if priority is chosen.priority and chosen.priority in (Priority.HIGH, Priority.URGENT) and words:
        reasons.append(Because(rule=f"category:{category}", quote=words))
    if not chosen.draft:
        reasons.append(Because(rule="no_drafts"))
    handling = Handling.DRAFT if chosen.draft else Handling.WRITE
    return Triage(category=category, priority=priority, handling=handling, reasons=tuple(reasons))


def with_model(rules: Triage, model: ModelTriage | None, policy: Policy, *, categorised_by_rule: bool) -> Triage:
    """Add what the model saw. It may name a category where no rule did, and raise the priority; nothing else."""
    if model is None:
        return rules
    judged = rules
    if not categorised_by_rule and model.category in policy.category_names and model.category is not None:
        priority = highest(rules.priority, policy.category(model.category).priority)
        judged = replace(judged, category=model.category, priority=priority)
    reasons = list(judged.reasons)
    known = {because.rule for because in reasons}
    for fired, rule, least in (
        (model.wants_human, "wants_human", Priority.HIGH),
        (model.sentiment is Sentiment.ANGRY, "angry", Priority.HIGH),
        (model.sensitive, "sensitive", Priority.HIGH),
        (model.injection_suspected, "injection", Priority.NORMAL),
    ):
        if fired:
            judged = replace(judged, priority=highest(judged.priority, least))
            if rule not in known:
                reasons.append(Because(rule=rule))
    return replace(judged, reasons=tuple(reasons))


def category_by_rule(text: str, policy: Policy) -> str | None:
    """The category whose words the text uses; None if none does."""
    return _category(text, policy.categories)[0]


def highest(*priorities: Priority) -> Priority:
    return max(priorities, key=_ORDER.index)


def _category(text: str, categories: Sequence[CategoryPolicy]) -> tuple[str | None, str]:
    """The category with most matches and the first words that matched; in a tie, the one listed first."""
    best: tuple[int, str | None, str] = (0, None, "")
    for category in categories:
        found = [match.group(0) for pattern in _patterns(category) for match in pattern.finditer(text)]
        if len(found) > best[0]:
            best = len(found), category.name, found[0]
    return best[1], best[2]


_COMPILED: Final[dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[re.Pattern[str], ...]]] = {}


def _patterns(category: CategoryPolicy) -> tuple[re.Pattern[str], ...]:
    key = (category.keywords, category.patterns)
    if key not in _COMPILED:
        words = [rf"(?<!\w){re.escape(word)}(?!\w)" for word in category.keywords]
        _COMPILED[key] = tuple(re.compile(pattern, re.IGNORECASE) for pattern in (*words, *category.patterns))
    return _COMPILED[key]


_AUTO_REPLY: Final = re.compile(
    r"^\s*(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response|antwort)|out of (?:the )?office|abwesenheitsnotiz|"
    r"automatische antwort|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina)\b",
    re.IGNORECASE,
)
_BOUNCE: Final = re.compile(
    r"^\s*(?:delivery status notification|undeliver(?:able|ed)\b|mail delivery (?:failed|subsystem)|"
    r"returned mail|this message was created automatically by mail delivery software)",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(
    r"(?:ok(?:ay)?|great|perfect|super|awesome|cool|got it|many thanks|thank you|thanks?|thx|ty|cheers|so much|"
    r"very much|a lot|again|for (?:your|the) (?:quick |fast |kind )?(?:help|reply|answer)|that help(?:s|ed)?|"
    r"appreciate (?:it|that)|danke(?: schön| sehr)?|vielen dank|alles klar|merci(?: beaucoup)?|parfait|"
    r"(?:muchas )?gracias|perfecto|grazie(?: mille)?|obrigad[oa]|dank je(?: wel)?|bedankt|tack|bye|all good)",
    re.IGNORECASE,
)


def _automatic(text: str, automatic: Automatic | None) -> Automatic | None:
    """What the channel said, else what the first words say."""
    if automatic is not None:
        return automatic
    if _BOUNCE.search(text):
        return Automatic.BOUNCE
    return Automatic.AUTO_REPLY if _AUTO_REPLY.search(text) else None


def _thanks_only(text: str) -> bool:
    """Nothing but thanks: short, no question, and no word left over."""
    if len(text) > 120 or "?" in text:
        return False
    rest = _THANKS.sub(" ", text)
    return rest != text and not re.search(r"\w", rest)
