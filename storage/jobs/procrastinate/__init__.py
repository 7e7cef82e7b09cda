"""The engine for replicas, on procrastinate's tables: docs/decisions/005."""
