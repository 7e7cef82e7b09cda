"""The web application, over real HTTP."""

import asyncio
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from bot import watch
from bot.edge import BODY_BYTES
from bot.host import AddressTaken, Server, serve, web
from storage.database import Database
from tests.operators.built import Bot, settings
from tests.operators.running import running
from tests.patience import PATIENCE_SECONDS


@asynccontextmanager
async def hosted(bot: Bot) -> AsyncIterator[httpx2.AsyncClient]:
    server = Server(web(bot))
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not server.started:
                assert not task.done(), "it did not start"
                await asyncio.sleep(0.01)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            yield client
    finally:
        server.stop()
        await task


@pytest.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    async with Database(sqlite_url) as opened:
        yield opened


@pytest.fixture
def bot(db: Database) -> Bot:
    return Bot(db)


@pytest.fixture
async def http(bot: Bot) -> AsyncIterator[httpx2.AsyncClient]:
    async with hosted(bot) as client:
        yield client


async def test_the_bot_is_started_and_stopped_with_the_server(bot: Bot) -> None:
    async with hosted(bot) as http:
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        assert bot.life == ["start"]

    assert bot.life == ["start", "stop"]


async def test_it_is_ready_when_every_check_is_fine(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert set(answer.json()["checks"]) == {"database", "schema", "worker"}


async def test_it_is_not_ready_while_a_check_fails_and_says_what_to_do(bot: Bot, http: httpx2.AsyncClient) -> None:
    bot.checks["worker"] = "The worker ended: restart."

    answer = await http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["worker"] == {"ok": False, "remedy": "The worker ended: restart."}
    assert answer.json()["checks"]["database"]["ok"] is True


async def test_slack_being_away_is_told_and_keeps_no_customer_out(bot: Bot, http: httpx2.AsyncClient) -> None:
    bot.hindrances["slack"] = "Slack refuses the token: set SLACK_BOT_TOKEN."

    answer = await http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["surfaces"]["slack"]["remedy"] == "Slack refuses the token: set SLACK_BOT_TOKEN."


async def test_a_database_without_tables_is_not_ready(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'empty.db'}") as db, hosted(Bot(db)) as http:
        answer = await http.get("/readyz")

    assert answer.status_code == 503
    assert "signoff migrate" in answer.json()["checks"]["schema"]["remedy"]


async def test_a_database_that_is_away_is_not_ready_and_metrics_go_on() -> None:
    async with Database("postgresql+psycopg://nobody@127.0.0.1:1/none") as db, hosted(Bot(db)) as http:
        answer = await http.get("/readyz")
        metrics = await http.get("/metrics")

    assert answer.status_code == 503
    assert "DATABASE_URL" in answer.json()["checks"]["database"]["remedy"]
    assert metrics.status_code == 200
    assert "signoff_database_up 0.0" in metrics.text
    assert 'signoff_jobs_done_total{kind="draft"} 3.0' in metrics.text


async def test_a_process_that_stood_still_says_so_once_it_runs_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "SLOW_SECONDS", 5)
    async with hosted(bot) as http:
        assert (await http.get("/readyz")).json()["process"] == {"ok": True, "remedy": None}

        monkeypatch.setattr(watch, "SLOW_SECONDS", 0.2)
        time.sleep(0.3)  # noqa: ASYNC251  # the loop stands still
        await asyncio.sleep(0.05)

        answer = await http.get("/readyz")
        metrics = (await http.get("/metrics")).text
    assert answer.status_code == 200, "it works again"
    assert "stood still" in answer.json()["process"]["remedy"]
    worst = re.search(r"^signoff_loop_lag_worst_seconds (\S+)$", metrics, re.MULTILINE)
    assert worst is not None
    assert float(worst[1]) >= 0.2
    assert "signoff_loop_lag_seconds_bucket" in metrics


async def test_a_check_that_hangs_counts_as_failed(bot: Bot, http: httpx2.AsyncClient) -> None:
    async def never() -> dict[str, str | None]:
        await asyncio.Event().wait()
        return {}

    bot.ready = never  # type: ignore[method-assign]  # a remote that does not answer

    assert (await http.get("/readyz")).status_code == 503


async def test_surfaces_and_channels_have_their_addresses(http: httpx2.AsyncClient) -> None:
    slack = await http.post("/slack/events", content=b"signed bytes, untouched \xff")
    channel = await http.post("/channels/shop/messages", json={"text": "Hello"})

    assert slack.content == b"signed bytes, untouched \xff"
    assert (channel.status_code, channel.json()) == (202, {"characters": 5})


async def test_channels_are_documented(http: httpx2.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    page = await http.get("/docs")

    assert "/channels/shop/messages" in described["paths"]
    assert page.status_code == 200
    assert "Larkspur Supply" in page.text


async def test_pages_load_nothing_from_elsewhere(http: httpx2.AsyncClient) -> None:
    page = await http.get("/docs")

    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)
    assert "http" not in page.headers["content-security-policy"]


async def test_answers_carry_safe_headers_unless_a_route_has_its_own(http: httpx2.AsyncClient) -> None:
    plain = await http.get("/healthz")
    own = await http.get("/channels/shop/own-headers")

    assert plain.headers["x-content-type-options"] == "nosniff"
    assert plain.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in plain.headers
    assert own.headers.get_list("content-security-policy") == ["default-src 'self'"]


