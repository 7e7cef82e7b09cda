"""Forms that are open: opened by one replica, and their card redrawn by another or after a restart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.core.cards import Action
from bot.sandbox import SandboxServer
from bot.surfaces.slack.editors import OPEN_FOR, Editor, Editors
from bot.surfaces.slack.modals.filled import Filled
from storage.database import Database, Tx, Unavailable
from storage.shared.wakes import LocalWakes, SharedWakes
from storage.tables import OpenForm
from tests.clock import NOON
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.surfaces.cards import drawn_text, waiting
from tests.surfaces.recording import Office, eventually, opened
from tests.surfaces.test_forms import newer

T = TypeVar("T")


async def replica(stack: AsyncExitStack, sandbox: SandboxServer, url: str) -> Office:
    """The newest to come is the one that Slack's presses reach."""
    db = await stack.enter_async_context(Database(url))
    wakes = SharedWakes(db)
    await wakes.start()
    stack.push_async_callback(wakes.stop)
    await asyncio.wait_for(wakes.connected.wait(), PATIENCE_SECONDS)
    return await stack.enter_async_context(opened(sandbox, db=db, wakes=wakes))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_who_writes_is_warned_by_the_replica_that_redraws(
    sandbox: SandboxServer, postgres_url: str, stack: AsyncExitStack
) -> None:
    redraws = await replica(stack, sandbox, postgres_url)
    pressed = await replica(stack, sandbox, postgres_url)
    ana = sandbox.person("U0ANA")
    ref, message = await pressed.post(waiting())
    await redraws.slack.surface.update(ref, waiting(facts=("Nothing is open yet",)))

    await ana.click("edit", on=message)
    await ana.type("typed", "My careful words.")

    async def told() -> bool:
        await redraws.slack.surface.update(ref, newer())  # type: ignore[arg-type]
        return bool(sandbox.calls("views.update"))

    await eventually(told)
    assert ana.view is not None
    assert "The customer wrote again" in drawn_text(ana.view.blocks)
    await pressed.slack.surface.update(ref, newer())  # type: ignore[arg-type]
    assert len(sandbox.calls("views.update")) == 1  # once, whoever redraws


async def test_who_writes_is_warned_also_where_nobody_could_be_told_of_the_form(
    sandbox: SandboxServer, postgres_url: str, postgres: Postgres, stack: AsyncExitStack
) -> None:
    redraws = await replica(stack, sandbox, postgres_url)
    pressed = await replica(stack, sandbox, postgres_url)
    ref, message = await pressed.post(waiting())
    await redraws.slack.surface.update(ref, waiting(facts=("Nothing is open yet",)))
    await sandbox.person("U0ANA").click("edit", on=message)

    postgres.shut(postgres_url)  # whatever was told: the connection is lost, and found again
    postgres.reopen(postgres_url)

    async def told() -> bool:
        await redraws.slack.surface.update(ref, newer())  # type: ignore[arg-type]
        return bool(sandbox.calls("views.update"))

    await eventually(told)


async def test_who_writes_is_warned_after_a_restart(sandbox: SandboxServer, database_url: str) -> None:
    async with Database(database_url) as db, opened(sandbox, db=db) as office:
        ref, message = await office.post(waiting())
        await sandbox.person("U0ANA").click("edit", on=message)

    async with Database(database_url) as db, opened(sandbox, db=db) as office:
        await office.slack.surface.update(ref, newer())  # type: ignore[arg-type]

    assert len(sandbox.calls("views.update")) == 1


async def test_a_form_left_open_for_an_hour_is_let_be(office: Office) -> None:
    ref, message = await office.post(waiting())
    await office.sandbox.person("U0ANA").click("edit", on=message)

    office.clock.passed += OPEN_FOR + timedelta(seconds=1)
    await office.slack.surface.update(ref, newer())  # type: ignore[arg-type]

    assert office.sandbox.calls("views.update") == []


