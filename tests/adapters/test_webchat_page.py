"""The web chat as a customer meets it: the page in a headless Chromium, the channel over real HTTP."""

import asyncio
import pathlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from adapters.base import Attachment, Line, Reply
from adapters.webchat import WebChat, vouch
from adapters.webchat.allowances import Allowance
from tests.adapters.contract import Inbox
from tests.chromium import chromium, in_a_browser
from tests.clock import NOON, Clock
from tests.patience import PATIENCE_SECONDS
from tests.serving import app_of, free_port, serve, until

ARTEFACTS = pathlib.Path(__file__).resolve().parents[2] / "artefacts" / "webchat"
SECRET = "a secret of the tests, long enough"
UNLIMITED = Allowance(burst=1_000_000, per_minute=1_000_000)
SITE_PAGE = """<!doctype html><html lang="en"><head><title>A site</title>
<meta http-equiv="content-security-policy" content="script-src {chat}; style-src 'none'; connect-src {chat}">
</head><body><h1>A site of its own</h1><input aria-label="search">
<script src="{chat}/channels/webchat/widget.js" async data-title="Our help" data-colour="#ffd23f" data-position="left"
 data-identity="{identity}"></script></body></html>"""

pytestmark = in_a_browser


class Visit:
    """One customer with one browser window, and the team at the other end."""

    def __init__(self, address: str, adapter: WebChat, inbox: Inbox, clock: Clock, context: BrowserContext) -> None:
        self.address = address
        self.adapter = adapter
        self.inbox = inbox
        self.clock = clock
        self.context = context
        self.page: Page
        self.problems: list[str] = []

    @property
    def url(self) -> str:
        return f"{self.address}/channels/webchat/"

    async def opens(self, url: str | None = None) -> Page:
        self.page = await self.context.new_page()
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        await self.page.goto(url or self.url)
        return self.page

    def _note(self, kind: str, words: str) -> None:
        if kind == "error" and "Failed to load resource" not in words:
            self.problems.append(words)

    async def writes(self, text: str) -> None:
        await self.page.get_by_label("Your message").fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    async def heard(self, count: int) -> list[str]:
        """What arrived at the team's end, once `count` messages have."""
        await until(lambda: len(self.inbox.received) >= count)
        return [each.text for each in self.inbox.received]

    async def team_says(self, text: str, *, author: str = "Bo Lindqvist") -> Reply:
        reply = self.inbox.answer(self.inbox.received[-1].thread, text, author=author, at=NOON + timedelta(minutes=5))
        await self.adapter.send(reply)
        return reply

    @property
    def texts(self) -> Any:
        return self.page.locator(".line .text")

    async def shot(self, name: str) -> None:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


@asynccontextmanager
async def visiting(browser: Browser, *, chat: dict[str, Any] | None = None, **context: Any) -> AsyncIterator[Visit]:
    inbox, clock = Inbox(), Clock()
    settings: dict[str, Any] = {"per_visitor": UNLIMITED, "per_address": UNLIMITED, "reread_seconds": 0.5}
    async with AsyncExitStack() as stack:
        adapter = WebChat(
            name="webchat",
            title="Web chat",
            receive=inbox.receive,
            transcript=inbox.transcript,
            secret=SECRET,
            clock=clock,
            **{**settings, **(chat or {})},
        )
        address = await stack.enter_async_context(serve(app_of(adapter), hang_up=adapter.close))
        window = await browser.new_context(locale="en-GB", timezone_id="Europe/London", **context)
        window.set_default_timeout(PATIENCE_SECONDS * 1000)
        stack.push_async_callback(window.close)
        visit = Visit(address, adapter, inbox, clock, window)
        yield visit
        assert visit.problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser) as visited:
        yield visited


