"""Whether what stands in the database, on the wall and in the channels' logs is what the rules allow."""

from collections import Counter
from dataclasses import fields, replace

from bot.core.cards import Action, Card, CardState
from storage.tables import (
    DecisionKind,
    DeliveryStatus,
    Direction,
    PostingStatus,
    Review,
    ReviewStatus,
)
from tests.stateful.rules import Letter, Line, Question, Rules, Thread
from tests.stateful.world import CHANNELS, Rows, World

_ENDS = {
    "superseded": ReviewStatus.SUPERSEDED,
    "Approve": ReviewStatus.APPROVED,
    "Edit": ReviewStatus.EDITED,
    "Dismiss": ReviewStatus.DISMISSED,
    "TakeOver": ReviewStatus.TAKEN_OVER,
}
_KINDS = {"Approve": DecisionKind.APPROVE, "Edit": DecisionKind.EDIT}
_STATES = {
    "held": DeliveryStatus.HELD,
    "taken back": DeliveryStatus.CANCELLED,
    "sent": DeliveryStatus.SENT,
    "failed": DeliveryStatus.FAILED,
    "let go": DeliveryStatus.SENDING,
}
_ABOUT_A_QUESTION = (
    DecisionKind.APPROVE,
    DecisionKind.EDIT,
    DecisionKind.DISMISS,
    DecisionKind.RECATEGORISE,
)
# Buttons whose press is refused where something was said since; to the others the sequence means nothing.
_BOUND = {
    Action.APPROVE,
    Action.READ_ALL,
    Action.EDIT,
    Action.WRITE,
    Action.REDRAFT,
    Action.RECATEGORISE,
    Action.DISMISS,
    Action.REPLY,
}
# A line's card keeps the header it had: what the conversation is about changes with every question.
_HEADER = ("headline", "facts", "priority", "category", "categories", "summary")


def judge(rules: Rules, world: World, rows: Rows) -> None:
    """Every promise, of every thread. Learns on the way what nobody could foretell: names, drafts, deliveries."""
    assert set(rows.conversations) == set(rules.threads), "conversations"
    for name, thread in rules.threads.items():
        _said(name, thread, rows)
        _asked(rules, world, name, thread, rows)
        _delivered(world, name, thread, rows)
        _waits(name, thread, rows)
    _recorded(rows)


def _said(name: str, thread: Thread, rows: Rows) -> None:
    """Promise 1 and 5: every word that came is there once, and no other went out than those somebody authorised."""
    found = rows.of(name)
    for place, (message, one) in enumerate(zip(found, thread.said, strict=True), 1):
        assert message.sequence == place, f"{name}: places"
        match one:
            case Line():
                assert message.direction is Direction.INCOMING, f"{name} {place}: nobody authorised {message.text!r}"
                assert (message.text, message.automatic) == (one.words, not one.asks), f"{name} {place}: what was said"
            case Letter():
                decision = rows.decisions[message.decision_id or ""]
                assert message.direction is Direction.OUTGOING, f"{name} {place}: {one.text!r} is missing"
                assert message.text == one.text == decision.text, f"{name} {place}: not what was authorised"
                assert rows.agents[decision.agent_id] == one.by, f"{name} {place}: not who authorised it"
                assert decision.kind in _ABOUT_A_QUESTION if one.question else DecisionKind.REPLY, f"{name} {place}"
                assert decision.review_id == one.question, f"{name} {place}: not what it answers"


