"""Every table and every status, in the order a message meets them.

Rows are flat: no relationships, no methods, no defaults that read the world. A status changes only in one UPDATE that
names the status it expects. Times are UTC.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, CheckConstraint, Column, Index, MetaData, String, Text, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

# Constraints are named from the first migration on, so that later ones can drop them on both databases.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: Final[MetaData] = SQLModel.metadata
metadata.naming_convention = NAMING


class Word(TypeDecorator[StrEnum]):
    """A StrEnum kept as its own text: readable in the database, and a new word needs no migration."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


def _word(words: type[StrEnum], *, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Word(words), nullable=nullable))


def _prose() -> Any:
    return Field(sa_type=Text)


def _json() -> Any:
    return Field(sa_type=JSON(none_as_null=True))  # None is NULL, not the word null


class Direction(StrEnum):
    INCOMING = "incoming"
    OUTGOING = "outgoing"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class ConversationStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class ReviewStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    TAKEN_OVER = "taken_over"
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class DeliveryStatus(StrEnum):
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PostingStatus(StrEnum):
    WANTED = "wanted"  # nothing tried yet
    TRYING = "trying"  # a post may have arrived: look before posting again
    POSTED = "posted"


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class DecisionKind(StrEnum):
    APPROVE = "approve"
    EDIT = "edit"
    TAKE_OVER = "take_over"
    REDRAFT = "redraft"
    RECATEGORISE = "recategorise"
    DISMISS = "dismiss"
    UNDO = "undo"
    RETRY = "retry"
    REPLY = "reply"
    HAND_BACK = "hand_back"
    RESOLVE = "resolve"
    PAUSE = "pause"
    RESUME = "resume"


class EditKind(StrEnum):
    UNCHANGED = "unchanged"
    COSMETIC = "cosmetic"  # greeting, punctuation, white space, emoji, signature
    REWORDED = "reworded"  # other words, same facts as far as the rules can see
    SUBSTANTIVE = "substantive"  # numbers, dates, money, negation, links, addresses or sources changed
    WRITTEN = "written"  # there was no draft


class JobKind(StrEnum):
    DRAFT = "draft"  # subject: a review
    SHOW = "show"  # subject: a posting
    RELEASE = "release"  # subject: a delivery whose hold ends
    RELAY = "relay"  # subject: a delivery
    ROSTER = "roster"  # subject: a surface whose membership is read again
    FORGET = "forget"  # subject: none; what nobody needs any more is deleted


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"  # given up: visible in doctor and /metrics


class TickStatus(StrEnum):
    MADE = "made"  # on time: its jobs were promised
    CAUGHT_UP = "caught_up"  # late, because every process was down or stalled: its jobs were promised all the same
    SKIPPED = "skipped"  # missed, and accounted for: nothing was promised


# The few rows that somebody still has to do with, among all that are kept: each has an index of its own. A query that
# wants to use it says these very words, for no database can know what a parameter will be.
PENDING: Final = "status = 'pending'"
UNSENT: Final = "status in ('held', 'sending', 'failed')"
SENT: Final = "status = 'sent'"
UNPOSTED: Final = "status <> 'posted'"


