"""signoff migrate: bring the database to the schema this program was written for."""

from bot.commands.terminal import database_errors, out, store_configured
from storage import schema
from storage.database import Database


def migrate() -> None:
    """Bring the database to the newest schema. Done whole or not at all, and harmless to repeat."""
    settings = store_configured()
    with database_errors():
        before, fine = _standing(settings.database_url)
        if fine:
            out.print(f"The database is at {before}: nothing to do.")
            return
        schema.upgrade(settings.database_url)
    out.print(f"Migrated from {before or 'nothing'} to {schema.head()}.")


def _standing(url: str) -> tuple[str | None, bool]:
    """Its version, and whether all is there that this program needs; a newer program may have added to it."""
    db = Database(url)
    try:
        return schema.current(db.engine), schema.at_head(db.engine)
    finally:
        db.engine.dispose()
