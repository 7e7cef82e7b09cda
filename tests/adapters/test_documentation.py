"""docs/channels: the snippets run as they stand, and the figures are those of the code."""

import asyncio
import json
import os
import pathlib
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest

from adapters.base import ATTACHMENTS, TEXT_CHARS
from adapters.refusals import Reason
from adapters.webchat import adapter as webchat
from adapters.webchat import files, streams, visitors
from adapters.webhook import Webhook
from adapters.webhook import adapter as webhook
from bot.app import REPLIES
from tests.adapters.contract import Inbox
from tests.adapters.test_webchat import SECRET as CHAT_SECRET
from tests.adapters.test_webchat import web_chat
from tests.adapters.test_webhook import SECRET
from tests.clock import Clock
from tests.patience import PATIENCE_SECONDS
from tests.serving import app_of, free_port, serve, until

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "channels"


def snippet(page: str, language: str, *, containing: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if containing in block)
    return str(found)


async def run(*command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = datetime.now(UTC)  # the snippets sign by the wall clock
    return clock


@pytest.fixture
async def channel(inbox: Inbox, clock: Clock) -> AsyncIterator[str]:
    orders = Webhook(name="orders", title="", receive=inbox.receive, url=None, secrets=[SECRET], clock=clock)
    async with serve(app_of(orders)) as address:
        yield f"{address}/channels/orders"


async def test_the_shell_snippet_hands_in_a_message(channel: str, inbox: Inbox) -> None:
    missing = [tool for tool in ("bash", "curl", "openssl", "od", "base64") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the snippet needs {', '.join(missing)}")

    answer = await run("bash", "-euc", snippet("webhook.md", "bash", containing="curl"), SIGNOFF=channel, SECRET=SECRET)

    assert json.loads(answer)["repeated"] is False
    (inbound,) = inbox.received
    assert (inbound.thread, inbound.sender.tier, len(inbound.attachments)) == ("ticket-4711", "vip", 1)


async def test_the_python_snippet_hands_in_a_message(channel: str, inbox: Inbox) -> None:
    source = snippet("webhook.md", "python", containing="urllib.request")

    answer = await run(sys.executable, "-c", source, SIGNOFF=channel, SECRET=SECRET)

    assert json.loads(answer.split("#")[0])["repeated"] is False
    assert [each.text for each in inbox.received] == ["Any news?"]


async def test_the_receiving_snippet_takes_a_reply_once(inbox: Inbox, clock: Clock) -> None:
    source = snippet("webhook.md", "python", containing="HTTPServer")
    port = free_port()
    receiver = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        source,
        env={**os.environ, "SECRET": SECRET, "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    adapter = Webhook(
        name="orders",
        title="",
        receive=inbox.receive,
        url=f"http://127.0.0.1:{port}/",
        secrets=[SECRET],
        clock=clock,
    )
    try:
        await until(lambda: _listens(port))
        reply = inbox.answer("ticket-4711", "A new one is on its way.")
        answers = [await adapter.send(reply), await adapter.send(reply)]
    finally:
        await adapter.close()
        receiver.terminate()
        out, _ = await receiver.communicate()

    assert answers == [f"their-{reply.key}"] * 2
    (printed,) = out.decode().splitlines()
    documented = json.loads(snippet("webhook.md", "json", containing='"type": "reply"'))
    assert json.loads(printed).keys() == documented.keys()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_the_identity_snippet_is_taken_by_the_chat() -> None:
    printed = await run(
        sys.executable,
        "-c",
        snippet("webchat.md", "python", containing="URLSafeTimedSerializer"),
        SIGNOFF_SECRET=CHAT_SECRET,
    )
    (identity,) = re.findall(r'data-identity="([^"]+)"', printed)

    async with web_chat() as chat:
        chat.clock.now = datetime.now(UTC)
        answer: httpx2.Response = await chat.ask_session(identity=identity)

    assert answer.json()["visitor"] == "u_c-1009"


def test_every_attribute_of_the_script_is_documented() -> None:
    read = re.findall(r"data\.([a-z]+)", (files.STATIC / "widget" / "chat.js").read_text(encoding="utf-8"))
    documented = re.findall(r"^\| `data-([a-z]+)`", (DOCS / "webchat.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(read) == set(documented)


def test_the_figures_in_the_pages_are_those_of_the_code() -> None:
    on_webhook = " ".join((DOCS / "webhook.md").read_text(encoding="utf-8").split())
    on_webchat = " ".join((DOCS / "webchat.md").read_text(encoding="utf-8").split())
    visitor, address, seating = webchat.PER_VISITOR, webchat.PER_ADDRESS, webchat.SEATING
    outside = {Reason.TOKEN, Reason.ORIGIN, Reason.RATE, Reason.BUSY, Reason.CLOSING}  # of the web chat alone

    assert f"over {TEXT_CHARS:,} characters" in on_webhook
    assert f"over {webhook.BODY_BYTES // 1024} KiB" in on_webhook
    assert f"At most {ATTACHMENTS} attachments" in on_webhook
    assert all(f"`{reason}`" in on_webhook for reason in set(Reason) - outside)
    assert {408, 425, 429} == webhook.PASSING
    assert "408, 425 and 429 are tried again" in on_webhook
    assert f"every {REPLIES.cap.seconds // 60} minutes at last, for 6 hours" in on_webhook
    assert f"for at most {REPLIES.cap.seconds // 60} minutes" in on_webhook
    assert f"{visitor.burst} messages at once and {visitor.per_minute} a minute" in on_webchat
    assert f"{address.per_minute} requests a minute, with a burst of {address.burst}" in on_webchat
    assert f"token lives {visitors.TOKEN_LIFE.days} days" in on_webchat
    assert f"At most {seating.per_visitor} live streams are open per visitor" in on_webchat
    assert f"{seating.per_address} per address and {seating.total:,} in all" in on_webchat
    assert f"every {webchat.REREAD_SECONDS:g} seconds" in on_webchat
    assert visitors.VOUCHED_FOR.days == 1
    assert streams.Seating() == seating
