"""${message[:1].upper() + message[1:]}."""

import sqlalchemy as sa
from alembic import op
% if down_revision is None:

from storage import search
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
% if down_revision is None:
    search.create(op.get_bind())
% endif