async def test_a_customer_writes_and_the_reply_appears_live(visit: Visit) -> None:
    page = await visit.opens()
    await expect(page.locator("header").get_by_text("A person checks every one.")).to_be_visible()
    await expect(page.get_by_text("How can we help?")).to_be_visible()

    await visit.writes("Where is my order?")
    assert await visit.heard(1) == ["Where is my order?"]
    await expect(page.get_by_role("status")).to_contain_text("A person checks every reply")
    await visit.team_says("It ships <b>today</b>.\nTrack it: https://larkspur.example/t?a=1&b=2.")

    await expect(visit.texts).to_have_text(
        ["Where is my order?", "It ships <b>today</b>.\nTrack it: https://larkspur.example/t?a=1&b=2."]
    )
    await expect(page.get_by_text("Bo Lindqvist")).to_be_visible()
    link = page.get_by_role("link", name="https://larkspur.example/t?a=1&b=2")
    assert await link.get_attribute("href") == "https://larkspur.example/t?a=1&b=2"
    assert "noopener" in (await link.get_attribute("rel") or "")


async def test_what_is_said_about_a_message_stays_when_the_live_line_opens_after_it(visit: Visit) -> None:
    may_open = asyncio.Event()

    async def later(route: Route) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await may_open.wait()
        await route.continue_()

    await visit.context.route("**/stream?*", later)
    page = await visit.opens()
    await visit.writes("Where is my order?")
    await expect(page.get_by_role("status")).to_contain_text("A person checks every reply")

    async with page.expect_response("**/stream?*") as opened:
        may_open.set()
    assert (await opened.value).ok
    await page.evaluate("new Promise((soon) => setTimeout(soon))")  # what the page does with that, it has done

    await expect(page.get_by_role("status")).to_contain_text("A person checks every reply")


async def test_name_and_email_are_sent_when_the_customer_gives_them(visit: Visit) -> None:
    page = await visit.opens()
    await page.get_by_text("Add your name").click()
    await page.get_by_label("Your name").fill("Mina Okafor")
    await page.get_by_label("Your e-mail").fill("mina@larkspur.example")

    await visit.writes("Hello")
    await visit.heard(1)

    sender = visit.inbox.received[0].sender
    assert (sender.name, sender.email, sender.tier) == ("Mina Okafor", "mina@larkspur.example", None)


async def test_a_reload_keeps_conversation_and_draft(visit: Visit) -> None:
    page = await visit.opens()
    await visit.writes("Where is my order?")
    await visit.heard(1)
    await visit.team_says("It ships today.")
    await expect(visit.texts).to_have_count(2)
    await page.get_by_label("Your message").fill("And one more thi")

    await page.reload()

    await expect(visit.texts).to_have_text(["Where is my order?", "It ships today."])
    await expect(page.get_by_label("Your message")).to_have_value("And one more thi")
    await visit.writes("Thanks")
    await visit.heard(2)
    assert len({each.sender.external_id for each in visit.inbox.received}) == 1


async def test_what_is_written_offline_waits_and_goes_out_once_in_order(visit: Visit) -> None:
    page = await visit.opens()
    await visit.writes("One")
    await visit.heard(1)
    await visit.context.set_offline(True)
    await expect(page.get_by_role("status")).to_contain_text("You are offline")

    await visit.writes("Two")
    await visit.writes("Three")
    await expect(page.get_by_text("Not sent yet.")).to_be_visible()
    await visit.shot("offline")
    await visit.team_says("A reply that came meanwhile")
    await visit.context.set_offline(False)

    assert await visit.heard(3) == ["One", "Two", "Three"]
    await expect(visit.texts).to_have_text(["One", "A reply that came meanwhile", "Two", "Three"])
    await expect(page.locator(".unsent")).to_have_count(0)


