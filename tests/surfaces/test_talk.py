"""Mentions, /signoff and the Home tab."""

import json
import time
from datetime import timedelta

import pytest

from bot.core.cards import Queue, QueueRow
from bot.core.commands import length_of
from bot.core.decisions import Answer, Redraft, Verdict
from bot.core.verdicts import NOT_ALLOWED
from bot.sandbox.faults import Fault, Trouble
from bot.surfaces.slack.payloads import Mentioned
from storage.tables import Priority
from tests.surfaces.cards import AT, drawn_text, waiting
from tests.surfaces.recording import Office


def row(number: int = 1, **changes: object) -> QueueRow:
    given = {
        "conversation_id": f"cnv_{number}",
        "review_id": f"rev_{number}",
        "headline": "Delivery · <!channel>",
        "preview": "Where is <@U0BO> my *tent*?",
        "waiting_since": AT,
        "priority": Priority.HIGH,
        "owner": None,
        "posting_key": f"pst_{number}",
        "place": "C0SUPPORT",
        "ref": f"C0SUPPORT/1700000000.{number:06}",
    }
    return QueueRow(**{**given, **changes})  # type: ignore[arg-type]


def queue(*, mine: int = 0, waiting: int = 0) -> Queue:
    rows = [row(n) for n in range(mine + waiting)]
    return Queue(
        agent="Ana Ruiz",
        mine=tuple(rows[:mine]),
        waiting=tuple(rows[mine:]),
        waiting_total=waiting,
        notices=("Drafting is paused until 2026-11-22T14:00:00Z (Bo)",),
    )


async def mention(office: Office, text: str, *, thread_ts: str | None = None, user: str = "U0ANA") -> str:
    """Say it, and return what is whispered back."""
    person = office.sandbox.person(user)
    before = len(person.ephemerals)
    await person.say("C0SUPPORT", text, thread_ts=thread_ts)
    await office.sandbox.quiet()
    return "".join(drawn_text(whisper.blocks) for whisper in person.ephemerals[before:])


async def test_a_mention_in_a_cards_thread_asks_for_another_draft(office: Office) -> None:
    ref, message = await office.post(waiting())
    office.desk.threads[ref] = waiting()
    office.desk.verdicts = [Verdict(answer=Answer.RECORDED, words="Another draft is on its way.")]

    told = await mention(office, "@signoff shorter & <b>kinder</b>, please", thread_ts=message.ts)

    assert office.desk.decisions == [Redraft("shorter & <b>kinder</b>, please")]
    assert office.desk.presses[0].event == office.sandbox.deliveries("app_mention")[-1].payload["event_id"]
    assert told == "Another draft is on its way."


def test_words_made_of_broken_markup_are_read_at_once() -> None:
    event = {"user": "U0BO", "channel": "C0SUPPORT", "text": "<!" * 20_000 + "<a:|" * 5_000, "ts": "1.2"}
    begun = time.thread_time()

    said = Mentioned.of({"event": event, "event_id": "Ev1"})

    assert said is not None
    assert said.text.startswith("<!<!")
    assert time.thread_time() - begun < 2  # of the processor's seconds, whoever else it works for


async def test_a_mention_delivered_twice_is_the_same_event(office: Office) -> None:
    ref, message = await office.post(waiting())
    office.desk.threads[ref] = waiting()
    office.sandbox.faults.add(Fault(Trouble.DUPLICATE, method="app_mention"))
    office.desk.verdicts = [
        Verdict(answer=Answer.RECORDED, words="On its way."),
        Verdict(answer=Answer.REPEATED, words="On its way."),
    ]

    told = await mention(office, "@signoff shorter", thread_ts=message.ts)

    first, second = (press.event for press in office.desk.presses)
    assert first == second
    assert told == "On its way."


async def test_a_mention_whose_desk_failed_is_delivered_again(office: Office) -> None:
    ref, message = await office.post(waiting())
    office.desk.threads[ref] = waiting()
    office.desk.verdicts = [RuntimeError("the database is away")]

    await mention(office, "@signoff shorter", thread_ts=message.ts)

    assert office.desk.decisions == [Redraft("shorter")] * 2


@pytest.mark.parametrize("words", ["@signoff", "@signoff help me"])
async def test_a_mention_anywhere_else_is_told_what_the_bot_can_do(office: Office, words: str) -> None:
    told = await mention(office, words)

    assert "/signoff queue" in told
    assert office.desk.presses == []


async def test_words_in_a_thread_without_a_mention_reach_nobody(office: Office) -> None:
    ref, message = await office.post(waiting())
    office.desk.threads[ref] = waiting()

    told = await mention(office, "I think the customer is right", thread_ts=message.ts)

    assert told == ""
    assert office.desk.presses == []


async def command(office: Office, text: str, user: str = "U0ANA") -> str:
    seen = await office.sandbox.person(user).run("/signoff", text, channel="C0SUPPORT")
    assert seen.error is None
    return drawn_text(seen.ephemerals[-1].blocks)


