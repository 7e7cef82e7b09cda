"""The page draws what Slack would: Block Kit, mrkdwn, modals. Here an app of the test's own speaks to the sandbox."""

from typing import Any

from playwright.async_api import expect
from starlette.responses import JSONResponse, Response

from tests.browser.app import Block, Bot, button, option, plain
from tests.browser.play import Play
from tests.chromium import in_a_browser

pytestmark = in_a_browser

NOON = 1_767_614_400


async def test_mrkdwn_is_drawn_and_escaped_words_stay_words(play: Play, bot: Bot) -> None:
    words = (
        "*bold* _italic_ ~gone~ `co*de*` <https://larkspur.example/a?b=1&amp;c=2|a link> <@U0ANA> <#C0BILLING> "
        "<!here> <!subteam^S0LEADS> &lt;b&gt;not bold&lt;/b&gt; &amp;amp; snake_case_name 2*3*4 "
        "<javascript:alert(1)|no>"
        "\n&gt; quoted\n```pre *raw*```"
    )
    await bot.client.chat_postMessage(channel="C0SUPPORT", text=words)

    card = play.card("bold")

    await expect(card.locator("b:not(.author)")).to_have_text(["bold"])
    await expect(card.locator("i")).to_have_text(["italic"])
    await expect(card.locator("s")).to_have_text(["gone"])
    await expect(card.locator(".text > code")).to_have_text(["co*de*"])
    await expect(card.locator("pre")).to_have_text(["pre *raw*"])
    await expect(card.locator("blockquote")).to_have_text(["quoted"])
    await expect(card.locator("a")).to_have_attribute("href", "https://larkspur.example/a?b=1&c=2")
    await expect(card.locator(".mention")).to_have_text(["@Ana Ruiz", "#billing", "@here", "@support-supervisors"])
    await expect(card).to_contain_text("<b>not bold</b> &amp; snake_case_name 2*3*4 no")


async def test_dates_are_in_the_viewers_zone_and_keep_counting(play: Play, bot: Bot) -> None:
    await bot.posts(
        {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": f"Since <!date^{NOON}^{{date_num}} {{time}}|earlier>"}],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "date", "timestamp": NOON, "format": "{date_short} ({ago})"}],
                }
            ],
        },
    )

    card = play.card("Since")

    await expect(card).to_contain_text("Since 2026-01-05 13:00")
    await expect(card.locator("time[data-format]")).to_contain_text("days ago")


async def test_rich_text_is_drawn_part_by_part_and_never_parsed(play: Play, bot: Bot) -> None:
    def part(kind: str, *runs: Block, **more: Any) -> Block:
        return {"type": kind, "elements": list(runs), **more}

    run = {"type": "text", "text": "<!channel> *no* <script>alert(1)</script>"}
    await bot.posts(
        part(
            "rich_text",
            part("rich_text_section", {"type": "text", "text": "strong", "style": {"bold": True}}, run),
            part("rich_text_quote", run),
            part("rich_text_preformatted", run),
            part("rich_text_list", part("rich_text_section", run), style="ordered", indent=1, offset=2),
            part("rich_text_section", {"type": "link", "url": "https://larkspur.example", "text": "site"}),
            part("rich_text_section", {"type": "user", "user_id": "U0BO"}, {"type": "emoji", "name": "tada"}),
        )
    )

    card = play.card("strong")

    await expect(card.locator("b:not(.author)")).to_have_text(["strong"])
    for place in ("blockquote", "pre", "ol li"):
        await expect(card.locator(place)).to_have_text([run["text"]])
    await expect(card.locator("ol")).to_have_attribute("start", "3")
    await expect(card.locator(".mention")).to_have_text(["@Bo Lindqvist"])
    await expect(card.get_by_role("link", name="site")).to_have_attribute("rel", "noopener noreferrer nofollow")