async def test_unsent_words_survive_a_reload(visit: Visit) -> None:
    page = await visit.opens()
    await visit.writes("One")
    await visit.heard(1)
    visit.inbox.down = True
    await visit.writes("Two")
    await expect(page.get_by_text("Not sent yet.")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("nothing you wrote is lost")

    await page.clock.install()
    await page.clock.pause_at(datetime.now(UTC) + timedelta(days=1))  # from now on nothing is tried again by itself
    await page.reload()
    await expect(visit.texts).to_have_text(["Two"])
    await expect(page.get_by_text("Not sent yet.")).to_be_visible()
    visit.inbox.down = False
    await page.get_by_role("button", name="Retry now").click()

    assert await visit.heard(2) == ["One", "Two"]
    await page.clock.resume()
    await expect(visit.texts).to_have_text(["One", "Two"])


async def test_a_lost_answer_does_not_double_the_message(visit: Visit) -> None:
    page = await visit.opens()
    visit.inbox.lost_answers = 2
    await visit.writes("Once only")

    await visit.heard(1)
    await expect(page.get_by_role("status")).to_contain_text("Sent.")
    assert await visit.heard(1) == ["Once only"]
    await expect(visit.texts).to_have_text(["Once only"])
    await page.reload()
    await expect(visit.texts).to_have_text(["Once only"])


async def test_a_server_restart_loses_and_doubles_nothing(browser: Browser) -> None:
    inbox, port = Inbox(), free_port()
    window = await browser.new_context()
    page = await window.new_page()
    for number in (1, 2):
        adapter = WebChat(
            name="webchat",
            title="Web chat",
            receive=inbox.receive,
            transcript=inbox.transcript,
            secret=SECRET,
            clock=Clock(),
        )
        async with serve(app_of(adapter), port=port, hang_up=adapter.close) as address:
            if number == 1:
                await page.goto(f"{address}/channels/webchat/")
            await page.get_by_label("Your message").fill(f"Before stop {number}")
            await page.keyboard.press("Enter")
            await until(lambda count=number: len(inbox.received) >= count * 2 - 1)  # type: ignore[misc]
            if number == 2:
                await expect(page.locator(".line .text")).to_have_count(4)
        inbox.answer(inbox.received[-1].thread, f"Said while down {number}")
        if number == 1:
            await page.get_by_label("Your message").fill("Written while down")
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("Not sent yet.")).to_be_visible()
    texts = await page.locator(".line .text").all_inner_texts()
    await window.close()

    assert sorted(texts) == sorted(["Before stop 1", "Said while down 1", "Written while down", "Before stop 2"])
    assert len(inbox.received) == 3


async def test_everything_works_by_keyboard_alone(visit: Visit) -> None:
    page = await visit.opens()
    launcher = page.get_by_role("button", name=re.compile("Chat with"))
    await page.get_by_label("Your message").focus()

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(launcher).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_label("Your message")).to_be_focused()
    await page.keyboard.type("First line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second line")
    await page.keyboard.press("Enter")

    assert await visit.heard(1) == ["First line\nsecond line"]
    await expect(page.get_by_label("Your message")).to_have_value("")
    await expect(page.get_by_role("button", name="Start a new conversation")).to_be_visible()
    reached = set()
    for _ in range(8):
        await page.keyboard.press("Shift+Tab")
        reached.add(await page.evaluate(_FOCUSED))
    assert {"Close chat", "Start a new conversation", "Conversation"} <= reached


_FOCUSED = """() => { let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute("aria-label") ?? at?.textContent ?? ""; }"""


