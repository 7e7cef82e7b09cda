"""What Teams does not take, with the codes it says so with."""

import json
from typing import Any, Final

from tests.fakes.teams.journal import Journal

SIZE_BYTES: Final = 100 * 1024  # in UTF-16, the whole of it
_NAME, _ABSTRACT, _KEYWORDS, _KEYWORD, _CITATIONS = 80, 160, 3, 28, 20

Refusal = tuple[int, str]


def of_place(journal: Journal, conversation: str) -> Refusal | None:
    if conversation.partition(";messageid=")[0] in journal.team.channels and not journal.team.installed:
        return 403, "BotNotInConversationRoster"
    return None if journal.knows(conversation) else (404, "ConversationNotFound")


def of_activity(activity: Any) -> Refusal | None:
    if not isinstance(activity, dict) or activity.get("type") != "message":
        return 400, "BadSyntax"
    if len(json.dumps(activity, ensure_ascii=False).encode("utf-16-le", "replace")) > SIZE_BYTES:
        return 413, "MessageSizeTooBig"
    entities = activity.get("entities", [])
    said = [each for each in entities if each.get("type") == "https://schema.org/Message"]
    if len(said) > 1 or not all(map(_fits, said)):
        return 400, "BadArgument"
    mentioned = [each for each in entities if each.get("type") == "mention"]
    if any(each.get("text", "") not in activity.get("text", "") for each in mentioned):
        return 400, "BadSyntax"
    return None


def _fits(entity: dict[str, Any]) -> bool:
    """https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bot-messages-ai-generated-content"""
    citations = entity.get("citation") or []
    for each in citations:
        appearance = each.get("appearance", {})
        keywords = appearance.get("keywords") or []
        if not isinstance(each.get("position"), int) or each["position"] < 1:
            return False
        if not 0 < len(appearance.get("name", "")) <= _NAME or not 0 < len(appearance.get("abstract", "")) <= _ABSTRACT:
            return False
        if len(keywords) > _KEYWORDS or any(len(keyword) > _KEYWORD for keyword in keywords):
            return False
    return len(citations) <= _CITATIONS
