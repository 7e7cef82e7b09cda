"""The Web API as the real slack_sdk client uses it: forms of requests, answers, and Slack's ways of saying no."""

import io
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxServer

CARD = [{"type": "section", "text": {"type": "mrkdwn", "text": "A draft"}}]
META = {"event_type": "signoff_review", "event_payload": {"idem": "rev_1"}}


async def refused(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        await call
    answer: dict[str, Any] = caught.value.response.data
    return answer


async def test_auth_test_says_who_the_bot_is(client: AsyncWebClient) -> None:
    told = await client.auth_test()

    assert (told["team"], told["user_id"], told["bot_id"]) == ("Larkspur Supply", "U0SIGNOFF", "B0SIGNOFF")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "not_authed"),
        ({"Authorization": "Bearer xoxb-other"}, "invalid_auth"),
        ({"Authorization": "?"}, "not_authed"),
    ],
)
async def test_without_the_token_nothing_is_answered(
    sandbox: SandboxServer, headers: dict[str, str], error: str
) -> None:
    async with aiohttp.ClientSession() as web, web.post(f"{sandbox.api_url}auth.test", headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": False, "error": error})


async def test_each_token_is_for_its_own_methods(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    by_bot = await refused(client.apps_connections_open(app_token=sandbox.bot_token))
    by_app = await refused(client.auth_test(token=sandbox.app_token))

    assert by_bot["error"] == by_app["error"] == "not_allowed_token_type"


async def test_an_unknown_method_is_named_so(client: AsyncWebClient) -> None:
    assert (await refused(client.api_call("chat.postNonsense")))["error"] == "unknown_method"


async def test_a_missing_scope_is_told_with_what_is_needed(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    sandbox.workspace.scopes = frozenset({"chat:write", "users:read"})

    told = await refused(client.usergroups_users_list(usergroup="S0AGENTS"))
    history = await refused(client.conversations_history(channel="C0SUPPORT"))
    user = await client.users_info(user="U0ANA")

    assert (told["error"], told["needed"]) == ("missing_scope", "usergroups:read")
    assert told["provided"] == "chat:write,users:read"
    assert history["needed"] == "channels:history"
    assert "email" not in user["user"]["profile"]


async def test_one_message_in_all_the_forms_a_request_can_have(sandbox: SandboxServer) -> None:
    auth = {"Authorization": f"Bearer {sandbox.bot_token}"}
    said = {"channel": "C0SUPPORT", "text": "Hello"}
    url = f"{sandbox.api_url}chat.postMessage"
    async with aiohttp.ClientSession(headers=auth) as web:
        forms = [
            web.post(url, json={**said, "blocks": CARD}),
            web.post(url, data={**said, "blocks": json.dumps(CARD)}),
            web.post(url, params={**said, "blocks": json.dumps(CARD)}),
            web.get(url, params={**said, "blocks": json.dumps(CARD)}),
            web.post(url, data={**said, "blocks": json.dumps(CARD), "token": sandbox.bot_token}, headers=auth),
        ]
        for form in forms:
            async with form as answer:
                assert (await answer.json())["ok"], await answer.text()

    assert [message.blocks[0]["text"]["text"] for message in sandbox.messages("C0SUPPORT")] == ["A draft"] * 5


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"[" * 100_000, "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("text/plain", b"x", "invalid_post_type"),
        ("application/x-www-form-urlencoded", b"channel=C0SUPPORT&blocks=%5B", "invalid_blocks_format"),
        ("application/json", b'{"channel":"C0SUPPORT","text":"x","metadata":{"a":1}}', "invalid_metadata_format"),
        ("application/json", b'{"channel":7,"text":["x"],"blocks":{"a":1}}', "channel_not_found"),
        ("application/json", b'{"channel":"C0SUPPORT","blocks":{"a":1}}', "invalid_blocks"),
        ("application/json", b'{"channel":"C0SUPPORT","blocks":' + b"[" * 600 + b"]" * 600 + b"}", "invalid_arguments"),
    ],
)
async def test_bad_bodies_get_slacks_words(sandbox: SandboxServer, content_type: str, body: bytes, error: str) -> None:
    headers = {"Authorization": f"Bearer {sandbox.bot_token}", "Content-Type": content_type}
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{sandbox.api_url}chat.postMessage", data=body, headers=headers) as answer,
    ):
        told = await answer.json()

    assert (told["ok"], told["error"]) == (False, error)