def _few(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class Row(SQLModel):
    """What every table's rows are. Made of exactly the columns' values, each by its name."""

    def __init__(self, **values: Any) -> None:
        """Without SQLModel's way, which takes four times as long: it passes each value through pydantic and through
        SQLAlchemy's change tracking, and neither validates a table's row nor misses a column.
        """
        columns = type(self).model_fields
        if values.keys() != columns.keys():
            raise TypeError(f"{type(self).__name__} is made of {sorted(columns)}, not of {sorted(values)}")
        self.__dict__.update(values)
        object.__setattr__(self, "__pydantic_fields_set__", set(values))


class Customer(Row, table=True):
    """Someone writing in; one per channel and the channel's own id for them."""

    __table_args__ = (UniqueConstraint("channel", "external_id"),)

    id: str = Field(primary_key=True)  # cus_…
    channel: str
    external_id: str
    name: str | None
    email: str | None
    tier: str  # a key of [tiers] in signoff.toml; "standard" unless the channel says otherwise
    created_at: datetime


class Conversation(Row, table=True):
    """One customer, one thread, on one channel."""

    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        _few("ix_conversation_owned", "owner_id", where="owner_id is not null"),
        _few("ix_conversation_waiting", "owner_id", "waiting_since", where="waiting_since is not null"),
    )

    id: str = Field(primary_key=True)  # cnv_…
    customer_id: str = Field(foreign_key="customer.id", index=True)
    channel: str
    external_id: str  # the channel's own id of the thread
    status: ConversationStatus = _word(ConversationStatus)
    sequence: int  # grows by one with every message, in and out
    answered_sequence: int  # the sequence up to which a reply, dismissal or rule has dealt with what was said
    owner_id: str | None = Field(foreign_key="agent.id")  # the agent who took over; None: the bot drafts
    category: str
    priority: Priority = _word(Priority)
    waiting_since: datetime | None  # when the oldest unanswered message came; None: nobody waits
    created_at: datetime


class Message(Row, table=True):
    """Something said to or by the customer."""

    __table_args__ = (
        UniqueConstraint("conversation_id", "direction", "external_id"),
        UniqueConstraint("conversation_id", "sequence"),
        # Promise 1, held by the database: what goes out names the decision that authorised it.
        CheckConstraint("(direction = 'incoming') = (decision_id IS NULL)", name="authorised"),
    )

    id: str = Field(primary_key=True)  # msg_…; also the idempotency key of its delivery
    conversation_id: str = Field(foreign_key="conversation.id")
    direction: Direction = _word(Direction)
    sequence: int  # the conversation's sequence once this was said
    external_id: str | None  # the channel's id; None: outgoing and not sent yet
    text: str = _prose()  # as it came, NULs apart; never drawn without core.texts.legible
    author: str  # the customer's or the agent's display name at that time
    attachments: list[dict[str, str]] = _json()  # [{"name": …, "url": …}]
    automatic: bool  # an auto-reply, bounce or mere thanks: kept, never drafted for
    decision_id: str | None = Field(foreign_key="decision.id", unique=True)  # who authorised it; None: incoming
    created_at: datetime


class Review(Row, table=True):
    """One question put to agents: may this go out?"""

    __table_args__ = (
        Index("ix_review_conversation_id", "conversation_id"),
        # At most one open question a conversation, whatever races.
        _few("uq_review_pending", "conversation_id", where=PENDING, unique=True),
    )

    id: str = Field(primary_key=True)  # rev_…
    conversation_id: str = Field(foreign_key="conversation.id")
    status: ReviewStatus = _word(ReviewStatus)
    sequence: int  # the conversation's sequence that this question is about
    since_sequence: int  # messages after this one, up to `sequence`, are what it answers
    category: str
    priority: Priority = _word(Priority)
    reasons: list[dict[str, str]] = _json()  # [{"name": rule, "quote": the customer's words}]
    draft_id: str | None  # the current draft; None: none yet, or none possible
    draft_missing: str | None = _prose()  # why there is none, for the card; None while one is being written
    draft_attempt: int  # grows with every redraft: an older writer's result no longer fits
    instruction: str | None = _prose()  # the last Redraft's words
    notice: str | None = _prose()  # how this question came back: "Bo Lindqvist took the reply back"
    edited_text: str | None = _prose()  # an edit that was undone: what the next edit starts from
    draft_after: datetime  # quiet time: drafting starts when the customer has paused
    first_at: datetime  # when the first message of the burst came
    shown_at: datetime | None  # when its card first reached a surface: "seconds from card to press"
    decided_at: datetime | None
    decision_id: str | None
    created_at: datetime