def _asked(rules: Rules, world: World, name: str, thread: Thread, rows: Rows) -> None:
    """Promise 2, 3, 6: at most one question is open, none while somebody owns it, and each ended as it was decided."""
    conversation = rows.conversations[name]
    about = {one.id: one for one in rows.reviews if one.conversation_id == conversation.id}
    waiting = [one for one in about.values() if one.status is ReviewStatus.PENDING]
    owner = rows.agents[conversation.owner_id] if conversation.owner_id else None
    assert owner == thread.owner, f"{name}: owned by {owner}, not {thread.owner}"
    assert len(waiting) == bool(thread.open), f"{name}: {len(waiting)} questions are open, not {bool(thread.open):d}"
    unnamed = [name for name in thread.questions if name not in about]
    opened = [one for one in about.values() if one.id not in thread.questions]
    unknown = [one.id for one in sorted(opened, key=lambda one: (one.status is ReviewStatus.PENDING, one.id))]
    assert len(unnamed) == len(unknown), f"{name}: {len(unknown)} new questions, not {len(unnamed)}"
    for one, other in zip(unnamed, unknown, strict=True):
        thread.learn(one, other)
    if thread.open:
        _open(rules, world, name, thread, thread.open, about[thread.open.name], rows)
    for question in thread.questions.values():
        expected, status = _ENDS.get(question.ended, ReviewStatus.PENDING), about[question.name].status
        assert status is expected, f"{name}: a question is {status}, not {expected}"


def _open(rules: Rules, world: World, name: str, thread: Thread, asked: Question, review: Review, rows: Rows) -> None:
    """It is about everything unanswered, and its draft is made for exactly that."""
    assert review.sequence == asked.upto, f"{name}: the question is about {review.sequence}, not {asked.upto}"
    left_out = [n for n in thread.unanswered() if not review.since_sequence < n <= review.sequence]
    assert not left_out, f"{name}: nobody is asked about {left_out}"
    asked.category = review.category
    draft = rows.drafts.get(review.draft_id or "")
    before = asked.draft
    if draft is None and review.draft_missing is None:
        late = rules.now >= asked.due and not world.moody.waiting
        assert not late, f"{name}: the question waits for a draft that nobody writes"
    if draft and draft.digest != before:
        words = [
            one.words
            for n, one in enumerate(thread.said, 1)
            if isinstance(one, Line) and review.since_sequence < n <= review.sequence
        ]
        made_for = world.moody.made.get(draft.text, [])
        assert "\n\n".join(words) in made_for, f"{name}: {draft.text!r} was drafted for {made_for}, not {words}"
        rules.drafts[draft.digest] = draft.text
    asked.draft, asked.missing = draft.digest if draft else None, review.draft_missing is not None


def _delivered(world: World, name: str, thread: Thread, rows: Rows) -> None:
    """Promise 5: held, then sent once and in order, or failed with a reason; taken back: never."""
    wire, blocked = world.wires[CHANNELS[name]], False
    keys = [message.id for message in rows.of(name)]
    for place, letter in thread.letters():
        key = keys[place - 1]
        became = [what for one, what in wire.log if one == key]
        delivery = rows.deliveries[key]
        if letter.state in ("held", "taken back"):
            assert not became, f"{name} {place}: went out though it was {letter.state}"
        elif delivery.status is not _STATES[letter.state]:
            _moved_on(name, place, letter, delivery.status, became, safe=wire.repeats_safely)
        elif letter.state == "let go":
            reasons = blocked or (became and became[-1] in ("away", "lost"))
            assert reasons, f"{name} {place}: nobody tries to deliver it"
        assert delivery.status is _STATES[letter.state], f"{name} {place}: {delivery.status}, not {letter.state}"
        assert (delivery.error is not None) or letter.state != "failed", f"{name} {place}: failed without a reason"
        taken, lost = became.count("taken"), became.count("lost")
        again = lost if wire.repeats_safely else letter.retried
        assert taken + lost <= 1 + again, f"{name} {place}: said {taken + lost} times"
        blocked = blocked or letter.state == "let go"
    smooth = [keys[place - 1] for place, letter in thread.letters() if not letter.retried]
    arrived = list(dict.fromkeys(key for key, what in wire.log if key in smooth and what in ("taken", "lost")))
    assert arrived == [key for key in smooth if key in arrived], f"{name}: replies arrived out of order"