async def test_the_queue_lists_what_is_mine_and_what_waits_with_links(office: Office) -> None:
    office.desk.queues["U0ANA"] = queue(mine=1, waiting=2)

    seen = await office.sandbox.person("U0ANA").run("/signoff", "queue", channel="C0SUPPORT")

    words = drawn_text(seen.ephemerals[-1].blocks)
    assert words.index("Yours") < words.index("Waiting")
    assert words.count("Delivery · <!channel>") == 3
    assert "https://larkspur.slack.com/archives/C0SUPPORT/p1700000000000001" in json.dumps(seen.ephemerals[-1].blocks)
    assert seen.ephemerals[-1].pings == []


async def test_an_empty_queue_says_so(office: Office) -> None:
    office.desk.queues["U0ANA"] = queue()

    assert "Nothing waits" in await command(office, "queue")


@pytest.mark.parametrize("text", ["queue", "status"])
async def test_an_outsider_sees_neither_queue_nor_figures(office: Office, text: str) -> None:
    assert NOT_ALLOWED.words in await command(office, text, user="U0FAY")


async def test_the_status_is_figures_and_pauses(office: Office) -> None:
    told = await command(office, "status")

    for expected in ("3", "2", "41", "claude-sonnet-5-5", "Drafting is paused for billing until "):
        assert expected in told


@pytest.mark.parametrize(
    ("text", "category", "length"),
    [
        ("pause", None, timedelta(hours=1)),
        ("pause 30m", None, timedelta(minutes=30)),
        ("pause all 2h", None, timedelta(hours=2)),
        ("pause billing", "billing", timedelta(hours=1)),
        ("PAUSE Lost Parcel 1h30m", "lost_parcel", timedelta(hours=1, minutes=30)),
        ("pause 7d lost_parcel", "lost_parcel", timedelta(days=7)),
    ],
)
async def test_pausing(office: Office, text: str, category: str | None, length: timedelta) -> None:
    told = await command(office, text)

    (request,) = office.desk.pauses
    assert (request.category, request.length, request.who.external_id) == (category, length, "U0ANA")
    assert told == "Paused until ."  # the time between is a date, shown in the reader's zone


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pause tents", "There is no category “tents”. There are: billing, lost_parcel, general."),
        ("pause 30", "30m is minutes"),
        ("pause 8d", "from 1m to 7d"),
        ("pause 0m", "from 1m to 7d"),
        ("pause 1h 2h", "Say one length"),
        ("resume nothing", "There is no category “nothing”"),
        ("frobnicate <!channel>", "I do not know “frobnicate <!channel>”"),
    ],
)
async def test_a_command_that_cannot_be_is_explained(office: Office, text: str, why: str) -> None:
    told = await command(office, text)

    assert why in told
    assert "/signoff help" in told
    assert office.desk.pauses == office.desk.resumed == []


@pytest.mark.parametrize(("text", "category"), [("resume", None), ("resume billing", "billing")])
async def test_resuming(office: Office, text: str, category: str | None) -> None:
    assert await command(office, text) == "Drafting again."
    assert office.desk.resumed == [category]


@pytest.mark.parametrize("text", ["", "help"])
async def test_help(office: Office, text: str) -> None:
    assert "/signoff pause [category] [30m|2h]" in await command(office, text)


@pytest.mark.parametrize(
    ("word", "length"),
    [("90m", timedelta(minutes=90)), ("2h5m", timedelta(hours=2, minutes=5)), ("h", None), ("", None), ("m5", None)],
)
def test_lengths(word: str, length: timedelta | None) -> None:
    assert length_of(word) == length


async def home_of(office: Office, user: str) -> str:
    person = office.sandbox.person(user)
    await person.open_home()
    await office.sandbox.quiet()
    assert person.home is not None
    return drawn_text(person.home.blocks)


async def test_home_is_my_queue_and_refreshes(office: Office) -> None:
    office.desk.queues["U0ANA"] = queue(mine=1, waiting=60)
    ana = office.sandbox.person("U0ANA")

    words = await home_of(office, "U0ANA")
    assert "60 waiting, 1 yours" in words
    assert "and 40 more waiting" in words
    office.desk.queues["U0ANA"] = queue()
    await ana.click("refresh", on=ana.home)

    assert ana.home is not None
    assert "Nothing waits" in drawn_text(ana.home.blocks)


async def test_home_of_an_outsider_says_whom_to_ask(office: Office) -> None:
    assert NOT_ALLOWED.words in await home_of(office, "U0FAY")


async def test_a_change_of_a_user_group_makes_the_roster_be_read_again(office: Office) -> None:
    office.sandbox.workspace.regroup("S0AGENTS", ["U0ANA"])
    await office.sandbox.quiet()

    assert office.desk.rosters
    assert set(office.desk.rosters) == {"slack"}


async def test_our_own_messages_are_not_answered(office: Office) -> None:
    await office.post(waiting(summary="@signoff <@U0SIGNOFF>"))
    await office.sandbox.quiet()

    assert office.desk.presses == []
    assert all(delivered.status == 200 for delivered in office.sandbox.deliveries())