class Draft(Row, table=True):
    """A proposed reply of a review; a redraft adds a row."""

    id: str = Field(primary_key=True)  # drf_…
    review_id: str = Field(foreign_key="review.id", index=True)
    text: str = _prose()
    digest: str  # core.texts.digest(text): what a press is bound to
    sources: list[dict[str, Any]] = _json()  # what it cites: core.drafts.Source, as dicts
    retrieved: list[dict[str, Any]] = _json()  # what it was given to cite: [{"article_id", "slug", "version"}]
    evidence: dict[str, Any] = _json()  # {"unchanged": 31, "of": 34}: how replies of this category fared so far
    offline: bool  # composed without the model
    model: str
    prompt_version: str
    instruction: str | None = _prose()
    triage: dict[str, Any] | None = _json()  # what the model made of the message; None: not asked or no answer
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    milliseconds: int
    created_at: datetime


class Agent(Row, table=True):
    """A human support agent. Inactive: no longer a member; what they did stays."""

    id: str = Field(primary_key=True)  # agt_…
    name: str
    email: str | None
    role: Role = _word(Role)
    active: bool
    updated_at: datetime


class AgentIdentity(Row, table=True):
    """Who an agent is on a surface: the same person in two is one agent."""

    surface: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agent.id", index=True)


class Decision(Row, table=True):
    """What an agent decided, at a time. Append-only."""

    __table_args__ = (Index("ix_decision_created_at", "created_at"),)

    id: str = Field(primary_key=True)  # dec_…
    kind: DecisionKind = _word(DecisionKind)
    agent_id: str = Field(foreign_key="agent.id")
    surface: str
    conversation_id: str | None = Field(foreign_key="conversation.id", index=True)  # None: a pause or resume
    review_id: str | None = Field(index=True)
    draft_id: str | None
    text: str | None = _prose()  # exactly what may go out (approve, edit, reply)
    reason: str | None = _prose()  # dismiss and edit reason, redraft instruction, new category, pause scope
    created_at: datetime


class Feedback(Row, table=True):
    """What a decision about a review taught us. Append-only."""

    __table_args__ = (Index("ix_feedback_category_created_at", "category", "created_at"),)

    id: str = Field(primary_key=True)  # fbk_…
    decision_id: str = Field(foreign_key="decision.id", unique=True)
    review_id: str = Field(foreign_key="review.id", index=True)
    agent_id: str = Field(foreign_key="agent.id")
    action: DecisionKind = _word(DecisionKind)
    category: str
    draft_id: str | None
    draft_text: str | None = _prose()
    final_text: str | None = _prose()  # None: nothing went out
    edit_kind: EditKind | None = _word(EditKind, nullable=True)
    similarity: float | None  # 0 (nothing alike) to 1 (the same); None where nothing went out or no draft
    reason: str | None = _prose()
    seconds: float | None  # card shown to press; None: pressed before the card was noted as shown
    undone: bool  # the reply was taken back during its hold
    created_at: datetime


