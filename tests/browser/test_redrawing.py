"""The page is drawn anew while a person presses and chooses: nothing they do is lost by that."""

import asyncio
import itertools
from typing import Any

from playwright.async_api import Route, expect

from tests.browser.app import Block, Bot, button, option, plain
from tests.browser.play import Play
from tests.chromium import in_a_browser
from tests.patience import PATIENCE_SECONDS

pytestmark = in_a_browser

COLOURS = [option("red"), option("green"), option("blue")]
NEWS: Block = {"type": "section", "text": plain("Some news")}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "block_id": "actions", "elements": list(elements)}


BOXES = actions({"type": "checkboxes", "action_id": "many", "options": COLOURS})
RADIO = actions({"type": "radio_buttons", "action_id": "one", "options": COLOURS})
SELECT = actions({"type": "static_select", "action_id": "pick", "placeholder": plain("Pick one"), "options": COLOURS})
OVERFLOW = actions({"type": "overflow", "action_id": "more", "options": COLOURS})


def chosen(payload: dict[str, Any]) -> list[str]:
    action = payload["actions"][0]
    return [each["value"] for each in action.get("selected_options") or [action["selected_option"]]]


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await event.wait()


async def test_a_box_ticked_before_the_last_one_was_answered_is_told_too(play: Play, bot: Bot) -> None:
    await bot.posts(BOXES)
    card = play.card("Red")

    async with bot.hesitating():
        for name in ("Red", "Blue", "Green"):
            await card.get_by_role("checkbox", name=name).check()
    await bot.sandbox.until(lambda: len(bot.told) == 3)

    assert [chosen(payload) for payload in bot.told] == [["red"], ["red", "blue"], ["red", "green", "blue"]]


async def test_boxes_stay_ticked_when_the_card_is_redrawn_before_the_app_has_answered(play: Play, bot: Bot) -> None:
    posted = await bot.posts(BOXES)
    card = play.card("Red")

    async with bot.hesitating():
        await card.get_by_role("checkbox", name="Red").check()
        await card.get_by_role("checkbox", name="Blue").check()
        await bot.edits(posted, NEWS, BOXES)
        await expect(card).to_contain_text("Some news")
        await expect(card.get_by_role("checkbox", checked=True)).to_have_count(2)
        await card.get_by_role("checkbox", name="Green").check()
    await bot.sandbox.until(lambda: len(bot.told) == 3)

    assert chosen(bot.told[-1]) == ["red", "green", "blue"]
    await expect(card.get_by_role("checkbox", checked=True)).to_have_count(3)


async def test_a_menu_keeps_the_last_of_two_quick_choices(play: Play, bot: Bot) -> None:
    posted = await bot.posts(SELECT)
    card = play.card("Red")
    menu = card.get_by_label("Pick one")

    async with bot.hesitating():
        await menu.select_option("green")
        await menu.select_option("blue")
        await bot.edits(posted, NEWS, SELECT)
        await expect(card).to_contain_text("Some news")
        await expect(menu).to_have_value("blue")
    await bot.sandbox.until(lambda: len(bot.told) == 2)

    assert [chosen(payload) for payload in bot.told] == [["green"], ["blue"]]
    await expect(card.locator("[aria-busy]")).to_have_count(0)
    await expect(menu).to_have_value("blue")


async def test_a_choice_is_not_undone_by_what_was_asked_for_before_it(play: Play, bot: Bot) -> None:
    posted = await bot.posts(RADIO)
    card = play.card("Red")
    await expect(card).to_be_visible()
    asked = [asyncio.Event(), asyncio.Event()]
    answered = [asyncio.Event(), asyncio.Event()]
    number = itertools.count()

    async def slowly(route: Route) -> None:
        response = await route.fetch()
        if (at := next(number)) < len(asked):
            asked[at].set()
            await answered[at].wait()
        await route.fulfill(response=response)

    await play.page.route("**/sandbox/state?*", slowly)
    await bot.edits(posted, NEWS, RADIO)
    await soon(asked[0])
    await card.get_by_role("radio", name="Blue").check()
    await bot.sandbox.until(lambda: len(bot.told) == 1)
    answered[0].set()
    await expect(card).to_contain_text("Some news")
    await soon(asked[1])

    await expect(card.get_by_role("radio", name="Blue")).to_be_checked()

    answered[1].set()
    await expect(card.locator("[aria-busy]")).to_have_count(0)
    await expect(card.get_by_role("radio", name="Blue")).to_be_checked()