def _moved_on(name: str, place: int, letter: Letter, now: DeliveryStatus, became: list[str], *, safe: bool) -> None:
    """What the channel did moves a letter on; nothing else does."""
    last = became[-1] if became else ""
    if now is DeliveryStatus.SENT:
        assert last == "taken", f"{name} {place}: called sent, but the channel says {last or 'nothing'}"
        letter.state = "sent"
    elif now is DeliveryStatus.FAILED:
        doubtful = last == "lost" and not safe
        assert last == "refused" or doubtful, f"{name} {place}: failed, but the channel says {last or 'nothing'}"
        letter.state = "failed"


def _waits(name: str, thread: Thread, rows: Rows) -> None:
    """Nothing heard is lost: while anything is unanswered, somebody is asked, or owns it and is told since when."""
    conversation, waiting = rows.conversations[name], thread.unanswered()
    if not waiting:
        return
    assert thread.open or thread.owner, f"{name}: {sorted(waiting)} unanswered, and nobody is asked"
    oldest = thread.said[min(waiting) - 1]
    assert isinstance(oldest, Line)
    since = conversation.waiting_since
    assert since is not None, f"{name}: {sorted(waiting)} unanswered, and nobody waits"
    assert since <= oldest.at, f"{name}: waits since {since}, not {oldest.at}"


def _recorded(rows: Rows) -> None:
    """Promise 4: a decision, its feedback and the words it sends stand or fall together."""
    taught = Counter(one.decision_id for one in rows.feedback)
    sent = Counter(one.decision_id for one in rows.messages if one.decision_id)
    for decision in rows.decisions.values():
        sends = decision.kind in (DecisionKind.APPROVE, DecisionKind.EDIT, DecisionKind.REPLY)
        assert sent[decision.id] == sends, f"{decision.kind} sends {sent[decision.id]} messages"
        if decision.kind in _ABOUT_A_QUESTION:
            assert taught[decision.id] == 1, f"{decision.kind} taught {taught[decision.id]} times"
    assert set(rows.deliveries) == {one.id for one in rows.messages if one.decision_id}, "deliveries"


async def judge_cards(world: World, rows: Rows) -> None:
    """What hangs is what would be drawn now, each card once; of a conversation at most one waits."""
    assert all(posting.status is PostingStatus.POSTED for posting in rows.postings), "a card is not up"
    keys = [card.key for card in world.wall.hanging.values()]
    assert sorted(keys) == sorted(posting.id for posting in rows.postings), "cards hang twice, or for nothing"
    waiting: Counter[str] = Counter()
    for posting in rows.postings:
        hanging, anew = world.wall.hanging[posting.ref or ""], await world.drawn_anew(posting)
        bound = _BOUND & {*anew.buttons, *anew.menu}
        free = ("earlier",) if bound else ("earlier", "shown")  # what was said before is as of when it was drawn
        free += _HEADER if posting.review_id is None else ()
        same = replace(hanging, **{name: getattr(anew, name) for name in free}) == anew
        assert same, f"what hangs is not what would be drawn: {_differences(hanging, anew)}"
        waiting[posting.conversation_id] += hanging.state is CardState.WAITING
    assert all(count <= 1 for count in waiting.values()), "two cards of one conversation wait"
    for review in rows.reviews:
        if review.status is ReviewStatus.PENDING and (review.draft_id or review.draft_missing):
            assert waiting[review.conversation_id] == 1, "a question is open, and no card asks it"


def judge_rest(rows: Rows) -> None:
    """Nothing is left to do."""
    left = [(job.kind, job.status, job.error) for job in rows.jobs]
    assert not left, f"left to do: {left}"
    undone = [one.status for one in rows.deliveries.values()]
    assert not {DeliveryStatus.HELD, DeliveryStatus.SENDING} & set(undone), f"deliveries: {undone}"


def _differences(one: Card, other: Card) -> dict[str, object]:
    both = {each.name: (getattr(one, each.name), getattr(other, each.name)) for each in fields(Card)}
    return {name: (hangs, drawn) for name, (hangs, drawn) in both.items() if hangs != drawn}
