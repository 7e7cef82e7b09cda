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