class Delivery(Row, table=True):
    """An outgoing message on its way. The message's id is the key the channel recognises it by."""

    __table_args__ = (
        _few("ix_delivery_unsent", "status", where=UNSENT),
        _few("ix_delivery_sent", "updated_at", where=SENT),
    )

    id: str = Field(primary_key=True)  # dlv_…
    message_id: str = Field(foreign_key="message.id", unique=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    status: DeliveryStatus = _word(DeliveryStatus)
    release_at: datetime  # the end of the hold
    attempts: int
    error: str | None = _prose()  # the remote's own code and words; shown on the card
    updated_at: datetime


class Posting(Row, table=True):
    """A card on a surface: what it stands for, and where it hangs."""

    __table_args__ = (
        Index("ix_posting_conversation_id", "conversation_id"),
        Index("ix_posting_review_id", "review_id"),
        Index("ix_posting_surface_ref", "surface", "ref"),
        _few("ix_posting_unposted", "status", where=UNPOSTED),
    )

    id: str = Field(primary_key=True)  # pst_…; also the key under which a surface finds it again
    surface: str
    place: str  # the surface's channel
    conversation_id: str = Field(foreign_key="conversation.id")
    review_id: str | None = Field(foreign_key="review.id")  # the question it shows; None: it shows a message
    message_id: str | None = Field(foreign_key="message.id")  # the message it shows; None: it shows a question
    status: PostingStatus = _word(PostingStatus)
    ref: str | None  # the surface's own, opaque
    shown: str | None  # digest of the card as last drawn; the same again is not sent
    created_at: datetime


class Pause(Row, table=True):
    """Drafting and automatic notices rest, for a category or for everything, until a time or a resume."""

    id: str = Field(primary_key=True)  # pau_…
    category: str | None  # None: everything
    until: datetime
    agent_id: str = Field(foreign_key="agent.id")
    ended_at: datetime | None  # when somebody resumed
    created_at: datetime


class Article(Row, table=True):
    """A version of a knowledge-base article. One version of a slug is current, none once its file is gone."""

    __table_args__ = (UniqueConstraint("slug", "version"), Index("ix_article_slug_current", "slug", "current"))

    id: str = Field(primary_key=True)  # art_…
    slug: str  # the file's path below the imported folder, without .md
    version: int  # from 1
    title: str
    url: str | None  # front matter `url`, where customers can read it
    category: str | None  # front matter `category`
    text: str = _prose()
    digest: str
    current: bool
    created_at: datetime


class Snippet(Row, table=True):
    """A paragraph-sized piece of a current article: what search finds and a draft cites."""

    id: str = Field(primary_key=True)  # snp_…
    article_id: str = Field(foreign_key="article.id", index=True)
    position: int
    heading: str | None
    text: str = _prose()


class PastReply(Row, table=True):
    """A reply that reached a customer, with the question it answered. For agents' eyes, never for prompts."""

    message_id: str = Field(primary_key=True, foreign_key="message.id")
    customer_id: str = Field(foreign_key="customer.id", index=True)
    category: str
    question: str = _prose()
    text: str = _prose()
    created_at: datetime


class Seen(Row, table=True):
    """Deliveries recognised again: a surface's event ids. Written with what the event caused."""

    key: str = Field(primary_key=True)  # "slack:Ev…"
    at: datetime = Field(index=True)


class Job(Row, table=True):
    """A promise to touch the world, written in the transaction of its cause. Done jobs are deleted."""

    __table_args__ = (
        Index("ix_job_due", "status", "kind", "run_at"),
        Index("ix_job_lane", "lane", "id"),
        Index("ix_job_subject", "subject", "kind"),
        {"sqlite_autoincrement": True},  # or the id of a done job is given out again
    )

    id: int | None = Field(primary_key=True, default=None)  # grows: the order within a lane
    kind: JobKind = _word(JobKind)
    subject: str  # the id of the row it is about
    lane: str | None  # jobs of one lane run one at a time, in order of id; None: no order
    status: JobStatus = _word(JobStatus)
    run_at: datetime
    attempts: int  # begun so far
    error: str | None = _prose()  # the last failure's type and words
    created_at: datetime


class Tick(Row, table=True):
    """A moment at which a clock was due, made once, by whoever came first; written with the jobs it promises."""

    clock: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True)  # when it was due, never when it was made
    status: TickStatus = _word(TickStatus)
    noted_at: datetime  # by the clock of the process that wrote it


class Pace(Row, table=True):
    """How far the slots of something paced are given out to all replicas. On PostgreSQL only, by its own clock."""

    key: str = Field(primary_key=True)  # "post C0…", "update"
    next_at: datetime  # when the next slot would be due if there were no burst
    held_until: datetime | None  # the remote asked for rest until then


class Spent(Row, table=True):
    """How much of an hourly budget was used in five minutes."""

    key: str = Field(primary_key=True)  # "drafts", or the same with a customer's id
    since: datetime = Field(primary_key=True)  # when the five minutes began
    used: int


class OpenForm(Row, table=True):
    """A form somebody has open on a conversation: who writes in it is told when the conversation changes."""

    view_id: str = Field(primary_key=True)
    conversation_id: str = Field(index=True)
    view_hash: str | None  # the surface's version of the view; None: unknown since it was answered
    form: dict[str, Any] = _json()  # bot.surfaces.slack.editors.Editor, as a dict
    told: str | None  # what it was last warned of; None: nothing yet
    opened_at: datetime = Field(index=True)
