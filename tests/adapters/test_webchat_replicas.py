"""The web chat on two replicas: the visitor reads on one, the reply is sent by the other."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from adapters.webchat import WebChat
from storage.database import Database
from storage.shared.wakes import SharedWakes, hint
from tests.adapters.test_webchat import SECRET, OverWebChat, web_chat
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.serving import until

TOPIC = "webchat/web"


async def joined(stack: AsyncExitStack, url: str) -> tuple[Database, SharedWakes]:
    db = await stack.enter_async_context(Database(url))
    wakes = SharedWakes(db)
    await wakes.start()
    stack.push_async_callback(wakes.stop)
    await asyncio.wait_for(wakes.connected.wait(), PATIENCE_SECONDS)
    return db, wakes


def replica_of(channel: OverWebChat, db: Database, wakes: SharedWakes) -> WebChat:
    """The same channel on another machine."""
    return WebChat(
        name=channel.adapter.name,
        title="",
        receive=channel.inbox.receive,
        transcript=channel.inbox.transcript,
        secret=SECRET,
        clock=channel.clock,
        tell=partial(hint, db, wakes, TOPIC),
    )


async def test_a_reply_that_another_replica_sends_appears_at_once(postgres_url: str) -> None:
    async with AsyncExitStack() as stack:
        _, here = await joined(stack, postgres_url)
        there = await joined(stack, postgres_url)
        channel = await stack.enter_async_context(web_chat(reread_seconds=3600))
        here.subscribe(TOPIC, channel.adapter.wake, missed=channel.adapter.wake_all)
        await channel.say("Where is my order?")
        events = await stack.enter_async_context(channel.stream())
        await anext(events)

        await replica_of(channel, *there).send(channel.reply("It ships today."))

        event = await asyncio.wait_for(anext(events), PATIENCE_SECONDS)
        assert event is not None
        assert event["line"]["text"] == "It ships today."


async def test_a_reply_sent_while_nobody_could_be_told_appears_once_they_can(
    postgres: Postgres, postgres_url: str
) -> None:
    async with AsyncExitStack() as stack:
        _, here = await joined(stack, postgres_url)
        there = await joined(stack, postgres_url)
        channel = await stack.enter_async_context(web_chat(reread_seconds=3600))
        here.subscribe(TOPIC, channel.adapter.wake, missed=channel.adapter.wake_all)
        await channel.say("Where is my order?")
        events = await stack.enter_async_context(channel.stream())
        await anext(events)

        postgres.shut(postgres_url)
        await until(lambda: not here.connected.is_set())
        await replica_of(channel, *there).send(channel.reply("It ships today."))
        postgres.reopen(postgres_url)

        event = await asyncio.wait_for(anext(events), PATIENCE_SECONDS)
        assert event is not None
        assert event["line"]["text"] == "It ships today."