async def test_what_a_screen_reader_needs_is_there(visit: Visit) -> None:
    page = await visit.opens()

    log = page.get_by_role("log", name="Conversation")
    assert await log.get_attribute("aria-live") == "polite"
    await expect(page.get_by_role("dialog", name="Larkspur Supply")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    unnamed = await page.evaluate(
        """() => { const found = []; const root = document.querySelector("[id^=signoff-chat]").shadowRoot;
        for (const each of root.querySelectorAll("button, input, textarea, a")) {
          const label = each.getAttribute("aria-label") || each.textContent.trim() ||
            root.querySelector(`label[for="${each.id}"]`)?.textContent;
          if (!label) found.push(each.outerHTML); }
        return found; }"""
    )
    assert unnamed == []


async def test_a_closed_chat_counts_new_replies_and_remembers_what_was_read(visit: Visit) -> None:
    page = await visit.opens()
    await visit.writes("Where is my order?")
    await visit.heard(1)
    await page.get_by_role("button", name="Close chat").click()
    await visit.team_says("It ships today.")

    launcher = page.get_by_role("button", name="Chat with Larkspur Supply, 1 new reply")
    await expect(launcher).to_be_visible()
    await visit.shot("unread")
    await launcher.click()
    await expect(page.get_by_text("It ships today.")).to_be_visible()
    await page.get_by_role("button", name="Close chat").click()
    await expect(page.get_by_role("button", name="Chat with Larkspur Supply", exact=True)).to_be_visible()


async def test_a_new_conversation_is_another_thread_and_the_old_one_stays_in_view(visit: Visit) -> None:
    page = await visit.opens()
    await visit.writes("About my tent")
    await visit.heard(1)

    await page.get_by_role("button", name="Start a new conversation").click()
    await visit.writes("About my boots")
    await visit.heard(2)

    first, second = (each.thread for each in visit.inbox.received)
    assert first != second
    await expect(visit.texts).to_have_text(["About my tent", "About my boots"])
    await expect(page.get_by_text("New conversation ·")).to_be_visible()
    await page.reload()
    await expect(visit.texts).to_have_text(["About my tent", "About my boots"])


async def test_markup_and_hostile_links_are_drawn_as_text(visit: Visit) -> None:
    page = await visit.opens()
    hostile = "<img src=x onerror=\"document.title='gone'\"><script>document.title='gone'</script> javascript:alert(1)"
    await visit.writes(hostile)
    await visit.heard(1)
    thread = visit.inbox.received[0].thread
    visit.inbox.lines[thread].append(
        Line(
            id="msg_hostile",
            sequence=2,
            outgoing=True,
            author="<b>Bo</b>\u202e",
            text=hostile,
            attachments=(
                Attachment(name="<i>door.jpg</i>", url="https://files.larkspur.example/door.jpg"),
                Attachment(name="bad", url="javascript:document.title='gone'"),
            ),
            at=NOON,
        )
    )

    await expect(visit.texts).to_have_text([hostile, hostile])
    await expect(page.get_by_role("link", name="<i>door.jpg</i>")).to_be_visible()
    await expect(page.get_by_role("link", name="bad")).to_have_count(0)
    assert "gone" not in await page.title()
    assert await page.locator(".log img, .log script, .log b, .log i").count() == 0


async def test_too_many_messages_wait_politely(browser: Browser) -> None:
    limits = {"per_visitor": Allowance(burst=1, per_minute=60)}
    async with visiting(browser, chat=limits) as visit:
        page = await visit.opens()
        await visit.writes("One")
        await visit.heard(1)
        await visit.writes("Two")

        await expect(page.get_by_role("status")).to_contain_text("Sending goes on in")
        await expect(visit.texts).to_have_text(["One", "Two"])


async def test_a_message_that_is_refused_says_so_and_can_be_discarded(visit: Visit) -> None:
    page = await visit.opens()
    await page.get_by_text("Add your name").click()
    await page.get_by_label("Your name").evaluate("field => { field.value = 'x'.repeat(500) }")

    await visit.writes("Hello")

    await expect(page.get_by_text("Not sent: The body does not have")).to_be_visible()
    await page.get_by_role("button", name="Discard").click()
    await expect(visit.texts).to_have_count(0)
    await expect(page.get_by_text("How can we help?")).to_be_visible()


async def test_an_expired_chat_begins_anew_and_says_so(visit: Visit) -> None:
    page = await visit.opens()
    await visit.writes("A month ago")
    await visit.heard(1)
    visit.clock.now += timedelta(days=31)

    await visit.writes("Today")

    await visit.heard(2)
    await expect(visit.texts).to_have_text(["Today"])
    old, new = (each.sender.external_id for each in visit.inbox.received)
    assert old != new
    await expect(page.locator(".unsent")).to_have_count(0)


async def test_two_windows_of_one_customer_show_the_same(visit: Visit) -> None:
    first = await visit.opens()
    await visit.writes("From the first window")
    await visit.heard(1)
    second = await visit.opens()
    await expect(second.locator(".line .text")).to_have_text(["From the first window"])
    await visit.writes("From the second")

    await expect(first.locator(".line .text")).to_have_text(["From the first window", "From the second"])
    assert len({each.thread for each in visit.inbox.received}) == 1


async def test_another_site_embeds_it_with_one_line_and_vouches_for_its_customer(browser: Browser) -> None:
    site = FastAPI()
    page_of: dict[str, str] = {}

    @site.get("/")
    async def shop() -> HTMLResponse:
        return HTMLResponse(page_of["html"])

    async with (
        serve(site) as site_address,
        visiting(browser, chat={"allowed_origins": [site_address]}) as visit,
    ):
        visit.clock.now = datetime.now(UTC)  # `vouch` runs at the site, by the site's own clock
        identity = vouch(SECRET, id="c-1009", name="Mina Okafor", tier="vip")
        page_of["html"] = SITE_PAGE.format(chat=visit.address, identity=identity)
        page = await visit.opens(site_address)
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.get_by_role("button", name="Chat with Our help").click()
        await expect(page.get_by_text("Add your name")).to_be_hidden()
        await visit.writes("Hello from the site")
        await visit.heard(1)
        await visit.team_says("Hello Mina.")
        await expect(page.get_by_text("Hello Mina.")).to_be_visible()
        await visit.shot("embedded-left-yellow")

        sender = visit.inbox.received[0].sender
        assert (sender.external_id, sender.name, sender.tier) == ("u_c-1009", "Mina Okafor", "vip")

        page_of["html"] = SITE_PAGE.format(chat=visit.address, identity="")
        await page.reload()  # logged out: the next person at this computer sees nothing of it
        await expect(page.get_by_text("How can we help?")).to_be_visible()
        await expect(visit.texts).to_have_count(0)


async def test_the_token_is_in_no_address(visit: Visit) -> None:
    page = await visit.opens()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    await visit.writes("Hello")
    await visit.heard(1)
    await page.reload()
    await expect(visit.texts).to_have_text(["Hello"])

    token = await page.evaluate("() => JSON.parse(localStorage.getItem('signoff /channels/webchat/ session')).token")
    assert any("/stream" in url for url in seen)
    assert not any(token[:20] in url for url in seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 640)])
