"""The web chat's wire, over real HTTP; its page is driven in test_webchat_page.py."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import Request

from adapters.base import Line
from adapters.webchat import WebChat, vouch
from adapters.webchat.adapter import _address
from adapters.webchat.allowances import Allowance
from adapters.webchat.streams import GAP_LINES, Reading, Seating
from tests.adapters.contract import AdapterContract, Channel, Inbox, refusals
from tests.clock import NOON, Clock
from tests.patience import PATIENCE_SECONDS
from tests.serving import app_of, serve, until

SECRET = "a secret of the tests, long enough"
SITE = "https://larkspur.example"
UNLIMITED = Allowance(burst=1_000_000, per_minute=1_000_000)


class OverWebChat(Channel):
    """A browser's side of the wire, with the token it was given."""

    adapter: WebChat

    def __init__(self, adapter: WebChat, inbox: Inbox, clock: Clock, http: httpx2.AsyncClient) -> None:
        self.adapter = adapter
        self.inbox = inbox
        self.clock = clock
        self.http = http
        self.token = ""

    async def session(self, *, token: str = "", **body: Any) -> dict[str, Any]:
        answer = await self.ask_session(token=token, **body)
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        self.token = given["token"]
        return given

    async def ask_session(self, *, token: str = "", **body: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await self.http.post("session", json=body, headers=headers)

    @property
    def authorised(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def body(self, text: str, **more: Any) -> dict[str, Any]:
        body = {"id": more.pop("external_id", None) or uuid.uuid4().hex, "text": text}
        return {**body, **more}

    async def post(self, body: bytes) -> httpx2.Response:
        return await self.http.post("messages", content=body, headers=self.authorised)

    async def post_unauthorised(self, body: bytes) -> list[httpx2.Response]:
        elsewhere = WebChat(
            name="elsewhere",
            title="",
            receive=self.inbox.receive,
            transcript=self.inbox.transcript,
            secret=SECRET,
            clock=self.clock,
        )
        async with serve(app_of(elsewhere)) as address, httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            theirs = (await http.post(f"{address}/channels/elsewhere/session", json={})).json()["token"]
        payload, _, signature = self.token.rpartition(".")
        wrong = [
            "",
            "Bearer",
            f"Basic {self.token}",
            self.token,
            f"Bearer {self.token}x",
            f"Bearer {payload}",
            f"Bearer x{payload}.{signature}",
            f"Bearer {theirs}",
            f"Bearer {vouch(SECRET, id='c-1')}",
            "Bearer ÿÿÿ.ÿÿÿ",
            "Bearer " + "." * 5_000,
        ]
        answers = [
            await self.http.post("messages", content=body, headers={b"authorization": each.encode("latin-1")})
            for each in wrong
        ]
        self.clock.now += timedelta(days=31)
        return [*answers, await self.post(body)]

    async def say_as_vip(self, text: str) -> httpx2.Response:
        await self.session(identity=vouch_now(self.clock, id="c-1009", name="Mina Okafor", tier="vip"))
        return await self.say(text)

    async def heard(self) -> list[str]:
        """What the live stream shows within a re-read of its beginning."""
        heard = []
        async with self.stream() as events:
            async for event in events:
                if event is None:
                    break
                if event["line"]["from"] == "team":
                    heard.append(event["line"]["text"])
        return heard

    @asynccontextmanager
    async def stream(self, *, after: int = 0, **parameters: str) -> AsyncIterator[AsyncIterator[dict[str, Any] | None]]:
        """The live stream's events; None for a heartbeat."""
        headers = {**self.authorised, "last-event-id": str(after)}
        async with self.http.stream("GET", "stream", headers=headers, params=parameters) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield events_of(answer)


async def events_of(answer: httpx2.Response) -> AsyncIterator[dict[str, Any] | None]:
    event: dict[str, Any] = {}
    async for row in answer.aiter_lines():
        if row.startswith(": still here"):
            yield None
        elif row.startswith("id: "):
            event["mark"] = int(row[4:])
        elif row.startswith("data: "):
            yield {**event, "line": json.loads(row[6:])}


def vouch_now(clock: Clock, secret: str = SECRET, **who: Any) -> str:
    """An identity signed at the tests' time: the signer reads the wall clock, as a site's does."""
    from itsdangerous import URLSafeTimedSerializer  # noqa: PLC0415 - only the tests turn its clock
    from itsdangerous.timed import TimestampSigner  # noqa: PLC0415

    class Then(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(clock().timestamp())

    return URLSafeTimedSerializer(secret, salt="signoff.webchat.identity", signer=Then).dumps(who)


@asynccontextmanager
async def web_chat(*, sessions: int = 1, **options: Any) -> AsyncIterator[OverWebChat]:
    inbox, clock = Inbox(), Clock()
    settings: dict[str, Any] = {
        "per_visitor": UNLIMITED,
        "per_visitor_chars": UNLIMITED,
        "per_address": UNLIMITED,
        "allowed_origins": [SITE],
        "transcript": inbox.transcript,
        "reread_seconds": 0.05,
        **options,
    }
    adapter = WebChat(
        name="webchat",
        title="Web chat",
        receive=inbox.receive,
        secret=SECRET,
        clock=clock,
        **settings,
    )
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(serve(app_of(adapter), hang_up=adapter.close))
        http = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=f"{here}/channels/webchat/", timeout=PATIENCE_SECONDS)
        )
        channel = OverWebChat(adapter, inbox, clock, http)
        if sessions:
            await channel.session()
        yield channel


@pytest.fixture
async def channel() -> AsyncIterator[OverWebChat]:
    async with web_chat() as chat:
        yield chat


class TestTheContract(AdapterContract):
    pass


async def test_a_tier_from_the_browser_is_never_taken(channel: OverWebChat) -> None:
    answer = await channel.say("Hello", tier="vip")
    session = await channel.ask_session(tier="vip")

    assert answer.status_code == 422
    assert session.status_code == 422
    assert channel.inbox.received == []


async def test_whom_the_site_vouches_for_cannot_be_renamed_by_the_browser(channel: OverWebChat) -> None:
    await channel.session(identity=vouch_now(channel.clock, id=1009, name="Mina Okafor", email="m@larkspur.example"))
    await channel.say("Hello", name="The Director", email="boss@larkspur.example")

    (inbound,) = channel.inbox.received
    assert (inbound.sender.name, inbound.sender.email) == ("Mina Okafor", "m@larkspur.example")
    assert inbound.sender.external_id == "u_1009"


async def test_an_identified_customer_finds_their_conversation_on_another_device(channel: OverWebChat) -> None:
    identity = vouch_now(channel.clock, id="c-1009")
    await channel.session(identity=identity)
    await channel.say("First", conversation=1)
    await channel.say("Second", conversation=2)

    other_device = await channel.session(identity=identity)

    assert other_device["conversation"] == 2
    assert other_device["identified"] is True
    lines = (await channel.http.get("messages?conversation=2", headers=channel.authorised)).json()["lines"]
    assert [line["text"] for line in lines] == ["Second"]


async def test_an_identity_that_the_site_did_not_sign_is_refused(channel: OverWebChat) -> None:
    strange = vouch_now(channel.clock, secret="another secret that is long", id="c-1")
    nobody = vouch_now(channel.clock, id="")
    before = refusals(channel.adapter)

    for number, identity in enumerate([strange, nobody, channel.token, "", "x", "a.b.c", "\ud800", "é.é.é"], start=1):
        answer = await channel.http.post("session", content=json.dumps({"identity": identity}).encode())

        assert answer.status_code in (401, 422), identity
        assert refusals(channel.adapter) == before + number


async def test_a_site_vouches_with_one_call(channel: OverWebChat) -> None:
    signed = vouch(SECRET, id="c-1009", tier="vip")
    channel.clock.now = datetime.now(UTC)  # `vouch` runs at the site, by the site's own clock

    assert (await channel.session(identity=signed))["identified"] is True


async def test_an_identity_is_good_for_a_day(channel: OverWebChat) -> None:
    identity = vouch_now(channel.clock, id="c-1009")

    channel.clock.now += timedelta(hours=23)
    assert (await channel.ask_session(identity=identity)).status_code == 200
    channel.clock.now += timedelta(hours=2)
    assert (await channel.ask_session(identity=identity)).status_code == 401


async def test_a_renewed_token_is_the_same_visitor_for_longer(channel: OverWebChat) -> None:
    first = await channel.session()
    await channel.say("Hello")
    channel.clock.now += timedelta(days=20)

    renewed = await channel.session(token=first["token"])
    channel.clock.now += timedelta(days=20)

    assert renewed["visitor"] == first["visitor"]
    lines = (await channel.http.get("messages", headers=channel.authorised)).json()["lines"]
    assert [line["text"] for line in lines] == ["Hello"]


async def test_nobody_reads_another_visitors_lines(channel: OverWebChat) -> None:
    await channel.say("My secret")
    await channel.session()

    assert (await channel.http.get("messages", headers=channel.authorised)).json() == {"lines": [], "after": 0}
    assert await channel.heard() == []


@pytest.mark.parametrize("begun", [1, 2, 3, 7, 8, 40, 9_999])
async def test_the_newest_of_many_conversations_is_found_with_few_questions(begun: int) -> None:
    asked: list[int] = []

    async def transcript(thread: str, after: int) -> list[Line]:
        number = int(thread.rpartition("/")[2])
        asked.append(number)
        return [_line(sequence=number)] if number <= begun else []

    async with web_chat(sessions=0, transcript=transcript) as channel:
        given = await channel.session()

    assert given["conversation"] == begun
    assert len(asked) < 30


async def test_a_thread_that_comes_in_pieces_is_streamed_whole() -> None:
    async def transcript(thread: str, after: int) -> list[Line]:
        return [_line(sequence=number) for number in range(after + 1, min(after + 3, 11))]

    async with web_chat(transcript=transcript, reread_seconds=3600) as channel, channel.stream() as events:
        async with asyncio.timeout(PATIENCE_SECONDS):
            seen = [await anext(events) for _ in range(10)]

    assert [event["line"]["sequence"] for event in seen if event] == list(range(1, 11))


async def test_a_new_conversation_is_a_thread_of_its_own(channel: OverWebChat) -> None:
    await channel.say("About my tent", conversation=1)
    await channel.say("About my boots", conversation=2)

    first, second = (each.thread for each in channel.inbox.received)
    assert first != second
    assert first.removesuffix("/1") == second.removesuffix("/2")


@pytest.mark.parametrize("number", [0, -1, 10_000, "1", 1.5, True, None])
async def test_a_conversation_is_a_whole_number(channel: OverWebChat, number: Any) -> None:
    assert (await channel.say("Hello", conversation=number)).status_code == 422


@pytest.mark.parametrize("id", ["", "short", "x" * 65, "with space", "a/../../b", "null\0null", 7])
async def test_a_message_id_is_plain(channel: OverWebChat, id: Any) -> None:
    assert (await channel.post(json.dumps({"id": id, "text": "Hello"}).encode())).status_code == 422


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1e3", "after=²", "conversation=", "after=" + "9" * 40])
async def test_a_query_that_is_no_number_is_refused(channel: OverWebChat, query: str) -> None:
    for path in ("messages", "stream"):
        assert (await channel.http.get(f"{path}?{query}", headers=channel.authorised)).status_code == 422


async def test_a_reply_appears_on_an_open_stream_at_once() -> None:
    async with web_chat(reread_seconds=3600) as channel:
        await channel.say("Where is my order?")
        async with channel.stream() as events:
            mine = await anext(events)
            await channel.adapter.send(channel.reply("It ships today."))
            async with asyncio.timeout(PATIENCE_SECONDS):
                reply = await anext(events)

        assert mine is not None
        assert mine["line"]["text"] == "Where is my order?"
        assert mine["line"]["id"] == channel.inbox.received[0].external_id
        assert reply is not None
        assert (reply["line"]["author"], reply["line"]["text"]) == ("Bo Lindqvist", "It ships today.")


async def test_a_reply_appears_even_when_nobody_wakes_the_stream(channel: OverWebChat) -> None:
    await channel.say("Where is my order?")
    async with channel.stream() as events:
        await anext(events)
        channel.reply("It ships today.")  # sent by another process: in the transcript, and no wake
        async with asyncio.timeout(PATIENCE_SECONDS):
            event = None
            while event is None:
                event = await anext(events)

    assert event["line"]["text"] == "It ships today."


async def test_a_stream_goes_on_where_it_broke_off(channel: OverWebChat) -> None:
    await channel.say("Where is my order?")
    await channel.adapter.send(channel.reply("It ships today."))
    async with channel.stream() as events:
        first = await anext(events)
    assert first is not None

    async with channel.stream(after=first["mark"]) as events:
        second = await anext(events)

    assert second is not None
    assert second["line"]["text"] == "It ships today."


async def test_a_reply_whose_hold_ended_after_the_customers_next_line_is_not_missed(channel: OverWebChat) -> None:
    await channel.say("Where is my order?")
    held = channel.reply("It ships today.")
    held_line = channel.inbox.lines[held.thread].pop()  # approved: it has its sequence, and is not shown yet
    later = channel.inbox.answer(held.thread, "placeholder")
    channel.inbox.lines[held.thread][-1] = _line(sequence=later.sequence + 1, text="Hello?", outgoing=False)

    async with channel.stream() as events:
        marks = [event["mark"] for event in [await anext(events), await anext(events)] if event]
    channel.inbox.lines[held.thread].append(held_line)
    async with channel.stream(after=marks[-1]) as events:
        texts = [event["line"]["text"] for event in [await anext(events), await anext(events)] if event]

    assert marks == [1, 1]  # line 3 was given, but 2 is missing below it
    assert texts == ["It ships today.", "Hello?"]


def test_a_reply_that_never_comes_does_not_hold_the_mark_forever() -> None:
    reading = Reading(0)

    reading.fresh([_line(sequence=number) for number in range(2, GAP_LINES + 10)])

    assert reading.mark == GAP_LINES + 9
    assert reading.fresh([_line(sequence=1)]) == []


def _line(*, sequence: int, text: str = "x", outgoing: bool = True) -> Line:
    return Line(
        id=f"msg_{sequence}", sequence=sequence, outgoing=outgoing, author="", text=text, attachments=(), at=NOON
    )


async def test_open_streams_are_bounded_per_visitor_and_seats_are_given_back() -> None:
    async with web_chat(seating=Seating(per_visitor=2), reread_seconds=0.05) as channel:
        async with channel.stream() as _, channel.stream() as _:
            refused = await channel.http.get("stream", headers=channel.authorised)
            await channel.session()
            async with channel.stream():
                pass  # somebody else is not affected

        assert refused.status_code == 429
        assert refused.headers["retry-after"]
        await until(lambda: len(channel.adapter._streams) == 0)


async def test_open_streams_are_bounded_in_total_and_per_address() -> None:
    for seating, status in ((Seating(total=1), 503), (Seating(per_address=1), 429)):
        async with web_chat(seating=seating) as channel, channel.stream():
            await channel.session()
            assert (await channel.http.get("stream", headers=channel.authorised)).status_code == status


async def test_shutting_down_ends_streams_cleanly() -> None:
    ended = []
    async with web_chat(reread_seconds=3600) as channel:

        async def read() -> None:
            async with channel.stream() as events:
                async for _ in events:
                    pass
            ended.append("cleanly")

        reading = asyncio.create_task(read())
        await until(lambda: len(channel.adapter._streams) == 1)
        await channel.adapter.close()
        await asyncio.wait_for(reading, PATIENCE_SECONDS)
        late = await channel.http.get("stream", headers=channel.authorised)

    assert ended == ["cleanly"]
    assert late.status_code == 503


async def test_a_stream_ends_with_its_token() -> None:
    async with web_chat() as channel, channel.stream() as events:
        channel.clock.now += timedelta(days=31)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert [event async for event in events if event] == []


async def test_too_many_messages_are_asked_to_wait_and_go_through_later() -> None:
    async with web_chat(per_visitor=Allowance(burst=3, per_minute=6)) as channel:
        statuses = [(await channel.say(f"{number}")).status_code for number in range(4)]
        refused = await channel.say("again")
        channel.clock.now += timedelta(seconds=10)
        later = await channel.say("again")
        await channel.session()
        somebody_else = await channel.say("hello")

    assert statuses == [202, 202, 202, 429]
    assert refused.json()["code"] == "rate"
    assert 9 <= int(refused.headers["retry-after"]) <= 11
    assert later.status_code == 202
    assert somebody_else.status_code == 202


async def test_too_many_words_are_asked_to_wait_and_go_through_later() -> None:
    async with web_chat(per_visitor_chars=Allowance(burst=1000, per_minute=600)) as channel:
        statuses = [(await channel.say("x" * length)).status_code for length in (900, 101, 100)]
        channel.clock.now += timedelta(seconds=11)
        later = await channel.say("x" * 101)

    assert statuses == [202, 429, 202]
    assert later.status_code == 202


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_the_addresses_of_one_household_count_as_one(one: str, other: str, same: bool) -> None:
    asking = [Request({"type": "http", "client": (host, 1), "headers": []}) for host in (one, other)]

    assert (_address(asking[0]) == _address(asking[1])) is same


async def test_one_address_cannot_ask_for_endless_sessions() -> None:
    async with web_chat(sessions=0, per_address=Allowance(burst=5, per_minute=1)) as channel:
        statuses = [(await channel.ask_session()).status_code for _ in range(6)]

    assert statuses == [200] * 5 + [429]


async def test_a_site_that_may_embed_the_chat_can_read_its_answers(channel: OverWebChat) -> None:
    preflight = await channel.http.options("messages", headers={"origin": SITE})
    answer = await channel.http.post("session", json={}, headers={"origin": SITE})
    refusal = await channel.http.get("messages", headers={"origin": SITE})

    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    for each in (preflight, answer, refusal):
        assert each.headers["access-control-allow-origin"] == SITE
        assert "origin" in each.headers["vary"]
    assert refusal.status_code == 401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://larkspur.example", SITE + ".evil.example", "http://["]
)
async def test_another_site_is_refused(channel: OverWebChat, origin: str) -> None:
    answers = [
        await channel.http.options("messages", headers={"origin": origin}),
        await channel.http.post("session", json={}, headers={"origin": origin}),
        await channel.http.get("stream", headers={**channel.authorised, "origin": origin}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not any("access-control-allow-origin" in answer.headers for answer in answers)


async def test_the_page_that_serves_the_chat_may_use_it(channel: OverWebChat) -> None:
    own = str(channel.http.base_url).split("/channels")[0]

    assert (await channel.http.post("session", json={}, headers={"origin": own})).status_code == 200


@pytest.mark.parametrize("origin", ["larkspur.example", "https://larkspur.example/", "*", "https://*/x"])
async def test_an_origin_that_is_none_is_refused_at_start(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        async with web_chat(allowed_origins=[origin]):
            pass


async def test_a_short_secret_is_refused_at_start() -> None:
    inbox = Inbox()
    with pytest.raises(ValueError, match="16 characters"):
        WebChat(name="x", title="", receive=inbox.receive, transcript=inbox.transcript, secret="short", clock=Clock())


async def test_the_page_has_a_strict_policy_and_the_widget_may_be_loaded_anywhere(channel: OverWebChat) -> None:
    page = await channel.http.get("")
    widget = await channel.http.get("widget.js")
    again = await channel.http.get("widget.js", headers={"if-none-match": widget.headers["etag"]})

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"frame-ancestors 'self' {SITE}" in policy
    assert "widget.js" in page.text
    assert widget.headers["cross-origin-resource-policy"] == "cross-origin"
    assert again.status_code == 304


async def test_nothing_in_the_widget_parses_markup_or_loads_from_elsewhere(channel: OverWebChat) -> None:
    widget = (await channel.http.get("widget.js")).text
    page = (await channel.http.get("")).text + (await channel.http.get("page.css")).text

    for sink in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
    ):
        assert sink not in widget
    for text in (widget, page):
        assert "//cdn" not in text
        assert "@import" not in text
        assert "url(http" not in text
