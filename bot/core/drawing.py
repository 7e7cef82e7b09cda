"""From the rows behind a posting to its card. Every state has its own short function."""

from dataclasses import replace
from typing import Final, assert_never

from bot.core.cards import (
    LABELS,
    Action,
    Card,
    CardState,
    Cited,
    File,
    Offer,
    Proposal,
    Reason,
    Said,
)
from bot.core.decisions import Shown
from bot.core.drafts import sources_of
from bot.core.endings import answered, closed, ended, owned_or_done, taken_over
from bot.core.policy import Policy
from bot.core.texts import legible, one_line
from bot.core.triage import RULE_WORDS
from storage.joins.facts import Facts, Signed
from storage.tables import (
    Direction,
    Draft,
    Message,
    Priority,
    Review,
    ReviewStatus,
)

UNNAMED: Final = "Unnamed customer"
OFFLINE_WISHES: Final = "offline, this can only change the length, the tone or the article"
EVIDENCE_LEAST: Final = 5  # fewer drafts than this say nothing
_MENU: Final = (Action.REDRAFT, Action.RECATEGORISE, Action.DISMISS)


def draw(facts: Facts, policy: Policy, *, notices: tuple[str, ...] = (), offers: tuple[Offer, ...] = ()) -> Card:
    """The card as it stands. Depends on the rows alone, never on the time of drawing."""
    base = _base(facts, policy)
    if facts.moved:
        return closed(base, f"Moved to {policy.category_title(base.category)}")
    card = _review_card(base, facts, facts.review, policy) if facts.review else _message_card(base, facts)
    if card.state is CardState.WAITING:
        card = replace(card, notices=card.notices + notices, offers=() if card.proposal else offers)
    return replace(card, summary=_summary(card, facts))


def _base(facts: Facts, policy: Policy) -> Card:
    review, conversation = facts.review, facts.conversation
    category = review.category if review else conversation.category
    name = one_line(facts.customer.name or "", 60) or UNNAMED
    return Card(
        key=facts.posting.id,
        shown=Shown(
            conversation_id=conversation.id,
            sequence=review.sequence if review else conversation.sequence,
            review_id=review.id if review else None,
            draft_digest=facts.draft.digest if facts.draft else None,
            message_id=facts.outgoing.id if facts.outgoing else facts.posting.message_id,
        ),
        state=CardState.WAITING,
        headline=f"{policy.category_title(category)} · {name}",
        facts=_facts_line(facts, policy),
        waiting_since=None,
        priority=review.priority if review else conversation.priority,
        said=tuple(_said(message) for message in facts.to_answer),
        earlier=tuple(_said(message) for message in facts.earlier),
        broadcast=facts.threaded,
        category=category,
        categories=tuple((name, policy.category_title(name)) for name in policy.category_names if name != category),
    )


def _facts_line(facts: Facts, policy: Policy) -> tuple[str, ...]:
    conversation, customer = facts.conversation, facts.customer
    priority = facts.review.priority if facts.review else conversation.priority
    channel = policy.channels.get(conversation.channel)
    found = [
        f"{priority.value.capitalize()} priority" if priority in (Priority.HIGH, Priority.URGENT) else "",
        _tier(facts, policy) if customer.tier != "standard" else "",
        channel.title if channel else conversation.channel,
        f"Owned by {one_line(facts.owner.name, 60)}" if facts.owner and facts.newest else "",
    ]
    return tuple(fact for fact in found if fact)


def _said(message: Message) -> Said:
    files = tuple(File(name=one_line(file["name"], 100), url=file["url"]) for file in message.attachments)
    return Said(
        author=one_line(message.author, 60),
        text=legible(message.text),
        at=message.created_at,
        files=files,
        by_agent=message.direction is Direction.OUTGOING,
    )


def _review_card(base: Card, facts: Facts, review: Review, policy: Policy) -> Card:
    match review.status:
        case ReviewStatus.PENDING:
            return _waiting(base, facts, review, policy)
        case ReviewStatus.APPROVED | ReviewStatus.EDITED:
            return answered(base, facts)
        case ReviewStatus.TAKEN_OVER:
            return taken_over(base, facts)
        case ReviewStatus.DISMISSED:
            return ended(base, facts, CardState.DISMISSED, "Dismissed")
        case ReviewStatus.SUPERSEDED:
            return closed(base, "The customer wrote again: see the newer card")
        case ReviewStatus.EXPIRED:
            return closed(base, "Nobody decided in time")
        case _:
            assert_never(review.status)


