"""What replicas share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "openform",
        sa.Column("view_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("view_hash", sa.String(), nullable=True),
        sa.Column("form", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("told", sa.String(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("view_id", name=op.f("pk_openform")),
    )
    with op.batch_alter_table("openform", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_openform_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_openform_opened_at"), ["opened_at"], unique=False)

    op.create_table(
        "pace",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pace")),
    )
    op.create_table(
        "spent",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "since", name=op.f("pk_spent")),
    )
    op.create_table(
        "tick",
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("clock", "at", name=op.f("pk_tick")),
    )

    # The few rows among all that are kept; an index of every row costs each write, and finds no less with these.
    op.drop_index("ix_conversation_owner_id", table_name="conversation")
    op.drop_index("ix_conversation_waiting_since", table_name="conversation")
    _index_few("ix_conversation_owned", "conversation", "owner_id", where="owner_id is not null")
    _index_few(
        "ix_conversation_waiting", "conversation", "owner_id", "waiting_since", where="waiting_since is not null"
    )
    _index_few("ix_delivery_unsent", "delivery", "status", where="status in ('held', 'sending', 'failed')")
    _index_few("ix_delivery_sent", "delivery", "updated_at", where="status = 'sent'")
    _index_few("ix_posting_unposted", "posting", "status", where="status <> 'posted'")


def _index_few(name: str, table: str, *columns: str, where: str) -> None:
    op.create_index(name, table, list(columns), sqlite_where=sa.text(where), postgresql_where=sa.text(where))
