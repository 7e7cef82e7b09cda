"""A folder like an operator's, with nothing of this machine's environment in it."""

import os
from collections.abc import Mapping
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
