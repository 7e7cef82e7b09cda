"""One loop goes through two replicas: whichever is asked, people see what they would see of one."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.test_webchat import events_of
from tests.loop.running import offered, shown
from tests.patience import PATIENCE_SECONDS
from tests.replicas.running import Replicas

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def nothing_left(two: Replicas) -> None:
    two.slack_asks(two.url)
    two.receiver.posts.clear()


async def test_a_message_to_one_approved_at_the_other_is_answered_once(two: Replicas) -> None:
    heard, pressed = two.lives

    await two.customer_says("Where is my order? (loop)", to=heard.url, thread="loop")
    two.slack_asks(pressed.url)
    card = await two.card("(loop)")
    seen = await two.person("U0ANA").click("approve", on=card)
    await two.settled()

    assert seen.ok
    assert len(two.receiver.posts) == 1
    assert "Delivered" in shown(card)


async def test_of_two_agents_at_two_replicas_one_decides_and_the_other_is_told(two: Replicas) -> None:
    await two.customer_says("Where is my order? (race)", to=two.url, thread="race")
    card = await two.card("(race)")
    ana, bo = two.person("U0ANA"), two.person("U0BO")
    told_before = len(ana.ephemerals) + len(bo.ephemerals)

    two.slack_asks(two.lives[0].url)
    first = asyncio.ensure_future(ana.click("approve", on=card))
    await asyncio.sleep(0)  # it is on its way there
    two.slack_asks(two.lives[1].url)
    second = asyncio.ensure_future(bo.click("approve", on=card))
    assert (await first).ok
    assert (await second).ok
    await two.settled()

    assert len(ana.ephemerals) + len(bo.ephemerals) == told_before + 1
    assert len(two.receiver.posts) == 1


async def test_what_was_approved_at_one_is_undone_at_the_other(two: Replicas) -> None:
    await two.customer_says("Where is my order? (undo)", to=two.lives[0].url, thread="undo")
    card = await two.card("(undo)")
    two.slack_asks(two.lives[0].url)
    await two.person("U0ANA").click("approve", on=card)
    await two.until(lambda: "undo" in offered(card))

    two.slack_asks(two.lives[1].url)
    undone = await two.person("U0ANA").click("undo", on=card)

    assert undone.ok
    assert not undone.ephemerals
    again = await two.card("(undo)")
    assert two.receiver.posts == []
    await two.person("U0ANA").choose("menu", "dismiss", on=again)
    await two.person("U0ANA").choose("chosen", "duplicate")
    await two.person("U0ANA").submit()
    await two.settled()
    assert two.receiver.posts == []


async def test_who_writes_in_a_form_of_one_is_warned_whichever_redraws_the_card(two: Replicas) -> None:
    await two.customer_says("Where is my order? (form)", to=two.lives[0].url, thread="form")
    card = await two.card("(form)")
    two.slack_asks(two.lives[0].url)
    ana = two.person("U0ANA")
    await ana.click("edit", on=card)
    assert ana.view is not None
    await ana.type("typed", "My careful words.")

    await two.customer_says("It is urgent! (form)", to=two.lives[1].url, thread="form")

    await two.until(lambda: ana.view is not None and "The customer wrote again" in shown(ana.view))
    two.slack_asks(two.lives[1].url)
    await ana.submit()
    assert ana.view is not None
    assert "so nothing was sent" in shown(ana.view)
    assert "My careful words." in shown(ana.view)  # to copy
    assert two.receiver.posts == []
    await ana.close()
    await two.answer_what_waits()


async def test_a_page_that_reads_at_one_hears_what_the_other_sends(two: Replicas) -> None:
    reads, sends = two.lives
    given = (await two.http.post(f"{reads.url}/channels/chat/session", json={})).json()
    authorised = {"authorization": f"Bearer {given['token']}"}
    words = {"id": "page-line-1", "text": "Is the tent in stock? (page)"}

    # The token of one is good at the other.
    said = await two.http.post(f"{sends.url}/channels/chat/messages", json=words, headers=authorised)
    assert said.status_code == 202, said.text
    async with two.http.stream("GET", f"{reads.url}/channels/chat/stream", headers=authorised) as page:
        assert page.status_code == 200
        lines = _team(events_of(page))
        two.slack_asks(sends.url)
        await two.person("U0BO").click("approve", on=await two.card("(page)"))

        reply = await asyncio.wait_for(anext(lines), PATIENCE_SECONDS)

    assert {"text": reply} in two.ledger.rows("select text from draft")
    await two.settled()


async def test_a_replica_holds_no_more_connections_than_the_documentation_says(two: Replicas) -> None:
    said = re.search(r"holds up to (\d+) connections: (\d+) for .* (\d+) for", SCALING.read_text(encoding="utf-8"))
    assert said
    documented = int(said[1])

    for life in two.lives:  # the same message so often at once that every writer has something to do
        again = (two.customer_says("Is it (twice)?", to=life.url, thread="twice", id="twice-1") for _ in range(40))
        await asyncio.gather(*again)

    names = two.ledger.rows(
        "select application_name as name, count(*) as many from pg_stat_activity"
        " where datname = current_database() and pid != pg_backend_pid() group by 1"
    )
    held = {row["name"]: row["many"] for row in names}
    assert documented == int(said[2]) + int(said[3]) + 3
    assert held.pop("signoff jobs") == held.pop("signoff wakes") == len(two.lives)
    looking = len(two.lives)  # the proxy asks for /readyz all the while
    assert 8 <= sum(held.values()) <= (documented - 2) * len(two.lives) + looking
    await two.answer_what_waits()


async def _team(events: AsyncIterator[dict[str, object] | None]) -> AsyncIterator[str]:
    async for event in events:
        line = event["line"] if event else None
        if isinstance(line, dict) and line["from"] == "team":
            yield str(line["text"])
