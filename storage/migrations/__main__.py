"""Write the next version from what storage/tables.py says and the newest version does not."""

import argparse
import tempfile
from pathlib import Path

from alembic import command

from storage.database import address
from storage.schema import config, head, migration_engine, upgrade


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m storage.migrations", description=__doc__)
    parser.add_argument("message", help="what changed, in a few words")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.db"
        upgrade(url)
        _write(url, asked.message, f"{int(head()) + 1:04}")


def _write(url: str, message: str, version: str) -> None:
    engine = migration_engine(address(url))
    with engine.connect() as connection:
        made = config(connection)
        made.set_section_option("post_write_hooks", "hooks", "ruff")
        made.set_section_option("post_write_hooks", "ruff.type", "module")
        made.set_section_option("post_write_hooks", "ruff.module", "ruff")
        made.set_section_option("post_write_hooks", "ruff.options", "format REVISION_SCRIPT_FILENAME")
        written = command.revision(made, message, autogenerate=True, rev_id=version)
    for script in written if isinstance(written, list) else [written]:
        if script is not None:
            path = Path(script.path)
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if not line.lstrip().startswith("# ###")))
    engine.dispose()


if __name__ == "__main__":
    main()
