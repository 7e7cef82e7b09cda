"""A folder like an operator's, with nothing of this machine's environment in it."""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WEBHOOK_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENVIRONMENT: Mapping[str, str] = {
    "SIGNOFF_SECRET": "s" * 40,
    "SLACK_BOT_TOKEN": "xoxb-1-secret",
    "SLACK_SIGNING_SECRET": "signing-secret",
    "ORDERS_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
POLICY = """\
[slack]
channel = "C0SUPPORT1"
agents = ["U0BO00001"]
"""


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """Commands and servers set up logging for their whole process: here each test begins afresh."""
    names = (None, "bot", "adapters", "storage", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers[:], logger.level, logger.propagate, logger.filters[:]) for logger in loggers]
    for logger in loggers[1:]:
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    yield
    logging.captureWarnings(False)
    for logger, (handlers, level, propagate, filters) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate, logger.filters[:] = handlers, propagate, filters
        logger.setLevel(level)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a valid signoff.toml and a valid environment."""
    known = {field.alias for field in Settings.model_fields.values()}
    for name in os.environ.keys() & (known | set(ENVIRONMENT)):
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signoff.toml").write_text(POLICY)
    return tmp_path
