"""Modals and App Homes: triggers, hashes, external ids, the stack of three, and what an acknowledgement may say."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxServer, larkspur
from tests.clock import Clock
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[SandboxServer]:
    workspace = larkspur(clock)
    async with SandboxServer(workspace, limited=False, retry_scale=0.0, deadline_seconds=PATIENCE_SECONDS) as server:
        yield server


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def modal(title: str = "Edit", *, block: str = "reply", **more: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "text", "initial_value": "The draft"}
    asked = {"type": "input", "block_id": block, "label": plain("Reply"), "element": field}
    return {"type": "modal", "title": plain(title), "submit": plain("Send"), "blocks": [asked], **more}


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def trigger(sandbox: SandboxServer, user: str = "U0ANA", *, from_modal: bool = False) -> str:
    return sandbox.workspace.new_trigger(user, from_modal=from_modal)


async def test_a_trigger_opens_one_modal_within_three_seconds(
    sandbox: SandboxServer, client: AsyncWebClient, clock: Clock
) -> None:
    early, late = trigger(sandbox), trigger(sandbox)

    clock.now += timedelta(seconds=3)
    opened = await client.views_open(trigger_id=early, view=modal())
    again = await refused(client.views_open(trigger_id=early, view=modal()))
    clock.now += timedelta(milliseconds=1)
    expired = await refused(client.views_open(trigger_id=late, view=modal()))
    invented = await refused(client.views_open(trigger_id="1.2.3", view=modal()))

    assert opened["view"]["state"] == {
        "values": {"reply": {"text": {"type": "plain_text_input", "value": "The draft"}}}
    }
    assert [again, expired, invented] == ["exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"]


async def test_a_bad_view_does_not_spend_the_trigger(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    issued = trigger(sandbox)

    assert await refused(client.views_open(trigger_id=issued, view=modal("x" * 25))) == "invalid_arguments"
    assert (await client.views_open(trigger_id=issued, view=modal()))["ok"]


async def test_a_view_of_more_than_250_kb_is_too_large(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    text = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}

    told = await refused(client.views_open(trigger_id=trigger(sandbox), view=modal() | {"blocks": [text] * 90}))

    assert told == "view_too_large"


async def test_the_fourth_modal_on_the_stack_is_refused(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    root = (await client.views_open(trigger_id=trigger(sandbox), view=modal("1")))["view"]
    for title in ("2", "3"):
        pushed = await client.views_push(trigger_id=trigger(sandbox, from_modal=True), view=modal(title))

    fourth = await refused(client.views_push(trigger_id=trigger(sandbox, from_modal=True), view=modal("4")))

    assert pushed["view"]["root_view_id"] == root["id"]
    assert pushed["view"]["previous_view_id"] != root["id"]
    assert fourth == "push_limit_reached"


async def test_an_update_with_an_old_hash_conflicts(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    view = (await client.views_open(trigger_id=trigger(sandbox), view=modal()))["view"]

    newer = await client.views_update(view_id=view["id"], hash=view["hash"], view=modal("Newer"))
    stale = await refused(client.views_update(view_id=view["id"], hash=view["hash"], view=modal("Stale")))
    gone = await refused(client.views_update(view_id="V0GONE", view=modal()))

    assert newer["view"]["hash"] != view["hash"]
    assert [stale, gone] == ["hash_conflict", "not_found"]


async def test_an_external_id_is_one_views_own(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    await client.views_open(trigger_id=trigger(sandbox), view=modal(external_id="rev_1"))

    taken = await refused(client.views_open(trigger_id=trigger(sandbox, "U0BO"), view=modal(external_id="rev_1")))
    updated = await client.views_update(external_id="rev_1", view=modal("Again", external_id="rev_1"))

    assert taken == "duplicate_external_id"
    assert updated["view"]["title"]["text"] == "Again"


async def test_what_was_typed_survives_an_update_of_the_same_block(
    sandbox: SandboxServer, client: AsyncWebClient
) -> None:
    view = (await client.views_open(trigger_id=trigger(sandbox), view=modal()))["view"]
    ana = sandbox.person("U0ANA")
    await ana.type("text", "My words")

    kept = await client.views_update(view_id=view["id"], view=modal("The customer wrote again"))
    fresh = await client.views_update(view_id=view["id"], view=modal("New", block="other"))

    assert kept["view"]["state"]["values"]["reply"]["text"]["value"] == "My words"
    assert fresh["view"]["state"]["values"]["other"]["text"]["value"] == "The draft"


async def test_a_home_is_published_for_each_user(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": [{"type": "section", "text": plain("Your queue")}]}

    first = (await client.views_publish(user_id="U0ANA", view=home))["view"]
    await client.views_publish(user_id="U0ANA", view=home, hash=first["hash"])
    stale = await refused(client.views_publish(user_id="U0ANA", view=home, hash=first["hash"]))

    assert stale == "hash_conflict"
    assert sandbox.person("U0ANA").home is not None
    assert sandbox.person("U0BO").home is None


async def test_opening_the_home_tells_the_bot_who_then_publishes(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    @bolt.event("app_home_opened")
    async def opened(event: dict[str, Any]) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": []})

    await sandbox.person("U0ANA").open_home()

    assert await sandbox.until(lambda: sandbox.person("U0ANA").home)


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ({}, []),
        ({"response_action": "clear"}, []),
        ({"response_action": "update", "view": modal("Updated")}, ["Updated"]),
        ({"response_action": "push", "view": modal("Pushed")}, ["Edit", "Pushed"]),
        ({"response_action": "errors", "errors": {"reply": "No."}}, ["Edit"]),
    ],
)
async def test_a_submission_does_what_its_acknowledgement_says(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp, answer: dict[str, Any], titles: list[str]
) -> None:
    @bolt.view("edit")
    async def edit(ack: Any) -> None:
        await ack(**answer)

    await client.views_open(trigger_id=trigger(sandbox), view=modal(callback_id="edit"))

    seen = await sandbox.person("U0ANA").submit()

    assert seen.error is None
    assert [view.title for view in sandbox.workspace.views.stack("U0ANA")] == titles
    assert seen.errors == answer.get("errors", {})


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"text": "an action_id, not a block_id"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": modal("x" * 25)},
        {"response_action": "shrug"},
    ],
)
async def test_an_acknowledgement_slack_would_not_take_is_trouble_in_the_users_face(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp, answer: dict[str, Any]
) -> None:
    @bolt.view("edit")
    async def edit(ack: Any) -> None:
        await ack(**answer)

    await client.views_open(trigger_id=trigger(sandbox), view=modal(callback_id="edit"))
    seen = await sandbox.person("U0ANA").submit()

    assert seen.error is not None
    assert seen.view is not None
    assert sandbox.person("U0ANA").notices == [seen.error]


async def test_a_submission_nobody_answers_keeps_the_modal_and_the_words(
    sandbox: SandboxServer, client: AsyncWebClient
) -> None:
    sandbox.connect("http://127.0.0.1:9/slack/events")
    await client.views_open(trigger_id=trigger(sandbox), view=modal(callback_id="edit"))
    ana = sandbox.person("U0ANA")
    await ana.type("text", "My words")

    seen = await ana.submit()

    assert seen.error == "This app didn’t respond in time. Try again?"
    assert ana.view is not None
    assert ana.view.values["reply"]["text"]["value"] == "My words"


async def test_closing_is_told_when_asked_for(sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp) -> None:
    heard: list[dict[str, Any]] = []

    @bolt.view_closed("edit")
    async def closed(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body)
        await ack()

    await client.views_open(trigger_id=trigger(sandbox), view=modal(callback_id="edit", notify_on_close=True))
    seen = await sandbox.person("U0ANA").close()

    assert seen.view is None
    assert heard[0]["is_cleared"] is False


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Please complete this required field."),
        ("ab", "Please enter at least 3 characters."),
        ("x" * 11, "Please enter at most 10 characters."),
        ("just so", None),
    ],
)
async def test_the_client_itself_refuses_what_does_not_fit(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp, text: str, complaint: str | None
) -> None:
    @bolt.view("edit")
    async def edit(ack: Any) -> None:
        await ack()

    field = {"type": "plain_text_input", "action_id": "text", "min_length": 3, "max_length": 10}
    asked = {"type": "input", "block_id": "reply", "label": plain("Reply"), "element": field}
    await client.views_open(trigger_id=trigger(sandbox), view=modal(callback_id="edit", blocks=[asked]))
    ana = sandbox.person("U0ANA")
    await ana.type("text", text)

    seen = await ana.submit()

    assert seen.errors == ({"reply": complaint} if complaint else {})
    assert len(sandbox.deliveries("view_submission")) == (0 if complaint else 1)


async def test_menus_boxes_and_dates_are_chosen_by_value(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    heard: list[Any] = []

    @bolt.view("edit")
    async def edit(ack: Any, view: dict[str, Any]) -> None:
        heard.append(view["state"]["values"])
        await ack()

    options = [{"text": plain(word), "value": word} for word in ("tone", "fact")]
    elements = {
        "why": {"type": "static_select", "options": options},
        "also": {"type": "checkboxes", "options": options},
        "one": {"type": "radio_buttons", "options": options, "initial_option": options[1]},
        "who": {"type": "users_select"},
        "when": {"type": "datepicker"},
    }
    blocks = [
        {"type": "input", "block_id": name, "label": plain(name), "optional": True, "element": {**e, "action_id": name}}
        for name, e in elements.items()
    ]
    await client.views_open(trigger_id=trigger(sandbox), view=modal(callback_id="edit", blocks=blocks))
    ana = sandbox.person("U0ANA")
    await ana.choose("why", "fact")
    await ana.choose("also", "tone", "fact")
    await ana.choose("who", "U0BO")
    with pytest.raises(ValueError, match="offers no option"):
        await ana.choose("one", "grammar")

    assert (await ana.submit()).ok

    assert heard == [
        {
            "why": {"why": {"type": "static_select", "selected_option": options[1]}},
            "also": {"also": {"type": "checkboxes", "selected_options": options}},
            "one": {"one": {"type": "radio_buttons", "selected_option": options[1]}},
            "who": {"who": {"type": "users_select", "selected_user": "U0BO"}},
            "when": {"when": {"type": "datepicker", "selected_date": None}},
        }
    ]
    assert sandbox.deliveries("block_actions") == []
