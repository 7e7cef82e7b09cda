"""The schema's history, one for SQLite and PostgreSQL: forward only, old and new program side by side for one version.

After a change of storage/tables.py:

    python -m storage.migrations "what changed"     writes the next version

Read what it wrote, and never change a version that was committed: somebody's database has it already. A version adds
what the new program needs; what the old one needed goes one release later, when no replica runs it any more. One that
rebuilds `snippet`, `article` or `pastreply` (on SQLite every altered column does) calls `search.drop(op.get_bind())`
before and `search.create(op.get_bind())` after.
"""