async def test_every_block_is_drawn_and_an_unknown_one_says_so(play: Play, bot: Bot) -> None:
    await bot.posts(
        {"type": "header", "text": plain("Kinds of blocks")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*Section*"},
            "fields": [plain("one"), plain("two")],
            "accessory": button("beside"),
        },
        {"type": "divider"},
        {"type": "image", "image_url": "https://elsewhere.example/x.png", "alt_text": "a tent"},
        {"type": "markdown", "text": "Some **strong** words\n\n- a\n- b\n\n[a link](https://larkspur.example)"},
        {"type": "actions", "elements": [button("go", style="primary"), button("stop", style="danger")]},
    )
    workspace = bot.sandbox.workspace
    message = next(iter(workspace.channels["C0SUPPORT"].messages.values()))
    message.blocks.append({"type": "hologram", "block_id": "h"})
    workspace.changed()

    card = play.card("Kinds of blocks")

    await expect(card.get_by_role("heading", name="Kinds of blocks")).to_be_visible()
    await expect(card.locator(".fields .text")).to_have_text(["one", "two"])
    await expect(card.get_by_role("separator")).to_have_count(1)
    await expect(card).to_contain_text("Image: a tent")  # pictures from elsewhere are not fetched
    await expect(card.locator(".block-markdown li")).to_have_text(["a", "b"])
    await expect(card.locator(".button.primary")).to_have_text("Go")
    await expect(card.locator(".button.danger")).to_have_text("Stop")
    await expect(card).to_contain_text("A block of type “hologram” is not drawn")
    await play.shot("blocks", card)


async def test_menus_and_boxes_tell_the_app_what_was_chosen(play: Play, bot: Bot) -> None:
    options = [option("red"), option("green"), option("blue")]
    await bot.posts(
        {
            "type": "actions",
            "elements": [
                {"type": "static_select", "action_id": "pick", "placeholder": plain("Pick one"), "options": options},
                {"type": "radio_buttons", "action_id": "tune", "options": options},
                {"type": "checkboxes", "action_id": "many", "options": options},
                {"type": "overflow", "action_id": "more", "options": options},
            ],
        }
    )
    card = play.card("Red")

    await card.get_by_label("Pick one").select_option("green")
    await card.get_by_role("radio", name="Blue").check()
    await card.get_by_role("checkbox", name="Red").check()
    await card.get_by_role("checkbox", name="Blue").check()
    await play.choose(card, "Green")
    await bot.sandbox.until(lambda: len(bot.told) == 5)

    told = [payload["actions"][0] for payload in bot.told]
    assert [action["action_id"] for action in told] == ["pick", "tune", "many", "many", "more"]
    assert told[0]["selected_option"]["value"] == "green"
    assert told[1]["selected_option"]["value"] == "blue"
    assert [each["value"] for each in told[3]["selected_options"]] == ["red", "blue"]
    assert told[4]["selected_option"]["value"] == "green"


async def test_a_press_that_asks_first_is_told_only_after_yes(play: Play, bot: Bot) -> None:
    confirm = {
        "title": plain("Sure?"),
        "text": plain("It cannot be undone"),
        "confirm": plain("Do"),
        "deny": plain("Not"),
    }
    await bot.posts({"type": "actions", "elements": [button("erase", confirm=confirm)]})
    card = play.card("Erase")
    asked = play.page.get_by_role("alertdialog")

    await play.press(card, "Erase")
    await asked.get_by_role("button", name="Not").click()
    await expect(asked).to_have_count(0)
    assert bot.told == []

    await play.press(card, "Erase")
    await asked.get_by_role("button", name="Do", exact=True).click()
    await bot.sandbox.until(lambda: len(bot.told) == 1)


async def test_an_app_that_does_not_answer_is_reported_at_the_button(play: Play, bot: Bot) -> None:
    async def refuse(_: dict[str, Any]) -> Response:
        return Response(status_code=500)

    bot.answer = refuse
    await bot.posts({"type": "actions", "elements": [button("go")]})

    await play.press(play.card("Go"), "Go")

    await expect(play.card("Go").get_by_role("alert")).to_contain_text("respond")
    await expect(play.card("Go").locator("[aria-busy]")).to_have_count(0)


def text_input(block_id: str, label: str, **more: Any) -> Block:
    element = {"type": "plain_text_input", "action_id": "text", **more}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}


async def test_a_form_keeps_typed_words_when_the_app_updates_it(play: Play, bot: Bot) -> None:
    async def open_form(payload: dict[str, Any]) -> Response:
        return await bot.opens(payload, text_input("a", "First"), text_input("b", "Second"), submit=plain("Send"))

    bot.answer = open_form
    await bot.posts({"type": "actions", "elements": [button("open")]})
    await play.press(play.card("Open"), "Open")
    await play.form.get_by_label("First").fill("typed, not sent")
    view = bot.sandbox.person("U0ANA").view
    assert view is not None

    warning = {"type": "section", "text": plain("Somebody else was faster")}
    blocks = [warning, text_input("a", "First"), text_input("c", "Third")]
    changed = {"type": "modal", "title": plain("Form"), "submit": plain("Send"), "blocks": blocks}
    await bot.client.views_update(view_id=view.id, view=changed)

    await expect(play.form).to_contain_text("Somebody else was faster")
    await expect(play.form.get_by_label("First")).to_have_value("typed, not sent")
    await expect(play.form.get_by_label("First")).to_be_focused()
    await expect(play.form.get_by_label("Second")).to_have_count(0)