async def test_a_form_of_another_release_is_let_be(sandbox: SandboxServer, database_url: str) -> None:
    async with Database(database_url) as db:
        card = waiting()
        async with opened(sandbox, db=db, wakes=LocalWakes()) as office:
            row = OpenForm(
                view_id="V0NEW",
                conversation_id=card.shown.conversation_id,
                view_hash=None,
                form={"action": "sing"},
                told=None,
                opened_at=office.clock(),
            )
            await db.write(lambda tx: tx.add(row))

            ref, _ = await office.post(card)
            await office.slack.surface.update(ref, newer())  # type: ignore[arg-type]

    assert sandbox.calls("views.update") == []


async def test_a_database_that_is_away_fails_no_press(
    sandbox: SandboxServer, postgres_url: str, postgres: Postgres
) -> None:
    async with Database(postgres_url) as db, opened(sandbox, db=db) as office:
        _, message = await office.post(waiting())
        postgres.shut(postgres_url)
        seen = await sandbox.person("U0ANA").click("edit", on=message)
        await sandbox.person("U0ANA").close()
        postgres.reopen(postgres_url)

    assert seen.view is not None
    assert [answer.status for answer in sandbox.deliveries("view_closed")] == [200]


async def test_who_writes_is_warned_also_after_nobody_could_look(
    sandbox: SandboxServer, postgres_url: str, postgres: Postgres
) -> None:
    async with Database(postgres_url) as db, opened(sandbox, db=db) as office:
        ref, message = await office.post(waiting())
        await sandbox.person("U0ANA").click("edit", on=message)

    async with Database(postgres_url) as db, opened(sandbox, db=db) as office:
        postgres.shut(postgres_url)
        with pytest.raises(Unavailable):
            await office.slack.surface.update(ref, newer())  # type: ignore[arg-type]
        postgres.reopen(postgres_url)
        await office.slack.surface.update(ref, newer())  # type: ignore[arg-type]

    assert len(sandbox.calls("views.update")) == 1


class Paused(Database):
    """What happens `meanwhile` happens after the next look at the database, and before its answer."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, work: Callable[[Tx], T]) -> T:
        found = await super().read(work)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return found


@pytest.fixture
async def looking(database_url: str) -> AsyncIterator[tuple[Paused, LocalWakes, Editors]]:
    async with Paused(database_url) as db:
        wakes = LocalWakes()
        yield db, wakes, Editors(db, wakes, lambda: NOON)


def form(view_id: str = "V0NEW") -> Editor:
    card = waiting()
    return Editor(
        view_id=view_id,
        hash=None,
        action=Action.EDIT,
        shown=card.shown,
        state=card.state,
        filled=Filled(),
        opened_at=NOON,
    )


async def test_a_form_opened_while_somebody_looks_is_not_forgotten(
    looking: tuple[Paused, LocalWakes, Editors],
) -> None:
    db, _, editors = looking
    await editors.opened(form())
    await editors.to_warn(newer())  # type: ignore[arg-type]
    await editors.closed("V0NEW")

    async def opens_again() -> None:
        await editors.opened(form())

    db.meanwhile = opens_again
    too_early = await editors.to_warn(newer())  # type: ignore[arg-type]
    assert too_early == []

    assert [editor.view_id for editor in await editors.to_warn(newer())] == ["V0NEW"]  # type: ignore[arg-type]


async def test_words_lost_while_somebody_looks_are_looked_for_again(
    looking: tuple[Paused, LocalWakes, Editors],
) -> None:
    db, wakes, editors = looking

    async def another_replica_opens_one_unheard() -> None:
        await Editors(db, LocalWakes(), lambda: NOON).opened(form())
        wakes._miss()

    db.meanwhile = another_replica_opens_one_unheard
    assert await editors.to_warn(newer()) == []  # type: ignore[arg-type]

    assert [editor.view_id for editor in await editors.to_warn(newer())] == ["V0NEW"]  # type: ignore[arg-type]
