"""What every customer channel must do, whatever its wire: an adapter's tests subclass `AdapterContract`."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from adapters.base import (
    ATTACHMENTS,
    TEXT_CHARS,
    Adapter,
    Attachment,
    Inbound,
    Line,
    PermanentFailure,
    Received,
    Reply,
    TemporaryFailure,
)
from tests.clock import NOON, Clock
from tests.data import shared


class DatabaseDown(Exception):
    pass


@dataclass
class Inbox:
    """A `receive` that remembers, knows a message again, and can be down. It also answers for the transcript."""

    received: list[Inbound] = field(default_factory=list)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    down: bool = False
    lost_answers: int = 0  # so many messages are committed, and then the answer is lost

    async def receive(self, inbound: Inbound) -> Received:
        if self.down:
            raise DatabaseDown
        known = {(each.thread, each.external_id) for each in self.received}
        repeated = (inbound.thread, inbound.external_id) in known
        if not repeated:
            self.received.append(inbound)
            self._note(inbound)
        if self.lost_answers:
            self.lost_answers -= 1
            raise DatabaseDown
        return Received(
            message_id=f"msg_{inbound.external_id}", conversation_id=f"cnv_{inbound.thread}", repeated=repeated
        )

    def _note(self, inbound: Inbound) -> None:
        lines = self.lines.setdefault(inbound.thread, [])
        lines.append(
            Line(
                id=inbound.external_id,
                sequence=len(lines) + 1,
                outgoing=False,
                author=inbound.sender.name or "",
                text=inbound.text,
                attachments=inbound.attachments,
                at=NOON,
            )
        )

    def answer(self, thread: str, text: str, *, author: str = "Bo Lindqvist", at: datetime = NOON) -> Reply:
        """An agent's reply, in the transcript as it is once its delivery has begun."""
        lines = self.lines.setdefault(thread, [])
        sequence = len(lines) + 1
        line = Line(
            id=f"msg_reply{sequence}", sequence=sequence, outgoing=True, author=author, text=text, attachments=(), at=at
        )
        lines.append(line)
        return Reply(
            key=line.id,
            thread=thread,
            to="customer",
            text=text,
            author=author,
            sequence=sequence,
            in_reply_to=None,
            written_at=NOON,
        )

    async def transcript(self, thread: str, after: int) -> list[Line]:
        if self.down:
            raise DatabaseDown
        return [line for line in self.lines.get(thread, []) if line.sequence > after]


class Channel(ABC):
    """How the suite speaks an adapter's wire."""

    adapter: Adapter
    inbox: Inbox
    clock: Clock

    @abstractmethod
    def body(self, text: str, **more: Any) -> dict[str, Any]:
        """A message as this wire writes it. `more`: external_id, name, email, attachments."""

    @abstractmethod
    async def post(self, body: bytes) -> httpx2.Response:
        """Posts bytes to the channel, with credentials that are right."""

    @abstractmethod
    async def post_unauthorised(self, body: bytes) -> list[httpx2.Response]:
        """Posts the body once with every kind of wrong credentials there is."""

    @abstractmethod
    async def say_as_vip(self, text: str) -> httpx2.Response:
        """A customer of tier `vip` writes, in whatever way this wire vouches for a tier."""

    @abstractmethod
    async def heard(self) -> list[str]:
        """What the customer has read by now, as their end of the wire shows it."""

    async def say(self, text: str, **more: Any) -> httpx2.Response:
        return await self.post(json.dumps(self.body(text, **more)).encode())

    def reply(self, text: str) -> Reply:
        return self.inbox.answer(self.inbox.received[-1].thread, text)


class FailingChannel(Channel):
    """A channel whose far end is somebody else's server."""

    @abstractmethod
    def fail(self, status: int) -> None:
        """The far end answers so from now on."""


def refusals(adapter: Adapter) -> float:
    """How many requests the channel has counted as refused."""
    counted = 0.0
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == "signoff_channel_refused_total" and sample.labels["channel"] == adapter.name:
                counted += sample.value
    return counted


def naughty_strings() -> list[str]:
    strings: list[str] = json.loads(shared("blns/blns.json").read_text(encoding="utf-8"))
    return strings