async def test_a_body_too_large_is_not_read(sandbox: SandboxServer) -> None:
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{sandbox.api_url}chat.postMessage", data=io.BytesIO(b"x" * 2_000_001)) as answer,
    ):
        assert answer.status == 413


async def test_a_post_is_answered_with_the_message_and_named_blocks(client: AsyncWebClient) -> None:
    told = await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD, metadata=META)

    message = told["message"]
    assert told["ts"] == message["ts"]
    assert message["bot_id"] == "B0SIGNOFF"
    assert message["blocks"][0]["block_id"]
    assert message["metadata"] == META


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0SUPPORT"}, "no_text"),
        ({"channel": "C0SUPPORT", "text": "  "}, "no_text"),
        ({"channel": "C0SUPPORT", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "C0SUPPORT", "text": "x", "markdown_text": "x"}, "markdown_text_conflict"),
        ({"channel": "C0SUPPORT", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": "C0SUPPORT", "text": "x", "blocks": [{"type": "alert"}]}, "invalid_blocks"),
        (
            {"channel": "C0SUPPORT", "blocks": [{"type": "markdown", "text": "x" * 10_001}]},
            "msg_blocks_too_long",
        ),
    ],
)
async def test_what_cannot_be_posted_is_refused(
    sandbox: SandboxServer, client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert (await refused(client.api_call("chat.postMessage", json=arguments)))["error"] == error
    assert sandbox.messages("C0SUPPORT") == []


async def test_refused_blocks_come_with_the_reason_and_the_place(client: AsyncWebClient) -> None:
    told = await refused(client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=[{"type": "header"}]))

    assert told["response_metadata"]["messages"] == ["[ERROR] missing required field: text [json-pointer:/blocks/0]"]


async def test_an_update_without_blocks_takes_the_blocks_away(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD, metadata=META))["ts"]

    await client.chat_update(channel="C0SUPPORT", ts=ts, text="Sent", blocks=CARD)
    [kept] = sandbox.messages("C0SUPPORT")
    assert (kept.blocks != [], kept.edited) == (True, None)

    await client.chat_update(channel="C0SUPPORT", ts=ts, text="Sent")
    assert kept.blocks == []
    assert kept.edited is not None
    assert kept.metadata == META


