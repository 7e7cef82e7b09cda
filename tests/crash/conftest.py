"""How hard the crash test tries, and on what."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crash")
    group.addoption("--kills", type=int, default=26, help="how often the bot is killed, at every point at least once")
    group.addoption("--seed", type=int, default=1, help="what is done when, and what goes wrong")
    group.addoption("--postgres", action="store_true", help="on PostgreSQL, which is killed too, and not on SQLite")
    group.addoption("--replicas", type=int, default=1, help="how many bots at once: PostgreSQL only")
