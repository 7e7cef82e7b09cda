"""What is sent to Teams around a card: a message for everyone, or the answer to one person's press.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bot-messages-ai-generated-content
"""

import re
from typing import Final

from bot.core import wording
from bot.core.cards import Card, Cited
from bot.core.texts import spoken
from bot.surfaces.teams.cards.answers import Words
from bot.surfaces.teams.cards.card import adaptive_card
from bot.surfaces.teams.cards.elements import Elements, Json, linkable, one_line

CARD: Final = "application/vnd.microsoft.card.adaptive"
TOAST: Final = "application/vnd.microsoft.activity.message"
ERROR: Final = "application/vnd.microsoft.error"
SUMMARY_CHARS: Final = 1000
TOAST_CHARS: Final = 500
CITATION_NAME_CHARS: Final = 80
CITATIONS_MOST: Final = 20
_MARK: Final = re.compile(r"\[(\d+)\] ")


def message(card: Card) -> Json:
    """The activity that puts a card up, or redraws it. It calls nobody: no mention has an entity."""
    drawn = adaptive_card(card)
    activity = _showing(drawn, told(card.summary) or told(card.headline) or wording.NAMELESS)
    entities = _ai_generated(card, drawn)
    return {**activity, "entities": entities} if entities else activity


def answer(words: Words) -> Json:
    """The activity that says something to one person in their chat."""
    return _showing(words.card, told(words.summary) or wording.NAMELESS)


def instead(card: Json) -> Json:
    """The answer to a press that shows this to the presser, in place of the card."""
    return {"statusCode": 200, "type": CARD, "value": _wide(card)}


def toast(words: str) -> Json:
    """The answer to a press that leaves the card as it is, and says this to the presser."""
    return {"statusCode": 200, "type": TOAST, "value": told(words, TOAST_CHARS) or "Done."}


def refusal(words: str, *, code: str) -> Json:
    """The answer to a press that failed: the card stays as it is, with what was typed in it."""
    return {"statusCode": 400, "type": ERROR, "value": {"code": code, "message": told(words, TOAST_CHARS)}}


def told(text: str, most: int = SUMMARY_CHARS) -> str:
    """For notifications, screen readers and toasts: nothing in it mentions, links or formats; times are in UTC."""
    flat = one_line(spoken(text), most)
    return flat.replace("<", "‹").replace(">", "›").replace("](", "] (")


def _showing(card: Json, summary: str) -> Json:
    return {
        "type": "message",
        "summary": summary,
        "attachments": [{"contentType": CARD, "content": _wide(card)}],
    }


def _wide(card: Json) -> Json:
    """Letters are read in the full width of the channel. Teams' own word, not the schema's."""
    return {**card, "msteams": {"width": "Full"}}


def _ai_generated(card: Card, drawn: Json) -> Elements:
    """Teams' label for what a model wrote, with the sources that the card shows: one entity a message at most."""
    if card.proposal is None or card.proposal.offline or card.state not in wording.OPEN:
        return []
    marks = sorted(marks_in(drawn))
    citations = [_citation(number, card.proposal.sources[number - 1]) for number in marks[:CITATIONS_MOST]]
    entity: Json = {
        "type": "https://schema.org/Message",
        "@type": "Message",
        "@context": "https://schema.org",
        "@id": "",
        "additionalType": ["AIGeneratedContent"],
    }
    return [{**entity, "citation": citations} if citations else entity]


def marks_in(drawn: object) -> set[int]:
    """The [n] of a drawn card that are its own. Those that somebody wrote are inert, and do not match."""
    if isinstance(drawn, dict):
        found = _MARK.fullmatch(drawn["text"]) if isinstance(drawn.get("text"), str) else None
        own = {int(found[1])} if found else set()
        return own.union(*(marks_in(part) for part in drawn.values()))
    return set().union(*(marks_in(part) for part in drawn)) if isinstance(drawn, list) else set()


def _citation(number: int, source: Cited) -> Json:
    appearance: Json = {
        "@type": "DigitalDocument",
        "name": one_line(source.title, CITATION_NAME_CHARS)[:CITATION_NAME_CHARS] or wording.UNTITLED,
        "abstract": f"Version {source.version} of this article",
    }
    if source.url is not None and linkable(source.url):
        appearance["url"] = source.url
    return {"@type": "Claim", "position": number, "appearance": appearance}