async def test_a_body_that_announces_its_size_is_refused_unread(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/channels/shop/raw", content=b"x" * (BODY_BYTES + 1))

    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body is larger than 1,048,576 bytes."


async def test_a_body_without_a_size_is_refused_once_it_is_too_large(http: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    for path in ("/channels/shop/raw", "/slack/events", "/channels/shop/messages"):
        try:
            answer = await http.post(path, content=endless(), headers={"content-type": "application/json"})
        except httpx2.TransportError:
            continue  # the connection ended while we were still sending: a refusal too
        assert answer.status_code == 413


async def test_the_largest_body_is_taken(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/channels/shop/raw", content=b"x" * BODY_BYTES)

    assert answer.text == str(BODY_BYTES)


async def test_an_error_tells_nothing_of_the_inside(http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = await http.post("/channels/shop/broken", json={"text": "Hello"})

    assert answer.status_code == 500
    assert answer.json()["detail"] == "Something went wrong here."
    assert "inner detail" not in answer.text
    assert "an inner detail" in caplog.text


async def test_a_channel_that_meets_no_database_is_asked_to_come_again(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/channels/shop/away")

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "inner detail" not in answer.text


async def test_what_went_wrong_with_the_database_is_counted(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/metrics")

    for kind in ("repeated", "unavailable", "uncertain"):
        assert f'signoff_database_troubles_total{{kind="{kind}"}} 0.0' in answer.text


async def test_an_error_behind_a_surface_tells_as_little(
    http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.post("/slack/events", content=b"break")

    assert answer.status_code == 500
    assert answer.json()["detail"] == "Something went wrong here."
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "an inner detail" in caplog.text


async def test_a_surface_takes_posts_alone(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/slack/events")

    assert answer.status_code == 405


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"text": 1}', b"\xff", b""])
async def test_bad_bodies_get_a_clear_4xx(http: httpx2.AsyncClient, body: bytes) -> None:
    answer = await http.post("/channels/shop/messages", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in (400, 422)


async def test_refusals_are_counted_by_place_and_never_by_a_strangers_path(http: httpx2.AsyncClient) -> None:
    await http.get("/wp-admin/secret-path")
    await http.post("/channels/shop/messages", json={})

    metrics = (await http.get("/metrics")).text

    assert 'signoff_http_refused_total{place="elsewhere",status="404"}' in metrics
    assert 'signoff_http_refused_total{place="/channels/shop",status="422"}' in metrics
    assert "secret-path" not in metrics


async def test_metrics_show_the_desk_and_the_worker(bot: Bot, http: httpx2.AsyncClient) -> None:
    metrics = (await http.get("/metrics")).text

    assert "signoff_database_up 1.0" in metrics
    assert 'signoff_jobs_queued{kind="draft"} 4.0' in metrics
    assert 'signoff_jobs_queued{kind="release"} 0.0' in metrics
    assert 'signoff_jobs_failed{kind="relay"} 1.0' in metrics
    assert 'signoff_jobs_retried_total{kind="relay"} 2.0' in metrics
    assert 'signoff_deliveries{status="failed"} 0.0' in metrics
    assert "signoff_reviews_pending 0.0" in metrics


async def test_scrapers_share_one_look_at_the_database(bot: Bot, http: httpx2.AsyncClient) -> None:
    for _ in range(5):
        await http.get("/metrics")

    assert bot.jobs.looks == 1


async def test_metrics_may_be_kept_behind_a_token(db: Database) -> None:
    async with hosted(Bot(db, known=settings(SIGNOFF_METRICS_TOKEN="let-me-read"))) as http:
        without = await http.get("/metrics")
        wrong = await http.get("/metrics", headers={b"authorization": b"Bearer l\xe4t"})
        right = await http.get("/metrics", headers={"authorization": "Bearer let-me-read"})

    assert [without.status_code, wrong.status_code, right.status_code] == [401, 401, 200]


async def test_a_taken_port_is_told_before_anything_starts(bot: Bot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressTaken, match=f"cannot listen on 127.0.0.1:{port}"):
            await serve(bot, host="127.0.0.1", port=port)

    assert bot.life == []


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_stop_it_finishes_what_is_under_way_and_ends_well(sqlite_url: str, asked: int) -> None:
    with running("tests.operators.built", sqlite_url, "0") as bot:
        async with (
            httpx2.AsyncClient(base_url=bot.address(), timeout=PATIENCE_SECONDS) as http,
            http.stream("GET", "/channels/shop/stream") as stream,
        ):
            lines = stream.aiter_lines()
            assert await anext(lines) == ": open"
            bot.process.send_signal(asked)
            rest = [line async for line in lines]  # the stream is ended for us, not waited out

        assert await asyncio.to_thread(bot.ended) == 0
        assert rest == [""]
        assert bot.said.index("started") < bot.said.index("stopped")
        assert not [line for line in bot.said if '"level": "error"' in line], bot.said


async def test_a_request_under_way_is_answered_before_the_bot_stops(db: Database) -> None:
    bot = Bot(db)
    async with hosted(bot) as http:
        slow = asyncio.create_task(http.get("/channels/shop/slow"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await bot.channel.begun.wait()
        stopping = asyncio.create_task(_stop_after(bot))

        assert (await slow).json() == "finished"
        await stopping


async def _stop_after(bot: Bot) -> None:
    assert bot.life == ["start"]
    bot.channel.release.set()
