"""A customer writes, an agent presses in Slack, the receiver has it: each action of a card, over real HTTP."""

import asyncio

from bot.sandbox import Workspace
from bot.sandbox.people import User
from tests.loop.running import Loop, offered, running, shown


async def test_an_approved_draft_is_delivered_word_for_word_and_the_card_says_so(loop: Loop) -> None:
    loop.claude.reply = "It ships today."
    assert (await loop.customer_says("Where is my order?")).status_code == 202
    card = await loop.card()
    assert "Where is my order?" in shown(card)
    assert "It ships today." in shown(card)

    await loop.ana.click("approve", on=card)

    assert await loop.receiver.until(1) == ["It ships today."]
    await loop.card_says(card, "Delivered")
    assert "Approved as drafted by Ana Ruiz" in shown(card)
    assert not offered(card) & {"approve", "edit"}


async def test_a_message_posted_twice_is_one_question(loop: Loop) -> None:
    first = await loop.customer_says("Where is my order?", id="m1")
    second = await loop.customer_says("Where is my order?", id="m1")

    assert (first.json()["repeated"], second.json()["repeated"]) == (False, True)
    assert first.json()["message_id"] == second.json()["message_id"]
    await loop.card()
    await loop.settled()
    assert len(loop.cards) == 1


async def test_an_edit_of_more_than_3000_characters_arrives_whole(loop: Loop) -> None:
    paragraphs = [f"{number}. " + "A tent needs air. " * 40 for number in range(8)]
    loop.claude.reply = "\n\n".join(paragraphs).strip()
    await loop.customer_says("How do I care for my tent?")
    card = await loop.card("edit")

    view = (await loop.ana.click("edit", on=card)).view
    assert view is not None
    parts = [block["element"]["initial_value"] for block in view.blocks if block.get("block_id", "").startswith("text")]
    assert len(parts) > 1
    await loop.ana.type("typed", parts[0].replace("0. A tent", "0. Your tent"), block_id="text-0")
    await loop.ana.choose("chosen", "tone")
    seen = await loop.ana.submit()

    assert seen.ok
    assert seen.view is None
    [text] = await loop.receiver.until(1)
    assert text == loop.claude.reply.replace("0. A tent", "0. Your tent", 1)


