"""What is in a log line, and what never is."""

import io
import json
import logging
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from bot import logs

CUSTOMER = "my dog ate the tent"
log = logging.getLogger("bot.steps.example")


class Lines:
    """What was written, line by line."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines() -> Lines:
    stream = io.StringIO()
    logs.set_up(style="json", level="info", secrets=["a-signing-secret", "abc"], stream=stream)
    return Lines(stream)


def test_a_line_carries_its_facts(lines: Lines) -> None:
    log.info("job done", extra={"job": 7, "kind": "draft", "subject": "rev_1"})

    (line,) = lines.all
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "job done",
        "level": "info",
        "logger": "bot.steps.example",
        "job": 7,
        "kind": "draft",
        "subject": "rev_1",
    }


def test_a_traceback_stays_on_its_line(lines: Lines) -> None:
    try:
        raise LookupError("gone\nfor good")
    except LookupError:
        log.warning("job will be retried", exc_info=True)

    (line,) = lines.all
    assert "LookupError: gone\nfor good" in line["exception"]


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123-456-AbC",
        "xoxp-9-9",
        "xapp-1-A0-z",
        "sk-ant-api03-a_b-c",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "a-signing-secret",
    ],
)
def test_secrets_are_cut_out_wherever_they_stand(lines: Lines, secret: str) -> None:
    log.info("told %s", secret, extra={"deep": {"list": [f"see {secret}!"]}, "object": Exception(secret)})
    try:
        raise LookupError(secret)
    except LookupError:
        log.exception("failed")

    assert secret not in lines.text
    assert lines.text.count(logs.CUT) >= 4


def test_a_bearer_token_is_cut_out(lines: Lines) -> None:
    log.info("sent %s", {"Authorization": "Bearer abc.def"})

    assert "abc.def" not in lines.text


def test_a_short_secret_does_not_cut_words_to_pieces(lines: Lines) -> None:
    log.info("abcdef")

    assert lines.all[0]["event"] == "abcdef"


class Letter(BaseModel):
    pages: int


def test_errors_do_not_repeat_the_rows_they_were_about(lines: Lines) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("create table said (words text primary key)"))
        connection.execute(text("insert into said values (:words)"), {"words": CUSTOMER})
    try:
        with engine.begin() as connection:
            connection.execute(text("insert into said values (:words)"), {"words": CUSTOMER})
    except IntegrityError:
        log.exception("the database refused")
    try:
        Letter.model_validate({"pages": CUSTOMER})
    except ValidationError:
        log.exception("not a letter")
    engine.dispose()

    assert "UNIQUE constraint failed" in lines.text
    assert "should be a valid integer" in lines.text
    assert CUSTOMER not in lines.text


def test_libraries_below_a_warning_are_not_heard(lines: Lines) -> None:
    for name in ("slack_sdk.web", "slack_bolt.App", "anthropic", "httpx2", "aiohttp.access", "sqlalchemy.engine"):
        logging.getLogger(name).info("payload: %s", CUSTOMER)

    assert lines.text == ""


def test_addresses_are_logged_without_their_query(lines: Lines) -> None:
    access = logging.getLogger("uvicorn.access")
    access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:9", "GET", f"/channels/shop?q={CUSTOMER}", "1.1", 200)

    assert lines.all[0]["event"] == '127.0.0.1:9 - "GET /channels/shop HTTP/1.1" 200'


def test_a_terminal_gets_columns_without_secrets(lines: Lines) -> None:
    stream = io.StringIO()
    logs.set_up(style="console", level="info", stream=stream)

    log.warning("job will be retried", extra={"token": "xoxb-1-2"}, exc_info=LookupError("gone"))

    assert "job will be retried" in stream.getvalue()
    assert "LookupError: gone" in stream.getvalue()
    assert "xoxb-1-2" not in stream.getvalue()


def test_the_level_is_obeyed(lines: Lines) -> None:
    stream = io.StringIO()
    logs.set_up(style="json", level="error", stream=stream)

    log.warning("job will be retried")

    assert stream.getvalue() == ""
