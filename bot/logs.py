"""Log lines: JSON with ids for machines, columns for a terminal. Never a customer's words, never a token.

Code logs through the standard library with facts in `extra`. Not logging what customers say is each module's duty;
this module is the net below it: libraries are kept quiet, and what looks like a secret or like a statement's
parameters is cut out of every line, tracebacks included.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

Style = Literal["auto", "json", "console"]

CUT: Final = "[redacted]"
_OURS: Final = ("bot", "adapters", "storage", "uvicorn")
_SHORTEST_SECRET: Final = 8  # a shorter one would cut ordinary words to pieces
_TOKENS: Final = re.compile(r"\b(?:xox[a-z]-|xapp-|sk-ant-|whsec_)[A-Za-z0-9+/=_-]+|(?<=[Bb]earer )[^\s'\"]+")
# What errors of SQLAlchemy, its drivers and pydantic repeat of the values they were given: rows, so customers' words.
_VALUES: Final = (
    re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL),
    re.compile(r"(?<=DETAIL:  ).*"),
    re.compile(r"input_value=.*?(?=, input_type=)", re.DOTALL),
)
# Where none of these stands, none of the patterns above is found: one look at most texts instead of five.
_SUSPECT: Final = r"xox|xapp-|sk-ant-|whsec_|earer |\[parameters: |DETAIL:  |input_value="


def set_up(*, style: Style, level: str, secrets: Iterable[str] = (), stream: TextIO = sys.stderr) -> None:
    """Send every log line of this process to `stream`. Safe to call again."""
    drawn = style if style != "auto" else "console" if stream.isatty() else "json"
    handler = logging.StreamHandler(stream)
    redaction = _Redaction(secrets)
    handler.setFormatter(_Json(redaction) if drawn == "json" else _columns(redaction, colours=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries tell of requests and payloads below that
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level.upper())
    logging.getLogger("uvicorn.access").addFilter(_without_query)
    logging.captureWarnings(True)


class _Json(logging.Formatter):
    """A line of JSON. Without structlog, which takes twice as long, and eight lines come of every reply."""

    def __init__(self, redaction: "_Redaction") -> None:
        super().__init__()
        self._redaction = redaction
        self._encode = json.JSONEncoder(ensure_ascii=False).encode

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            **{name: value for name, value in record.__dict__.items() if name not in _RECORD},
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")[:-6] + "Z",
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return self._encode(self._redaction.of(line))


# What every record has; the rest is `extra`. The last one is uvicorn's line again, for terminals.
_RECORD: Final = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message"))


def _columns(redaction: "_Redaction", *, colours: bool) -> logging.Formatter:
    plain = structlog.dev.plain_traceback
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_facts(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redaction,
            structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at", exception_formatter=plain),
        ],
    )


def _facts() -> Sequence[Processor]:
    return (
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
    )


def _without_colours(_logger: object, _method: str, line: EventDict) -> EventDict:
    line.pop("color_message", None)  # uvicorn's line again, for terminals
    return line


class _Redaction:
    """Cuts known secrets, and whatever looks like one, out of a line's every part."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({each for each in secrets if len(each) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self.known = re.compile("|".join(map(re.escape, known))) if known else None
        self._suspect = re.compile("|".join([*map(re.escape, known), _SUSPECT]))

    def __call__(self, _logger: object, _method: str, line: EventDict) -> EventDict:
        return self.of(line)

    def of(self, line: EventDict) -> dict[str, Any]:
        return {key: self._cut(value) for key, value in line.items()}

    def _cut(self, value: Any) -> Any:
        match value:
            case bool() | int() | float() | None:
                return value
            case dict():
                return {str(key): self._cut(each) for key, each in value.items()}
            case list() | tuple() | set():
                return [self._cut(each) for each in value]
            case _:
                return self._cut_text(str(value))

    def _cut_text(self, text: str) -> str:
        if self._suspect.search(text) is None:
            return text
        if self.known is not None:
            text = self.known.sub(CUT, text)
        text = _TOKENS.sub(CUT, text)
        for pattern in _VALUES:
            text = pattern.sub(CUT, text)
        return text


def _without_query(record: logging.LogRecord) -> bool:
    """uvicorn's access lines carry (client, method, path with query, version, status)."""
    match record.args:
        case (client, method, str(path), *rest):
            record.args = (client, method, path.partition("?")[0], *rest)
    return True