async def test_an_emptied_edit_is_refused_in_the_form_and_can_be_mended(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    await loop.ana.click("edit", on=await loop.card("edit"))
    await loop.ana.type("typed", "   ")

    refused = await loop.ana.submit()
    assert list(refused.errors) == ["text-0"]
    await loop.ana.type("typed", "It ships tomorrow.")
    await loop.ana.submit()

    assert await loop.receiver.until(1) == ["It ships tomorrow."]


async def test_who_takes_over_replies_and_hands_back(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    await loop.ana.click("take_over", on=await loop.card())
    owned = await loop.card("reply")

    await loop.ana.click("reply", on=owned)
    await loop.ana.type("typed", "Ana here: I am looking.")
    assert (await loop.ana.submit()).ok
    assert await loop.receiver.until(1) == ["Ana here: I am looking."]
    await loop.customer_says("And?")
    await loop.settled()
    assert not loop.offering("approve")

    await loop.ana.click("hand_back", on=await loop.card("hand_back"))
    assert await loop.card("approve")


async def test_a_resolved_conversation_opens_again_when_the_customer_writes(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    await loop.ana.click("take_over", on=await loop.card())
    await loop.ana.click("resolve", on=await loop.card("resolve"))
    await loop.settled()
    assert not loop.offering("approve", "resolve")

    await loop.customer_says("It came, but broken.")

    assert "It came, but broken." in shown(await loop.card("approve"))


async def test_a_redraft_follows_the_instruction(loop: Loop) -> None:
    loop.claude.reply = "It ships today."
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    loop.claude.reply = "It ships today, promised."

    await loop.ana.choose("menu", "redraft", on=card)
    await loop.ana.type("typed", "Promise it.")
    assert (await loop.ana.submit()).ok
    await loop.card_says(card, "It ships today, promised.")
    assert "Redrafted for Ana Ruiz" in shown(card)

    await loop.ana.click("approve", on=card)
    assert await loop.receiver.until(1) == ["It ships today, promised."]


async def test_a_mention_in_the_thread_asks_for_another_draft_and_never_reaches_the_customer(loop: Loop) -> None:
    loop.claude.reply = "It ships today."
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    await loop.settled()  # the bot knows where the card hangs
    loop.claude.reply = "Shorter."

    await loop.ana.say("C0SUPPORT", "@Signoff shorter please", thread_ts=card.ts)
    await loop.card_says(card, "Shorter.")
    await loop.ana.say("C0SUPPORT", "this one is easy", thread_ts=card.ts)
    await loop.sandbox.quiet()

    assert "shorter please" in str(loop.claude.drafts[-1].body)
    assert loop.receiver.posts == []


async def test_a_wrong_category_moves_the_card_to_its_own_channel(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    card = await loop.card()

    await loop.ana.choose("menu", "recategorise", on=card)
    await loop.ana.choose("chosen", "billing")
    assert (await loop.ana.submit()).ok
    await loop.card_says(card, "Moved to Billing")

    [moved] = loop.offering("approve")
    assert moved.channel == "C0BILLING"
    await loop.ana.click("approve", on=moved)
    assert len(await loop.receiver.until(1)) == 1


async def test_a_dismissed_question_sends_nothing(loop: Loop) -> None:
    await loop.customer_says("Buy my pills")
    card = await loop.card()

    await loop.ana.choose("menu", "dismiss", on=card)
    await loop.ana.choose("chosen", "spam")
    assert (await loop.ana.submit()).ok

    await loop.card_says(card, "Dismissed by Ana Ruiz: spam")
    await loop.settled()
    assert loop.receiver.posts == []


async def test_an_undone_reply_is_never_sent_and_asks_again(sqlite_url: str) -> None:
    async with running(sqlite_url, desk={"hold_seconds": 60}) as loop:
        await loop.customer_says("Where is my order?")
        card = await loop.card()
        await loop.ana.click("approve", on=card)

        await loop.ana.click("undo", on=await loop.card("undo"))

        assert "Ana Ruiz took the reply back" in shown(await loop.card("approve"))
        await loop.settled()
        assert loop.receiver.posts == []


async def test_a_customer_who_writes_while_the_form_is_open_stops_the_edit_but_not_its_words(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    await loop.ana.click("edit", on=await loop.card("edit"))
    await loop.ana.type("typed", "It ships today.")

    await loop.customer_says("Cancel it, please!")
    await loop.sandbox.until(lambda: loop.ana.view and "wrote again" in shown(loop.ana.view.blocks))
    await loop.sandbox.until(lambda: any("Cancel it, please!" in shown(card) for card in loop.offering("approve")))
    seen = await loop.ana.submit()

    assert loop.receiver.posts == []
    assert seen.view is not None
    assert "Cancel it, please!" in shown(seen.view.blocks)
    assert "It ships today." in str(seen.view.values) + str(seen.view.blocks)
    await loop.ana.submit()
    assert await loop.receiver.until(1) == ["It ships today."]


async def test_a_form_submitted_after_somebody_else_decided_sends_nothing_and_says_who_won(loop: Loop) -> None:
    loop.claude.reply = "It ships today."
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    await loop.ana.click("edit", on=card)
    await loop.ana.type("typed", "My long and careful words.")
    await loop.bo.click("approve", on=card)
    await loop.receiver.until(1)

    seen = await loop.ana.submit()

    assert seen.view is not None
    assert "Bo Lindqvist approved this" in shown(seen.view.blocks)
    assert "My long and careful words." in shown(seen.view.blocks)
    await loop.settled()
    assert loop.receiver.texts == ["It ships today."]


async def test_twenty_agents_who_press_at_once_make_one_reply(sqlite_url: str) -> None:
    users = [f"U1{number:02}" for number in range(20)]

    def hire(workspace: Workspace) -> None:
        for user in users:
            workspace.users[user] = User(user, user.lower(), f"Agent {user}", f"{user.lower()}@larkspur.example", "")
            workspace.channels["C0SUPPORT"].members.append(user)

    async with running(sqlite_url, prepare=hire, slack={"agents": users}) as loop:
        await loop.customer_says("Where is my order?")
        card = await loop.card()

        seen = await asyncio.gather(*(loop.sandbox.person(user).click("approve", on=card) for user in users))

        assert all(each.ok for each in seen)
        late = [each for each in seen if each.ephemerals]
        assert len(late) == 19
        assert all("approved this" in each.ephemerals[0].text for each in late)
        await loop.settled()
        assert len(loop.receiver.posts) == 1
        assert len(await loop.decisions()) == 1


async def test_a_press_that_slack_hands_over_twice_counts_once(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    await loop.ana.click("approve", on=await loop.card())
    [press] = loop.sandbox.deliveries("block_actions")

    again = await loop.sandbox.delivery.interact(press.payload)

    assert again.reason is None
    await loop.settled()
    assert len(await loop.decisions()) == 1
    assert len(loop.receiver.posts) == 1
    assert loop.ana.ephemerals == []


async def test_home_and_commands_tell_agents_and_refuse_an_outsider(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    fay = loop.sandbox.person("U0FAY")

    refused = await fay.click("approve", on=card)
    assert "Only support agents can decide here" in refused.ephemerals[0].text
    outside = await fay.run("/signoff", "status", channel="C0SUPPORT")
    assert "agent" in outside.ephemerals[0].text
    queue = await loop.ana.run("/signoff", "queue", channel="C0SUPPORT")
    assert "Mina Okafor" in shown(queue.ephemerals[0])
    await loop.ana.open_home()
    await loop.sandbox.until(lambda: loop.ana.home and "Mina Okafor" in shown(loop.ana.home.blocks))

    await loop.settled()
    assert await loop.decisions() == []
    assert loop.receiver.posts == []


async def test_a_pause_says_so_on_new_cards_and_a_resume_ends_it(loop: Loop) -> None:
    await loop.ana.run("/signoff", "pause 30m", channel="C0SUPPORT")
    await loop.customer_says("Where is my order?")
    assert "Drafting is paused for everything" in shown(await loop.card("write"))

    await loop.ana.run("/signoff", "resume", channel="C0SUPPORT")
    await loop.customer_says("Anybody?", thread="t2")
    assert await loop.card("approve")


async def test_the_first_loop_runs_in_socket_mode_too(sqlite_url: str) -> None:
    async with running(sqlite_url, socket_mode=True) as loop:
        loop.claude.reply = "It ships today."
        await loop.customer_says("Where is my order?")
        card = await loop.card()

        seen = await loop.ana.click("approve", on=card)

        assert seen.ok
        assert await loop.receiver.until(1) == ["It ships today."]
        await loop.card_says(card, "Delivered")