def _waiting(base: Card, facts: Facts, review: Review, policy: Policy) -> Card:
    proposal = _proposal(facts.draft) if facts.draft else None
    answer: tuple[Action, ...] = (Action.EDIT,) if proposal else (Action.WRITE,)
    if proposal and not facts.unread:
        answer = (Action.APPROVE, *answer)
    missing = review.draft_missing or "The draft is being written."
    return replace(
        base,
        waiting_since=review.first_at,
        reasons=_reasons(facts, review, policy),
        notices=_notices(facts, review),
        proposal=proposal,
        prefill=review.edited_text,
        missing="" if proposal else missing,
        buttons=(*answer, Action.TAKE_OVER),
        menu=_MENU,
    )


def _proposal(draft: Draft) -> Proposal:
    counts = draft.evidence
    enough = counts.get("of", 0) >= EVIDENCE_LEAST
    evidence = f"{counts['unchanged']} of {counts['of']} drafts like this went out unchanged" if enough else ""
    made_by = (
        "Offline draft, put together from the knowledge base without a model"
        if draft.offline
        else f"Drafted by {draft.model}"
    )
    return Proposal(
        text=draft.text,
        sources=tuple(
            Cited(title=one_line(source.title, 120), url=source.url, version=source.version)
            for source in sources_of(draft)
        ),
        evidence=evidence,
        made_by=made_by,
        offline=draft.offline,
    )


def _reasons(facts: Facts, review: Review, policy: Policy) -> tuple[Reason, ...]:
    return tuple(
        Reason(words=_rule_words(reason["name"], facts, policy), quote=one_line(reason["quote"], 200))
        for reason in review.reasons
    )


def _rule_words(rule: str, facts: Facts, policy: Policy) -> str:
    if rule == "tier":
        return f"{_tier(facts, policy)} customer"
    if rule.startswith("category:"):
        return f"High-priority category: {policy.category_title(rule.removeprefix('category:'))}"
    return RULE_WORDS.get(rule, rule)


def _tier(facts: Facts, policy: Policy) -> str:
    return policy.tier(facts.customer.tier).title or one_line(facts.customer.tier, 30)


def _notices(facts: Facts, review: Review) -> tuple[str, ...]:
    found = []
    if facts.unread:
        found.append("This customer wrote more than can be shown: only the newest is here, so it cannot be approved")
    if review.notice:
        found.append(review.notice)
    if review.edited_text is not None:
        opener = LABELS[Action.EDIT if facts.draft else Action.WRITE]
        found.append(f"{opener} opens with the text that was taken back" + (", not the draft" if facts.draft else ""))
    if facts.recategorised:
        found.append(f"Moved here by {one_line(facts.recategorised.by, 60)}")
    if facts.redrafted:
        found.append(_redrafted(facts.redrafted, facts.draft))
    return tuple(found)


def _redrafted(asked: Signed, draft: Draft | None) -> str:
    """Whose wish the draft follows, or is to follow; the offline drafter says how far it could."""
    wish = one_line(asked.decision.reason or "", 200)
    words = f"{'Redrafted for' if draft else 'Redraft asked by'} {one_line(asked.by, 60)}" + (
        f": “{wish}”" if wish else ""
    )
    return f"{words} ({OFFLINE_WISHES})" if wish and draft and draft.offline else words


def _message_card(base: Card, facts: Facts) -> Card:
    """A posting without a question: an owner's reply, a customer's words to an owner, or a note."""
    message = facts.message
    if message is None:
        raise LookupError(f"posting {facts.posting.id} shows nothing")
    if message.direction is Direction.OUTGOING:
        return replace(answered(base, facts), broadcast=False)
    if message.automatic:
        return replace(base, state=CardState.NOTE, buttons=(Action.DRAFT,) if facts.newest else (), broadcast=False)
    if not facts.newest:
        return replace(base, state=CardState.NOTE, broadcast=False)
    return owned_or_done(base, facts, None)


def _summary(card: Card, facts: Facts) -> str:
    """All that a screen reader or a notification gets: who, what, and what is asked of the reader."""
    words = one_line(" / ".join(said.text for said in card.said), 160)
    match card.state:
        case CardState.WAITING:
            ask = f"Proposed reply: {one_line(card.proposal.text, 160)}" if card.proposal else card.missing
            reasons = "; ".join(reason.words for reason in card.reasons)
            return f"{card.headline} ({', '.join(card.facts)}): “{words}” {reasons + '. ' if reasons else ''}{ask}"
        case CardState.TAKEN_OVER:
            return f"{card.headline}: {'; '.join(card.facts)}. {words}"
        case CardState.NOTE:
            return f"{card.headline}: {words}"
        case _:
            ending = card.ending
            said = f" {one_line(ending.text, 120)}" if ending and ending.text else ""
            state = f" {ending.delivery}." if ending and ending.delivery else ""
            return f"{card.headline}: {ending.words if ending else card.state.value}.{state}{said}"
