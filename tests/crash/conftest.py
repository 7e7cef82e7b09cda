"""How hard the crash test tries."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crash")
    group.addoption("--kills", type=int, default=12, help="how often the running bot is killed")
    group.addoption("--seed", type=int, default=1, help="what is done when, and what goes wrong")
