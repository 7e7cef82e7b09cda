"""Reads what a stranger posts: capped, timed, parsed, and without the characters no database takes."""

import asyncio
import json
import re
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect

from adapters.base import TEXT_CHARS, Attachment
from adapters.refusals import Reason, Refusal

READ_SECONDS: Final = 20.0
ID_CHARS: Final = 200
URL_CHARS: Final = 2_000
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # half an emoji, cut by the sender: not text in any encoding
_NOT_IN_URLS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\"<>\\^`{|}]")

Shape = TypeVar("Shape", bound=BaseModel)


async def read_body(request: Request, *, most_bytes: int, within_seconds: float = READ_SECONDS) -> bytes:
    """The request's body, refused as soon as it is known to be too large or too slow."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _oversized(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(within_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise _oversized(most_bytes)
    except TimeoutError as error:
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, Reason.SLOW, "The body did not arrive in time.") from error
    except ClientDisconnect as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, Reason.MALFORMED, "The body was cut off.") from error
    return bytes(body)


def parse(shape: type[Shape], body: bytes) -> Shape:
    """The body as a `shape`; refused with the fields that are wrong, never with their values."""
    try:
        return shape.model_validate(json.loads(body.decode("utf-8"), parse_constant=_no_such_number))
    except ValidationError as error:
        raise _misshapen(error) from error
    except (ValueError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, Reason.MALFORMED, "The body is not JSON in UTF-8.") from error


def _oversized(most_bytes: int) -> Refusal:
    words = f"The body is larger than {most_bytes:,} bytes."
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Reason.OVERSIZED, words)


def _no_such_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _misshapen(error: ValidationError) -> Refusal:
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    if any(each["type"] == "string_too_long" and each["loc"] == ("text",) for each in wrong):
        words = f"The text is longer than {TEXT_CHARS:,} characters."
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Reason.TOO_LONG, words)
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.INVALID,
        "The body does not have the documented shape.",
        errors=[{"field": _path(each["loc"]), "problem": each["msg"]} for each in wrong[:20]],
    )


def _path(loc: tuple[int | str, ...]) -> str:
    return ".".join(_storable(str(part))[:60] for part in loc) or "(body)"


def _storable(text: str) -> str:
    return _LONE_SURROGATE.sub("\ufffd", text).replace("\0", "")


def _cleaned(value: Any) -> Any:
    return _storable(value) if isinstance(value, str) else value


def _cleaned_or_none(value: Any) -> Any:
    return (_storable(value).strip() or None) if isinstance(value, str) else value


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or _NOT_IN_URLS.search(url):
        raise ValueError("must be an http or https address")
    return url


# Cleaned before it is measured: the outermost validator runs first.
Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_CHARS), BeforeValidator(_cleaned)]
Text = Annotated[str, StringConstraints(max_length=TEXT_CHARS), BeforeValidator(_cleaned)]
Name = Annotated[Annotated[str, StringConstraints(max_length=200)] | None, BeforeValidator(_cleaned_or_none)]
Email = Annotated[Annotated[str, StringConstraints(max_length=320)] | None, BeforeValidator(_cleaned_or_none)]
Tier = Annotated[Annotated[str, StringConstraints(max_length=64)] | None, BeforeValidator(_cleaned_or_none)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255), BeforeValidator(_cleaned)]
Url = Annotated[str, StringConstraints(max_length=URL_CHARS), AfterValidator(_web_address), BeforeValidator(_cleaned)]


class Posted(BaseModel):
    """A body that was posted to us. An unknown field is refused, so that a misspelt one is not silently lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PostedAttachment(Posted):
    name: FileName = Field(description="The file's name, as the customer gave it.")
    url: Url = Field(description="Where agents can open it: http or https.")

    def attachment(self) -> Attachment:
        return Attachment(name=self.name, url=self.url)