class AdapterContract:
    """Subclass with a `channel` fixture."""

    @pytest.fixture
    def counted(self, channel: Channel) -> Iterator[None]:
        """At least one refusal was counted by the end of the test."""
        before = refusals(channel.adapter)
        yield
        assert refusals(channel.adapter) > before

    async def test_a_message_is_acknowledged_once_it_is_committed(self, channel: Channel) -> None:
        answer = await channel.say("Where is my order?", external_id="message-0001")

        assert answer.status_code == 202
        assert [each.text for each in channel.inbox.received] == ["Where is my order?"]
        assert answer.json()["message_id"] == "msg_message-0001"
        assert answer.json()["repeated"] is False

    async def test_a_message_that_could_not_be_committed_is_not_acknowledged(self, channel: Channel) -> None:
        channel.inbox.down = True
        refused = await channel.say("Where is my order?", external_id="message-0001")
        channel.inbox.down = False
        accepted = await channel.say("Where is my order?", external_id="message-0001")

        assert refused.status_code >= 500
        assert accepted.status_code == 202
        assert len(channel.inbox.received) == 1

    async def test_a_redelivered_message_gets_the_same_answer_and_is_one_message(self, channel: Channel) -> None:
        first = await channel.say("Where is my order?", external_id="message-0001")
        again = await channel.say("Where is my order?", external_id="message-0001")

        assert again.status_code == first.status_code
        assert again.json() == {**first.json(), "repeated": True}
        assert len(channel.inbox.received) == 1

    async def test_a_message_whose_answer_was_lost_is_recognised(self, channel: Channel) -> None:
        channel.inbox.lost_answers = 1
        lost = await channel.say("Where is my order?", external_id="message-0001")
        again = await channel.say("Where is my order?", external_id="message-0001")

        assert lost.status_code >= 500
        assert again.status_code == 202
        assert again.json()["repeated"] is True
        assert len(channel.inbox.received) == 1

    async def test_name_and_email_are_carried(self, channel: Channel) -> None:
        await channel.say("Hello", name="Mina Okafor", email="mina@larkspur.example")

        (inbound,) = channel.inbox.received
        assert inbound.channel == channel.adapter.name
        assert (inbound.sender.name, inbound.sender.email) == ("Mina Okafor", "mina@larkspur.example")

    async def test_what_the_customer_did_not_say_is_none(self, channel: Channel) -> None:
        await channel.say("Hello", name="  ", email=None)

        (inbound,) = channel.inbox.received
        assert (inbound.sender.name, inbound.sender.email, inbound.sender.tier) == (None, None, None)

    async def test_the_tier_is_carried_when_it_is_vouched_for(self, channel: Channel) -> None:
        answer = await channel.say_as_vip("Hello")

        assert answer.status_code == 202
        assert channel.inbox.received[0].sender.tier == "vip"

    async def test_names_and_links_of_attachments_are_carried(self, channel: Channel) -> None:
        link = "https://files.larkspur.example/a%20b.jpg?size=2#top"
        await channel.say("Look", attachments=[{"name": "a b.jpg", "url": link}])

        assert channel.inbox.received[0].attachments == (Attachment(name="a b.jpg", url=link),)

    async def test_more_attachments_than_allowed_are_refused(self, channel: Channel, counted: None) -> None:
        one = {"name": "a.jpg", "url": "https://files.larkspur.example/a.jpg"}

        assert (await channel.say("All", attachments=[one] * ATTACHMENTS)).status_code == 202
        assert (await channel.say("More", attachments=[one] * (ATTACHMENTS + 1))).status_code == 422
        assert len(channel.inbox.received) == 1

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,<script>1</script>",
            "file:///etc/passwd",
            "//files.larkspur.example/a",
            "https://",
            "https://[broken",
            "https://a.example:99999/",
            "https://a.example/a b",
            "https://a.example/|<!channel>",
            " https://a.example/",
            "https://a.example/" + "x" * 2_000,
            7,
        ],
    )
    async def test_an_attachment_that_is_not_a_web_address_is_refused(
        self, channel: Channel, counted: None, url: Any
    ) -> None:
        answer = await channel.say("Look", attachments=[{"name": "a", "url": url}])

        assert answer.status_code == 422
        assert channel.inbox.received == []

    async def test_a_text_of_20_000_characters_arrives_whole(self, channel: Channel) -> None:
        text = "Ünïcödé 🙂 " * 2_000

        assert (await channel.say(text)).status_code == 202
        assert channel.inbox.received[0].text == text

    async def test_the_longest_text_arrives_and_one_character_more_is_refused(
        self, channel: Channel, counted: None
    ) -> None:
        longest = await channel.say("€" * TEXT_CHARS)
        longer = await channel.say("€" * (TEXT_CHARS + 1))

        assert longest.status_code == 202
        assert longer.status_code == 413
        assert longer.json()["code"] == "too_long"
        assert len(channel.inbox.received) == 1

    async def test_naughty_strings_arrive_unchanged(self, channel: Channel) -> None:
        strings = [text for text in naughty_strings() if text]

        for number, text in enumerate(strings):
            answer = await channel.say(text, external_id=f"naughty-{number:04}", name="Naughty")
            assert answer.status_code == 202

        assert [each.text for each in channel.inbox.received] == strings

    async def test_naughty_names_are_carried_too(self, channel: Channel) -> None:
        strings = [text for text in naughty_strings() if text.strip() and len(text) <= 200]

        for number, text in enumerate(strings):
            answer = await channel.say("Hi", external_id=f"naughty-{number:04}", name=text)
            assert answer.status_code == 202

        assert [each.sender.name for each in channel.inbox.received] == [text.strip() for text in strings]

    async def test_what_no_database_takes_is_taken_out_and_the_rest_arrives(self, channel: Channel) -> None:
        body = channel.body("@@", name="@@")
        raw = json.dumps(body).replace("@@", "a\\u0000b\\ud83dc\\ud83d\\ude42")  # NUL, half an emoji, a whole one

        answer = await channel.post(raw.encode())

        assert answer.status_code == 202
        assert channel.inbox.received[0].text == "ab\ufffdc🙂"
        assert channel.inbox.received[0].sender.name == "ab\ufffdc🙂"

    async def test_a_message_without_text_or_attachments_is_refused(self, channel: Channel, counted: None) -> None:
        for empty in ("", "\0"):
            assert (await channel.say(empty)).status_code == 422
        assert channel.inbox.received == []

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b'{"text": NaN}',
            b'{"text": "a',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"1" * 10_000,
            '{"text": "utf-16"}'.encode("utf-16"),
        ],
    )
    async def test_what_is_not_json_is_refused(self, channel: Channel, counted: None, raw: bytes) -> None:
        answer = await channel.post(raw)

        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
        assert channel.inbox.received == []

    @pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"7", b"{}", b'{"\\ud800": 1, "text": 1}'])
    async def test_json_of_another_shape_is_refused(self, channel: Channel, counted: None, raw: bytes) -> None:
        answer = await channel.post(raw)

        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid"
        assert channel.inbox.received == []

    @pytest.mark.parametrize("wrong", [None, 7, True, [], {}, ["a"]])
    async def test_a_wrong_type_names_its_field_and_repeats_no_words(
        self, channel: Channel, counted: None, wrong: Any
    ) -> None:
        answer = await channel.post(json.dumps({**channel.body("my secret"), "text": wrong}).encode())

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "text"

    async def test_a_misspelt_field_is_refused_not_lost(self, channel: Channel, counted: None) -> None:
        answer = await channel.post(json.dumps({**channel.body("Hi"), "attachements": ["secret words"]}).encode())

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "attachements"
        assert "secret words" not in answer.text

    async def test_an_oversized_body_is_refused(self, channel: Channel, counted: None) -> None:
        answer = await channel.post(b" " * 2_000_000)

        assert answer.status_code == 413
        assert answer.json()["code"] == "oversized"

    async def test_wrong_credentials_are_refused(self, channel: Channel) -> None:
        before = refusals(channel.adapter)
        answers = await channel.post_unauthorised(json.dumps(channel.body("Let me in")).encode())

        assert [answer.status_code for answer in answers] == [401] * len(answers)
        assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
        assert refusals(channel.adapter) == before + len(answers)
        assert channel.inbox.received == []

    async def test_a_reply_reaches_the_customer_exactly_as_approved(self, channel: Channel) -> None:
        await channel.say("Where is my order?")
        text = "It ships *today*, <b>promised</b> & <!channel>.\n\n– Bo 🙂"

        assert await channel.adapter.send(channel.reply(text))

        assert await channel.heard() == [text]

    async def test_the_same_reply_sent_twice_reaches_the_customer_once(self, channel: Channel) -> None:
        await channel.say("Where is my order?")
        reply = channel.reply("It ships today.")

        first = await channel.adapter.send(reply)
        second = await channel.adapter.send(reply)

        assert channel.adapter.repeats_safely
        assert first == second
        assert await channel.heard() == ["It ships today."]

    async def test_naughty_replies_reach_the_customer_unchanged(self, channel: Channel) -> None:
        await channel.say("Where is my order?")
        strings = [text for text in naughty_strings() if text][::7]

        for text in strings:
            await channel.adapter.send(channel.reply(text))

        assert await channel.heard() == strings


class FarEndContract:
    """For adapters that send to somebody else's server. Subclass with a `channel` fixture that can `fail`."""

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 301, 302])
    async def test_trouble_that_passes_is_a_temporary_failure(self, channel: FailingChannel, status: int) -> None:
        await channel.say("Where is my order?")
        channel.fail(status)

        with pytest.raises(TemporaryFailure, match=str(status)):
            await channel.adapter.send(channel.reply("It ships today."))

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
    async def test_a_refusal_is_a_permanent_failure(self, channel: FailingChannel, status: int) -> None:
        await channel.say("Where is my order?")
        channel.fail(status)

        with pytest.raises(PermanentFailure, match=str(status)):
            await channel.adapter.send(channel.reply("It ships today."))
