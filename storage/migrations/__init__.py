"""The schema's history, one for SQLite and PostgreSQL: forward only, old and new program side by side for one version.

After a change of storage/tables.py:

    python -m storage.migrations "what changed"     writes the next version
    python -m storage.migrations --initial          writes 0001 anew: only until the first release

Read what it wrote. A version that rebuilds `snippet`, `article` or `pastreply` (on SQLite every altered column does)
calls `search.drop(op.get_bind())` before and `search.create(op.get_bind())` after.
"""