async def test_the_bot_changes_only_its_own_messages(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    said = await sandbox.person("U0ANA").say("C0SUPPORT", "Mine")

    update = await refused(client.chat_update(channel="C0SUPPORT", ts=said.ts, text="Yours"))
    delete = await refused(client.chat_delete(channel="C0SUPPORT", ts=said.ts))
    gone = await refused(client.chat_update(channel="C0SUPPORT", ts="1.000001", text="x"))

    assert [update["error"], delete["error"], gone["error"]] == [
        "cant_update_message",
        "cant_delete_message",
        "message_not_found",
    ]


async def test_a_deleted_message_is_gone_from_channel_and_thread(
    sandbox: SandboxServer, client: AsyncWebClient
) -> None:
    parent = (await client.chat_postMessage(channel="C0SUPPORT", text="Parent"))["ts"]
    reply = (await client.chat_postMessage(channel="C0SUPPORT", text="Reply", thread_ts=parent))["ts"]

    await client.chat_delete(channel="C0SUPPORT", ts=reply)

    [left] = sandbox.messages("C0SUPPORT")
    assert left.replies == []


async def test_a_thread_is_read_oldest_first_and_the_channel_newest_first(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C0SUPPORT", text="Parent", metadata=META))["ts"]
    for text in ("one", "two"):
        await client.chat_postMessage(channel="C0SUPPORT", text=text, thread_ts=parent)
    await client.chat_postMessage(channel="C0SUPPORT", text="all", thread_ts=parent, reply_broadcast=True)

    thread = await client.conversations_replies(channel="C0SUPPORT", ts=parent)
    channel = await client.conversations_history(channel="C0SUPPORT", include_all_metadata=True)

    assert [message["text"] for message in thread["messages"]] == ["Parent", "one", "two", "all"]
    assert "metadata" not in thread["messages"][0]
    assert [message["text"] for message in channel["messages"]] == ["all", "Parent"]
    assert channel["messages"][1]["metadata"] == META
    assert channel["messages"][1]["reply_count"] == 3


async def test_a_reply_to_a_reply_is_refused(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C0SUPPORT", text="Parent"))["ts"]
    reply = (await client.chat_postMessage(channel="C0SUPPORT", text="one", thread_ts=parent))["ts"]

    told = await refused(client.chat_postMessage(channel="C0SUPPORT", text="two", thread_ts=reply))

    assert told["error"] == "cannot_reply_to_message"


async def test_history_is_cut_by_time_and_read_in_pages(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0SUPPORT", text=f"m{n}"))["ts"] for n in range(5)]

    since = await client.conversations_history(channel="C0SUPPORT", oldest=stamps[2])
    including = await client.conversations_history(channel="C0SUPPORT", oldest=stamps[2], inclusive=True)
    until = await client.conversations_history(channel="C0SUPPORT", latest=stamps[2])
    first = await client.conversations_history(channel="C0SUPPORT", limit=2)
    second = await client.conversations_history(
        channel="C0SUPPORT", limit=2, cursor=first["response_metadata"]["next_cursor"]
    )
    wrong = await refused(client.conversations_history(channel="C0SUPPORT", cursor="%%"))

    assert [m["text"] for m in since["messages"]] == ["m4", "m3"]
    assert [m["text"] for m in including["messages"]] == ["m4", "m3", "m2"]
    assert [m["text"] for m in until["messages"]] == ["m1", "m0"]
    assert first["has_more"]
    assert [m["text"] for m in second["messages"]] == ["m2", "m1"]
    assert wrong["error"] == "invalid_cursor"


async def test_timestamps_are_unique_and_grow(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C0SUPPORT", text="x"))["ts"] for _ in range(20)]

    assert stamps == sorted(set(stamps))


async def test_an_ephemeral_message_is_seen_by_one_and_never_in_history(
    sandbox: SandboxServer, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANA", text="Only you")

    assert [message.text for message in sandbox.person("U0ANA").ephemerals] == ["Only you"]
    assert sandbox.person("U0BO").ephemerals == []
    assert (await client.conversations_history(channel="C0SUPPORT"))["messages"] == []


async def test_people_and_groups_are_told(client: AsyncWebClient) -> None:
    ana = (await client.users_lookupByEmail(email="ANA@larkspur.example"))["user"]
    everyone = [user["id"] for user in (await client.users_list())["members"]]
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    agents = (await client.usergroups_users_list(usergroup="S0AGENTS"))["users"]

    assert ana["id"] == "U0ANA"
    assert {"U0ANA", "U0SIGNOFF", "U0FAY"} <= set(everyone)
    assert [group["handle"] for group in groups] == ["support-agents", "support-supervisors"]
    assert groups[1]["users"] == ["U0DEE", "U0ELI"]
    assert "U0FAY" not in agents


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("users.info", {}, "invalid_arguments"),
        ("users.lookupByEmail", {"email": "nobody@larkspur.example"}, "users_not_found"),
        ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
        ("conversations.info", {"channel": "C0NOWHERE"}, "channel_not_found"),
        ("conversations.replies", {"channel": "C0SUPPORT", "ts": "1.000001"}, "thread_not_found"),
        ("conversations.history", {"channel": "C0SUPPORT", "limit": "many"}, "invalid_arguments"),
        ("conversations.history", {"channel": "C0SUPPORT", "oldest": "yesterday"}, "invalid_ts_oldest"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("views.publish", {"user_id": "U0ANA", "view": "x"}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": '[{"id":"F1"}]'}, "file_not_found"),
        ("reactions.add", {"channel": "C0SUPPORT", "timestamp": "1.000001", "name": "eyes"}, "message_not_found"),
    ],
)
async def test_asking_for_what_is_not_there(
    client: AsyncWebClient, method: str, arguments: dict[str, str], error: str
) -> None:
    assert (await refused(client.api_call(method, params=arguments)))["error"] == error


async def test_channels_are_listed_joined_and_opened(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    sandbox.workspace.channels["C0BILLING"].members.remove("U0SIGNOFF")

    names = [channel["name"] for channel in (await client.conversations_list())["channels"]]
    outside = await refused(client.chat_postMessage(channel="C0BILLING", text="x"))
    await client.conversations_join(channel="C0BILLING")
    inside = await client.chat_postMessage(channel="C0BILLING", text="x")
    direct = await client.conversations_open(users="U0ANA")
    to_user = await client.chat_postMessage(channel="U0ANA", text="Psst")
    members = await client.conversations_members(channel="C0BILLING")

    assert names == ["support", "billing", "vip-desk"]
    assert outside["error"] == "not_in_channel"
    assert inside["ok"]
    assert to_user["channel"] == direct["channel"]["id"]
    assert "U0SIGNOFF" in members["members"]


async def test_reactions_come_and_go_once(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0SUPPORT", text="x"))["ts"]
    mark = {"channel": "C0SUPPORT", "timestamp": ts, "name": "eyes"}

    await client.reactions_add(**mark)
    twice = await refused(client.reactions_add(**mark))
    assert sandbox.messages("C0SUPPORT")[0].reactions == {"eyes": ["U0SIGNOFF"]}

    await client.reactions_remove(**mark)
    assert twice["error"] == "already_reacted"
    assert (await refused(client.reactions_remove(**mark)))["error"] == "no_reaction"


async def test_a_file_is_uploaded_as_the_sdk_does_it(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    done = await client.files_upload_v2(content=b"\x89PNG", filename="digest.png", channel="C0SUPPORT")

    [message] = sandbox.messages("C0SUPPORT")
    assert message.files[0]["id"] == done["files"][0]["id"]
    assert sandbox.workspace.uploads[message.files[0]["id"]] == b"\x89PNG"


async def test_blocks_validate_needs_no_token(sandbox: SandboxServer) -> None:
    client = AsyncWebClient(base_url=sandbox.api_url)

    assert (await client.blocks_validate(blocks=CARD))["ok"]
    assert (await refused(client.blocks_validate(blocks=[{"type": "header"}])))["error"] == "invalid_blocks"


async def test_a_permalink_names_channel_and_thread(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C0SUPPORT", text="x"))["ts"]
    reply = (await client.chat_postMessage(channel="C0SUPPORT", text="y", thread_ts=parent))["ts"]

    link = (await client.chat_getPermalink(channel="C0SUPPORT", message_ts=reply))["permalink"]

    assert link.startswith("https://larkspur.slack.com/archives/C0SUPPORT/p")
    assert f"thread_ts={parent}" in link


async def test_every_call_is_on_record(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C0SUPPORT", text="x")
    await refused(client.chat_postMessage(channel="C0NOWHERE", text="y"))

    good, bad = sandbox.calls("chat.postMessage")
    assert (good.arguments["text"], good.status, good.answer and good.answer["ok"]) == ("x", 200, True)
    assert bad.answer == {"ok": False, "error": "channel_not_found"}


@pytest.mark.parametrize(
    ("message", "pings"),
    [
        ({"text": "<!channel> <@U0ANA> <!subteam^S0LEADS|@leads>"}, ["S0LEADS", "U0ANA", "channel"]),
        ({"text": "&lt;!channel&gt; @here"}, []),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!here>"}}]}, ["here"]),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "<!here>"}}]}, []),
        ({"text": "x", "blocks": [{"type": "markdown", "text": "<!everyone>"}]}, ["everyone"]),
        (
            {
                "text": "x",
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_quote",
                                "elements": [
                                    {"type": "text", "text": "<!channel>"},
                                    {"type": "user", "user_id": "U0BO"},
                                ],
                            }
                        ],
                    }
                ],
            },
            ["U0BO"],
        ),
    ],
)
async def test_whom_a_message_notifies_is_known(
    sandbox: SandboxServer, client: AsyncWebClient, message: dict[str, Any], pings: list[str]
) -> None:
    await client.chat_postMessage(channel="C0SUPPORT", **message)

    assert sandbox.messages("C0SUPPORT")[0].pings == pings
