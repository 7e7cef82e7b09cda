"""signoff migrate: bring the database to the schema this program was written for."""

from bot.commands.terminal import database_errors, out, store_configured
from storage import schema
from storage.database import Database


def migrate() -> None:
    """Bring the database to the newest schema. Done whole or not at all, and harmless to repeat."""
    settings = store_configured()
    with database_errors():
        before = _version(settings.database_url)
        if before is not None and before >= schema.head():  # the numbers of a newer program are left alone
            out.print(f"The database is at {before}: nothing to do.")
            return
        schema.upgrade(settings.database_url)
    out.print(f"Migrated from {before or 'nothing'} to {schema.head()}.")


def _version(url: str) -> str | None:
    db = Database(url)
    try:
        return schema.current(db.engine)
    finally:
        db.engine.dispose()
