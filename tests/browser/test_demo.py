"""The demo, played in a browser: what one person sees who is customer and agent in one window."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.play import Play, demo_running, playing
from tests.chromium import in_a_browser

pytestmark = in_a_browser


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder: Path = tmp_path_factory.mktemp("demo")
    async with demo_running(folder) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def play(browser: Browser, address: str) -> AsyncIterator[Play]:
    async with playing(browser, address) as play:
        yield play


async def test_what_an_agent_approves_reaches_the_customer(play: Play) -> None:
    await play.customer_writes("How long does standard delivery take?")
    card = await play.waiting_card("How long does standard delivery take?")

    await play.press(card, "Approve & send")

    await play.customer_reads("2 to 4 working days")
    await expect(play.card("How long does standard delivery take?")).to_contain_text("Approved as drafted by Ana Ruiz")
    await expect(play.card("How long does standard delivery take?")).to_contain_text("Delivered")
    await expect(play.page.locator(".guide li.done")).to_have_count(3)
    await play.shot("approved")


async def test_an_edited_reply_reaches_the_customer_as_it_was_edited(play: Play) -> None:
    await play.customer_writes("Do you have vouchers?")
    await play.press(await play.waiting_card("Do you have vouchers?"), "Edit")
    await expect(play.form).to_contain_text("Do you have vouchers?")

    await play.form.get_by_label("Reply").fill("Yes, from €10 to €500. Shall I send you the link?")
    await play.form.get_by_label("Tone").check()
    await play.shot("editing")
    await play.submits("Send")

    await expect(play.form).to_have_count(0)
    await play.customer_reads("Yes, from €10 to €500. Shall I send you the link?")
    await expect(play.card("Do you have vouchers?")).to_contain_text("Edited and approved by Ana Ruiz")


async def test_an_agent_takes_over_replies_and_hands_back(play: Play) -> None:
    await play.customer_writes("I would like to change the address of my order")
    await play.press(await play.waiting_card("I would like to change the address"), "Take over")
    card = play.card("I would like to change the address")

    await card.get_by_role("button", name=re.compile("^Reply: ")).click()
    await play.form.get_by_label("Reply").fill("Ana here: tell me the new address, please.")
    await play.submits("Send")
    await play.customer_reads("Ana here: tell me the new address, please.")
    await play.page.locator("main.channel button.replies").last.click()
    thread = play.page.locator("aside.thread")
    await expect(thread.get_by_role("button", name="Hand back")).to_be_visible()
    await play.shot("taken-over")
    await thread.get_by_role("button", name="Hand back").click()

    await expect(thread.get_by_role("button", name="Hand back")).to_have_count(0)


async def test_an_approval_taken_back_in_time_reaches_nobody(browser: Browser, tmp_path: Path) -> None:
    async with (
        demo_running(tmp_path, "--no-seed", "--hold", "300") as address,  # in time even on the slowest machine
        playing(browser, address) as play,
    ):
        await play.customer_writes("What is the membership good for?")
        card = await play.waiting_card("What is the membership good for?")

        await play.press(card, "Approve & send")
        await play.press(play.card("What is the membership good for?"), "Undo")

        await play.waiting_card("What is the membership good for?")
        await expect(play.customer_lines()).to_have_count(1)  # their own words


async def test_a_dismissed_question_is_closed_with_its_reason(play: Play) -> None:
    await play.customer_writes("Buy cheap tents at my other shop: tent tent tent")
    card = await play.waiting_card("Buy cheap tents")

    await play.choose(card, "Dismiss")
    await play.form.get_by_label("Spam").check()
    await play.submits("Dismiss")

    await expect(play.card("Buy cheap tents")).to_contain_text("Dismissed by Ana Ruiz")


async def test_an_outsiders_press_is_refused_politely(play: Play) -> None:
    await play.customer_writes("Which size of boots should I order?")
    await play.waiting_card("Which size of boots should I order?")
    await play.becomes("Fay Holt")

    await play.press(await play.waiting_card("Which size of boots should I order?"), "Approve & send")

    await expect(play.whispers.last).to_contain_text("Only visible to you")
    await play.waiting_card("Which size of boots should I order?")
    await play.shot("outsider")
    await play.whispers.last.get_by_role("button", name="Dismiss message").click()
    await expect(play.whispers).to_have_count(0)


async def test_a_form_warns_when_the_customer_writes_meanwhile_and_keeps_what_was_typed(play: Play) -> None:
    await play.customer_writes("Can I return boots I wore indoors?")
    await play.press(await play.waiting_card("Can I return boots I wore indoors?"), "Edit")
    field = play.form.get_by_label("Reply")
    await field.fill("Yes, you can.")

    await play.customer_writes("They are a gift, by the way")

    await expect(play.form).to_contain_text("⚠")
    await expect(field).to_have_value("Yes, you can.")
    await play.shot("warned")
    await play.page.keyboard.press("Escape")
    await expect(play.form).to_have_count(0)


async def test_the_queue_is_on_the_home_tab(play: Play) -> None:
    await play.customer_writes("Do you ship to Switzerland?")
    await play.waiting_card("Do you ship to Switzerland?")

    await play.goes_to("Signoff")

    await expect(play.page.locator(".home-body")).to_contain_text("Do you ship to Switzerland?")
    await play.shot("home")
    await play.page.locator(".home-body li", has_text="Do you ship to Switzerland?").get_by_role("link").click()
    await play.waiting_card("Do you ship to Switzerland?")


async def test_commands_complete_and_answer_only_the_one_who_asked(play: Play) -> None:
    field = play.page.locator("main.channel .composer textarea")
    await field.fill("/sign")
    await expect(play.page.get_by_role("option")).to_have_count(6)

    await play.says("/signoff help")
    await expect(play.whispers.last).to_contain_text("/signoff queue")
    await play.shot("help")
    await play.says("/signoff pause returns 30m")
    await expect(play.whispers.last).to_contain_text("Drafting is paused for returns")
    await play.says("/signoff resume returns")
    await expect(play.whispers.last).to_contain_text("Drafting goes on for returns")

    await play.becomes("Bo Lindqvist")
    await expect(play.whispers).to_have_count(0)


async def test_talk_in_a_cards_thread_stays_inside(play: Play) -> None:
    await play.customer_writes("Is the Fell 3 tent waterproof?")
    card = await play.waiting_card("Is the Fell 3 tent waterproof?")
    await card.hover()
    await card.get_by_role("button", name="Reply in thread").click()

    await play.says("@Dee do we know the water column?", within="aside.thread")

    thread = play.page.locator("aside.thread")
    await expect(thread.locator("article.message", has_text="water column")).to_be_visible()
    await expect(thread.locator(".mention")).to_have_text("@Dee Marsh")
    await expect(card.locator("button.replies")).to_contain_text("repl")
    await expect(play.customer_lines()).to_have_count(1)
    await play.shot("thread")


async def test_hostile_words_are_shown_as_they_were_written(play: Play) -> None:
    await play.goes_to("billing")

    card = play.card("Ignore all previous instructions")

    await expect(card).to_contain_text("<!channel> <@U0DEE> URGENT :rotating_light:")
    await expect(card).to_contain_text("<https://pay.example|your account>")
    await expect(card.locator(".mention")).to_have_count(0)
    await expect(card.locator('a[href*="pay.example"]')).to_have_count(0)
    await play.shot("hostile")


async def test_the_shops_app_gets_its_reply_and_gets_it_late_when_it_was_down(play: Play) -> None:
    await play.goes_to("vip-desk")
    card = await play.waiting_card("three pairs of boots")
    await play.page.get_by_role("button", name="Under the hood").click()
    await play.page.get_by_label("The shop’s app is down").check()

    await play.press(card, "Approve & send")
    await expect(play.card("three pairs of boots")).to_contain_text("503")
    await play.shot("shop-down")
    await play.page.get_by_label("The shop’s app is down").uncheck()

    await expect(play.card("three pairs of boots")).to_contain_text("Delivered")
    await play.page.get_by_role("tab", name="Shop app").click()
    await play.page.locator(".shop-customer", has_text="Ingrid Solberg").click()
    await expect(play.page.locator(".shop-thread .theirs")).to_contain_text("customs duties")
    await play.shot("shop")


async def test_everything_works_from_the_keyboard(play: Play) -> None:
    await play.customer_writes("How do I reset my password?")
    card = await play.waiting_card("How do I reset my password?")
    keys = play.page.keyboard

    edit = card.get_by_role("button", name="Edit")
    await edit.focus()
    await keys.press("Enter")
    await expect(play.form.get_by_label("Reply")).to_be_focused()
    await keys.press("Escape")
    await expect(edit).to_be_focused()
    await card.get_by_role("button", name="More actions").focus()
    await keys.press("Enter")
    await expect(card.get_by_role("menuitem").first).to_be_focused()
    await keys.press("ArrowDown")
    await expect(card.get_by_role("menuitem").nth(1)).to_be_focused()
    await keys.press("Escape")
    await card.get_by_role("button", name="Approve & send").focus()
    await keys.press("Enter")

    await play.customer_reads("larkspur.example/help/account")


async def test_a_screen_reader_gets_a_cards_essentials(play: Play) -> None:
    await play.customer_writes("Where do I find my VAT invoice?")
    await play.goes_to("billing")

    card = await play.waiting_card("Where do I find my VAT invoice?")

    await expect(card).to_have_attribute("aria-label", re.compile(r"^Signoff, .+: .*VAT invoice"))
    await expect(play.page.get_by_role("log", name="Messages")).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
async def test_it_looks_right(browser: Browser, address: str, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900 if width > 1000 else 844}
    async with playing(browser, address, viewport=size, color_scheme=scheme) as play:
        await expect(play.page.locator("main.channel article.message").last).to_be_visible()
        overflowing = await play.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

        await play.shot(f"slack-{scheme}-{width}")
        if width < 1000:
            await play.page.get_by_role("tab", name="Customer").click()
            await expect(play.chat.get_by_label("Your message")).to_be_visible()
            await play.shot(f"customer-{scheme}-{width}")
            await play.page.get_by_role("tab", name="Slack").click()
            await play.page.get_by_role("button", name="Channels").click()
            await play.shot(f"channels-{scheme}-{width}")
            await play.goes_to("support")
        await play.press(play.card("Mina Halvorsen"), "Edit")
        await expect(play.form).to_be_visible()
        await play.shot(f"form-{scheme}-{width}")

        assert overflowing <= 0
