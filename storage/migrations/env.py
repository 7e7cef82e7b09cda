"""Run by alembic: migrate the connection that storage/schema.py hands over."""

from typing import Final, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from storage.jobs.procrastinate import schema as procrastinate_schema
from storage.migrations.comparing import names_ours, render
from storage.tables import metadata

_LOCK: Final = 0x5160FF  # any number nobody else takes in this PostgreSQL database
_WAITS: Final = "1s"  # for a table: who serves meanwhile is behind us in its queue. storage/schema.py comes again


def _render(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    return render(kind, item)


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=names_ours,
        render_item=_render,
        render_as_batch=True,
        transactional_ddl=True,  # alembic thinks SQLite cannot; it can, with a BEGIN of our own
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")  # however long another one takes
            connection.exec_driver_sql(f"set local lock_timeout = '{_WAITS}'")
        before = context.get_context().get_current_heads()
        context.run_migrations()
        if connection.dialect.name == "postgresql":
            procrastinate_schema.upgrade(connection)
        # It reads every row, a minute on a large desk: not at each start of a bot that is told to migrate.
        if connection.dialect.name == "sqlite" and context.get_context().get_current_heads() != before:
            _refuse_broken_references(connection)


def _refuse_broken_references(connection: Connection) -> None:
    """What foreign keys would have refused, had they been on."""
    tables = sorted({row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check")})
    if tables:
        raise RuntimeError(f"the migration would leave rows that point nowhere in: {', '.join(tables)}")


_migrate(context.config.attributes["connection"])