async def test_a_choice_is_told_as_the_person_who_made_it(play: Play, bot: Bot) -> None:
    await bot.posts(BOXES)
    card = play.card("Red")

    async with bot.hesitating():
        await card.get_by_role("checkbox", name="Red").check()
        await card.get_by_role("checkbox", name="Blue").check()
        await play.becomes("Bo Lindqvist")
        await expect(card.get_by_role("checkbox", checked=True)).to_have_count(0)
    await bot.sandbox.until(lambda: len(bot.told) == 2)

    assert [payload["user"]["id"] for payload in bot.told] == ["U0ANA", "U0ANA"]


async def test_a_second_press_before_the_answer_is_none(play: Play, bot: Bot) -> None:
    await bot.posts(actions(button("go"), button("stop")))
    card = play.card("Go")

    async with bot.hesitating():
        await play.press(card, "Go")
        await card.get_by_role("button", name="Go").dispatch_event("click")
        await play.press(card, "Stop")
    await bot.sandbox.until(lambda: len(bot.told) == 2)

    assert [payload["actions"][0]["action_id"] for payload in bot.told] == ["go", "stop"]


async def test_an_open_menu_stays_open_when_its_card_is_redrawn(play: Play, bot: Bot) -> None:
    posted = await bot.posts(OVERFLOW)
    card = play.page.locator("main.channel article.message")
    await card.get_by_role("button", name="More actions").click()
    await play.page.keyboard.press("ArrowDown")

    await bot.edits(posted, NEWS, OVERFLOW)
    await expect(card).to_contain_text("Some news")

    await expect(card.get_by_role("menuitem", name="Green")).to_be_focused()
    await card.get_by_role("menuitem", name="Blue").click()
    await bot.sandbox.until(lambda: len(bot.told) == 1)
    assert chosen(bot.told[0]) == ["blue"]


async def test_a_card_is_not_redrawn_between_press_and_release(play: Play, bot: Bot) -> None:
    posted = await bot.posts(actions(button("go")))
    card = play.card("Go")
    await card.get_by_role("button", name="Go").hover()
    await play.page.mouse.down()

    async with play.page.expect_response("**/sandbox/state?*") as told:
        await bot.edits(posted, NEWS, actions(button("go")))
    await (await told.value).finished()
    await play.page.evaluate("new Promise((soon) => setTimeout(soon))")  # whatever it does with that, it has done
    await play.page.mouse.up()

    await bot.sandbox.until(lambda: len(bot.told) == 1)
    await expect(card).to_contain_text("Some news")


async def test_the_form_below_can_be_left_before_the_app_has_heard_of_the_one_above(play: Play, bot: Bot) -> None:
    bot.answer = lambda told: bot.opens(
        told, actions(button("deeper")), title=f"Form {len(bot.told)}", notify_on_close=True
    )
    await bot.posts(actions(button("open")))
    await play.press(play.card("Open"), "Open")
    await play.press(play.form, "Deeper")
    await expect(play.form.get_by_role("heading", name="Form 2")).to_be_visible()

    async with bot.hesitating():
        await play.page.keyboard.press("Escape")
        await expect(play.form.get_by_role("heading", name="Form 1")).to_be_visible()
        await play.page.keyboard.press("Escape")

        await expect(play.form).to_have_count(0)


async def test_focus_returns_to_the_pressed_button_of_a_card_that_was_redrawn_behind_the_form(
    play: Play, bot: Bot
) -> None:
    bot.answer = lambda payload: bot.opens(payload, {"type": "section", "text": plain("A form")})
    posted = await bot.posts(actions(button("open")))
    card = play.card("Open")
    await play.press(card, "Open")
    await expect(play.form).to_be_visible()

    await bot.edits(posted, NEWS, actions(button("open")))
    await expect(card).to_contain_text("Some news")
    await play.page.keyboard.press("Escape")

    await expect(play.form).to_have_count(0)
    await expect(card.get_by_role("button", name="Open")).to_be_focused()


async def test_focus_stays_where_it_is_when_an_older_message_goes(play: Play, bot: Bot) -> None:
    older = await bot.posts(NEWS)
    await bot.posts(actions(button("go")))
    await play.card("Go").get_by_role("button", name="Go").focus()

    await bot.client.chat_delete(channel="C0SUPPORT", ts=older)
    await expect(play.card("Some news")).to_have_count(0)

    await expect(play.card("Go").get_by_role("button", name="Go")).to_be_focused()
