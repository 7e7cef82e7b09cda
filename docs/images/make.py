"""The README's pictures, taken from the running demo: `python -m docs.images.make` in the project's folder."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.play import demo_running, playing
from tests.chromium import CHROMIUM, NO_CHROMIUM, chromium

HERE = Path(__file__).parent


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with demo_running(Path(folder)) as address, chromium() as browser:
            await card(browser, address)
            await window(browser, address)
    for name in ("card.png", "demo.png"):
        print(f"{HERE / name}: {(HERE / name).stat().st_size // 1000} kB")


async def card(browser: Browser, address: str) -> None:
    """One waiting card, sharp on any screen."""
    async with playing(browser, address, viewport={"width": 1200, "height": 1400}, device_scale_factor=2) as play:
        waiting = await play.waiting_card("The tracking of my parcel")
        await play.page.mouse.move(0, 0)
        await waiting.screenshot(path=HERE / "card.png", animations="disabled")


async def window(browser: Browser, address: str) -> None:
    """The whole page, with a customer's question and its card."""
    async with playing(browser, address, viewport={"width": 1360, "height": 850}, device_scale_factor=1.5) as play:
        await play.chat.get_by_text("Add your name and e-mail").click()
        await play.chat.get_by_label("Your name").fill("Ada Kern")
        await play.customer_writes("Hello! How long does standard delivery take?")
        card = await play.waiting_card("How long does standard delivery take?")
        await expect(card).to_contain_text("Sources")
        await play.page.mouse.move(0, 0)
        await play.page.screenshot(path=HERE / "demo.png", animations="disabled")


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit(NO_CHROMIUM)
    asyncio.run(main())
