"""The demo as a process of its own, and one browser window in which a test plays everybody."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Browser, BrowserContext, FrameLocator, Locator, Page, expect

from tests.patience import PATIENCE_SECONDS
from tests.serving import free_port

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "artefacts" / "browser"
PEOPLE = ("U0ANA", "U0BO", "U0CY", "U0DEE", "U0ELI", "U0FAY")


@asynccontextmanager
async def demo_running(folder: Path, *arguments: str) -> AsyncIterator[str]:
    """`python -m bot demo` in `folder`, on free ports; yields its address once it answers. Ctrl-C ends it."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", str(port), *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = b""
    try:
        address = f"http://127.0.0.1:{port}"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while address.encode() not in said:
                line = await process.stdout.readline()
                said += line
                assert line, f"the demo did not start: {said.decode()}"
        rest = asyncio.create_task(process.stdout.read())
        yield address
    finally:
        if process.returncode is None:
            process.send_signal(2)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.wait()
    said += await rest
    assert process.returncode == 0, said.decode()
    assert b"Traceback" not in said, said.decode()


class Play:
    """One window: the customer on the left, Slack on the right."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("dialog", lambda dialog: self.problems.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda request: self._leaving(request.url))

    def _note(self, kind: str, words: str) -> None:
        if kind == "error":
            self.problems.append(words)

    def _leaving(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.problems.append(f"asked for {url}")

    async def opens(self) -> None:
        await self.page.goto(self.address)
        await expect(self.page.locator(".who")).to_contain_text("You are")

    # -- the customer --------------------------------------------------------------------------------------------

    @property
    def chat(self) -> FrameLocator:
        return self.page.frame_locator("iframe.chat")

    async def customer_writes(self, text: str) -> None:
        await self.chat.get_by_label("Your message").fill(text)
        await self.chat.get_by_role("button", name="Send", exact=True).click()

    async def customer_reads(self, text: str) -> None:
        """Wait until the customer's page shows it."""
        await expect(self.chat.locator(".line .text", has_text=text)).to_be_visible()

    def customer_lines(self) -> Locator:
        return self.chat.locator(".line .text")

    # -- the agent -----------------------------------------------------------------------------------------------

    async def becomes(self, name: str) -> None:
        await self.page.locator(".who").click()
        await self.page.get_by_role("menuitemradio", name=name).click()
        await expect(self.page.locator(".who")).to_contain_text(name)

    async def goes_to(self, name: str) -> None:
        await self.page.locator(".sidebar .nav", has_text=name).click()

    def card(self, words: str, *, within: str = "main.channel") -> Locator:
        """The newest message that holds these words."""
        return self.page.locator(f"{within} article.message", has_text=words).last

    async def waiting_card(self, words: str) -> Locator:
        """The newest card with these words, once somebody may approve it."""
        card = self.card(words)
        await expect(card.get_by_role("button", name="Approve & send")).to_be_visible()
        return card

    async def press(self, card: Locator, name: str) -> None:
        await card.get_by_role("button", name=name).click()

    async def choose(self, card: Locator, name: str) -> None:
        """From the card's menu."""
        await card.get_by_role("button", name="More actions").click()
        await card.get_by_role("menuitem", name=name).click()

    @property
    def form(self) -> Locator:
        return self.page.get_by_role("dialog")

    async def submits(self, name: str) -> None:
        await self.form.get_by_role("button", name=name, exact=True).click()

    async def says(self, text: str, *, within: str = "main.channel") -> None:
        field = self.page.locator(f"{within} .composer textarea")
        await field.fill(text)
        await field.press("Enter")

    @property
    def whispers(self) -> Locator:
        return self.page.locator("article.message.ephemeral")

    async def shot(self, name: str, of: Locator | None = None) -> None:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await (of or self.page).screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


@asynccontextmanager
async def playing(browser: Browser, address: str, **context: Any) -> AsyncIterator[Play]:
    """A fresh window, wide and light unless told otherwise. Afterwards no form is open, and nothing went wrong."""
    window: BrowserContext = await browser.new_context(
        **{"viewport": {"width": 1440, "height": 900}, "color_scheme": "light", "reduced_motion": "reduce"} | context
    )
    window.set_default_timeout(PATIENCE_SECONDS * 1000)
    play = Play(await window.new_page(), address)
    try:
        await play.opens()
        yield play
    finally:
        await window.close()
        await _close_forms(address)
    assert play.problems == []


async def _close_forms(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
        for person in PEOPLE:
            state = (await client.get("/sandbox/state", params={"as": person})).json()
            for _ in state["views"]:
                await client.post("/sandbox/close", json={"as": person})
