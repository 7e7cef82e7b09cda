"""Thousands of presses in one test: only what goes wrong is logged."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def said_aloud() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("bot", "adapters", "storage")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
