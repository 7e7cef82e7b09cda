"""The shop's own app: it signs what it sends, checks what it takes, and takes each reply once."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest
import standardwebhooks
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.company.shop import NotTaken, Shop
from bot.sandbox.company.waiting import WAITING
from tests.patience import PATIENCE_SECONDS
from tests.serving import serve

SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
MINA = WAITING[0]


@pytest.fixture
def shop() -> Shop:
    return Shop(SECRET, lambda: datetime.now(UTC))


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=[shop.reply_route(), *shop.page_routes()])
    async with serve(app) as address, httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
        yield client


def reply(secret: str = SECRET, **more: object) -> tuple[bytes, dict[str, str]]:
    told = {"id": "msg_1", "conversation": MINA.conversation, "text": "It comes today.", "author": "Ana Ruiz", **more}
    body = json.dumps(told)
    at = datetime.now(UTC)
    signature = standardwebhooks.Webhook(secret).sign("msg_1", at, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    return body.encode(), headers


async def test_a_reply_is_taken_once_however_often_it_comes(shop: Shop, http: httpx2.AsyncClient) -> None:
    body, headers = reply()

    for _ in range(2):
        answer = await http.post("/shop/replies", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"id": "msg_1"})

    assert [line.text for line in shop.lines[MINA.conversation]] == ["It comes today."]


async def test_a_reply_signed_with_another_secret_is_refused(shop: Shop, http: httpx2.AsyncClient) -> None:
    body, headers = reply(f"whsec_{base64.b64encode(b'x' * 32).decode()}")

    answer = await http.post("/shop/replies", content=body, headers=headers)

    assert answer.status_code == 401
    assert shop.lines == {}


async def test_while_it_is_down_it_takes_nothing(shop: Shop, http: httpx2.AsyncClient) -> None:
    await http.post("/demo/shop/down", json={"down": True})
    body, headers = reply()

    answer = await http.post("/shop/replies", content=body, headers=headers)

    assert answer.status_code == 503
    assert shop.lines == {}


async def test_every_waiting_customer_writes_signed_and_in_order(shop: Shop) -> None:
    taken: list[tuple[str, str]] = []

    async def inbox(request: Request) -> Response:
        told = standardwebhooks.Webhook(SECRET).verify(await request.body(), dict(request.headers))
        taken.append((told["customer"]["name"], told["text"]))
        return Response(status_code=202)

    async with serve(Starlette(routes=[Route("/in", inbox, methods=["POST"])])) as address:
        shop.inbox = f"{address}/in"
        await shop.begin()

    assert taken == [(customer.name, text) for customer in WAITING for text in customer.writes]


async def test_words_that_were_not_taken_are_not_shown_as_sent(shop: Shop, http: httpx2.AsyncClient) -> None:
    shop.inbox = "http://127.0.0.1:9/nobody"

    answer = await http.post("/demo/shop/say", json={"conversation": MINA.conversation, "text": "Hello?"})

    assert answer.json()["ok"] is False
    assert shop.lines == {}
    with pytest.raises(NotTaken):
        await shop.say(MINA, "Hello?")


async def test_the_page_of_another_site_may_not_write_as_a_customer(http: httpx2.AsyncClient) -> None:
    answer = await http.post(
        "/demo/shop/say",
        json={"conversation": MINA.conversation, "text": "Hi"},
        headers={"origin": "https://elsewhere.example"},
    )

    assert answer.status_code == 403


def test_the_waiting_customers_are_of_many_kinds() -> None:
    texts = [text for customer in WAITING for text in customer.writes]

    assert max(map(len, texts)) > 3000
    assert any(customer.tier == "vip" for customer in WAITING)
    assert any("<!channel>" in text for text in texts)
    assert any(len(customer.writes) == 3 for customer in WAITING)