async def test_it_fits_and_can_be_read(browser: Browser, scheme: str, width: int, height: int) -> None:
    look: dict[str, Any] = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    async with visiting(browser, **look) as visit:
        page = await visit.opens()
        await expect(page.get_by_text("How can we help?")).to_be_visible()
        await visit.shot(f"empty-{scheme}-{width}")
        await visit.writes("Hi, my parcel says delivered but nothing is here. Order 4711, to Leeds.")
        await visit.heard(1)
        await visit.team_says(
            "Sorry about that, Mina. The courier's photo shows a green door with a brass 12.\n\n"
            "Is that yours? If not, we send a new one today: https://larkspur.example/replacements/4711"
        )
        await expect(visit.texts).to_have_count(2)
        await visit.writes("averylongwordwithoutanyspaces" * 6)
        await visit.heard(2)
        await expect(page.locator(".unsent")).to_have_count(0)
        await visit.shot(f"talk-{scheme}-{width}")

        overflow = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        spills = await page.locator(".log").evaluate("log => log.scrollWidth - log.clientWidth")
        contrasts = await page.evaluate(_CONTRASTS)

    assert overflow <= 0
    assert spills <= 0
    assert [each for each in contrasts if each["ratio"] < 4.5] == []


async def test_it_still_works_with_text_twice_as_large() -> None:
    async with (
        chromium("--blink-settings=defaultFontSize=32") as large,
        visiting(large, viewport={"width": 640, "height": 480}) as visit,
    ):
        page = await visit.opens()
        await visit.writes("Where is my order?")
        await visit.heard(1)

        await expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
        await expect(page.get_by_role("button", name="Close chat")).to_be_in_viewport(ratio=1)
        await expect(visit.texts).to_be_in_viewport()
        await visit.shot("text-doubled")


# Contrast of every visible text in the widget against the nearest background behind it (WCAG 2.2).
_CONTRASTS = """() => {
  const root = document.querySelector("[id^=signoff-chat]").shadowRoot;
  const parse = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((c) => { c /= 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const behind = (node) => { for (let at = node; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor); if ((colour[3] ?? 1) > 0) return colour; }
    return [255, 255, 255]; };
  const found = [];
  for (const each of root.querySelectorAll("*")) {
    const own = [...each.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !each.checkVisibility() || each.closest("style")) continue;
    const [one, other] = [light(parse(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => b - a);
    found.push({ text: each.textContent.slice(0, 30), ratio: (one + 0.05) / (other + 0.05) });
  }
  return found; }"""