async def test_what_the_app_refuses_stands_under_the_field(play: Play, bot: Bot) -> None:
    async def answer(payload: dict[str, Any]) -> Response:
        if payload["type"] == "view_submission":
            return JSONResponse({"response_action": "errors", "errors": {"a": "Too vague"}})
        return await bot.opens(payload, text_input("a", "First"), submit=plain("Send"))

    bot.answer = answer
    await bot.posts({"type": "actions", "elements": [button("open")]})
    await play.press(play.card("Open"), "Open")

    await play.submits("Send")
    await expect(play.form.get_by_role("alert")).to_have_text("Please complete this required field.")
    await play.form.get_by_label("First").fill("hm")
    await play.submits("Send")

    await expect(play.form.get_by_role("alert")).to_have_text("Too vague")
    await expect(play.form.get_by_label("First")).to_have_value("hm")
    await expect(play.form.get_by_label("First")).to_be_focused()
    await play.shot("errors")


async def test_forms_stack_and_escape_leaves_one_at_a_time(play: Play, bot: Bot) -> None:
    async def answer(payload: dict[str, Any]) -> Response:
        depth = str(len(bot.told))
        return await bot.opens(payload, {"type": "actions", "elements": [button("deeper")]}, title=f"Form {depth}")

    bot.answer = answer
    await bot.posts({"type": "actions", "elements": [button("open")]})
    await play.press(play.card("Open"), "Open")
    for depth in (1, 2):
        await expect(play.form.get_by_role("heading", name=f"Form {depth}")).to_be_visible()
        await play.press(play.form, "Deeper")
    await expect(play.form.get_by_role("heading", name="Form 3")).to_be_visible()

    for depth in (2, 1):
        await play.page.keyboard.press("Escape")
        await expect(play.form.get_by_role("heading", name=f"Form {depth}")).to_be_visible()
    await play.page.keyboard.press("Escape")

    await expect(play.form).to_have_count(0)
    await expect(play.card("Open").get_by_role("button", name="Open")).to_be_focused()


async def test_focus_stays_inside_a_form(play: Play, bot: Bot) -> None:
    async def open_form(payload: dict[str, Any]) -> Response:
        return await bot.opens(payload, text_input("a", "First"), submit=plain("Send"))

    bot.answer = open_form
    await bot.posts({"type": "actions", "elements": [button("open")]})
    await play.press(play.card("Open"), "Open")
    await expect(play.form.get_by_label("First")).to_be_focused()

    for _ in range(8):
        await play.page.keyboard.press("Tab")
        assert await play.page.evaluate("document.activeElement.closest('[role=dialog]') !== null")


async def test_a_reply_shown_to_the_channel_says_what_it_answers(play: Play, bot: Bot) -> None:
    posted = await bot.client.chat_postMessage(channel="C0SUPPORT", text="The first card")
    await bot.client.chat_postMessage(
        channel="C0SUPPORT", text="A newer card", thread_ts=str(posted["ts"]), reply_broadcast=True
    )

    card = play.page.locator("main.channel article.message", has_text="A newer card")

    await expect(card).to_contain_text("replied to a thread: The first card")
    await expect(play.page.locator("button.replies")).to_contain_text("1 reply")
    await play.page.locator("button.replies").click()
    await expect(play.page.locator("aside.thread article.message")).to_have_count(2)


async def test_an_empty_workspace_says_what_to_do(play: Play) -> None:
    await expect(play.page.locator("main.channel")).to_contain_text("Nothing in #support yet")


async def test_unread_messages_are_counted_until_the_channel_is_opened(play: Play, bot: Bot) -> None:
    await bot.client.chat_postMessage(channel="C0BILLING", text="One")
    await bot.client.chat_postMessage(channel="C0BILLING", text="Two <@U0ANA>")
    row = play.page.locator(".nav", has_text="billing")

    await expect(row.locator(".count.pinged")).to_have_text("2")
    await play.goes_to("billing")

    await expect(row.locator(".count")).to_have_count(0)
