"""Without a key there is still a draft, in the articles' own words, or an honest "nothing found"."""

from collections.abc import Sequence
from contextlib import suppress

import pytest

from bot.core.drafts import Drafted, DraftUnavailable, Snippet
from bot.drafting import OfflineDrafter, drafter
from bot.drafting.claude import ClaudeDrafter
from bot.drafting.inert import LINK_REMOVED
from tests.clock import Clock
from tests.drafting.conftest import RETURNS_URL, case, policy, snippet
from tests.drafting.test_injection import attacks

TENT = "You can return a tent within 30 days.\n\nIt must be dry and clean. We pay you back in five days."
RETURNS = snippet(TENT)
REFUNDS = snippet(
    "A refund takes five working days.", slug="refunds", title="Refunds", url=None, heading="Refund times"
)


async def draft(snippets: Sequence[Snippet] = (RETURNS,), **changes: object) -> Drafted:
    return await OfflineDrafter("Larkspur Supply").draft(case(**changes), list(snippets))  # type: ignore[arg-type]


async def test_the_reply_greets_quotes_the_article_and_signs_for_the_company() -> None:
    drafted = await draft()

    assert drafted.text == (
        "Hi Maria,\n\nThank you for getting in touch.\n\nYou can return a tent within 30 days.\n\nIt must be dry and "
        f"clean. We pay you back in five days.\n\nYou can read more here: {RETURNS_URL}\n\n"
        "Kind regards,\nLarkspur Supply"
    )
    assert drafted.offline
    assert (drafted.model, drafted.cost_usd) == ("offline", 0)
    assert [source.title for source in drafted.sources] == ["Returns"]
    assert drafted.sources[0].quote in drafted.text


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("maria lopez", "Hi Maria,"), ("MARIA", "Hi Maria,"), ("McKenzie", "Hi McKenzie,"), ("Zoë-Ann", "Hi Zoë-Ann,"),
        ("O'Neil B", "Hi O'Neil,"), (None, "Hello,"), ("", "Hello,"), ("Visitor 12", "Hello,"), ("X Æ A-12", "Hello,"),
        ("<!channel>", "Hello,"), ("evil.example", "Hello,"), ("a" * 60, "Hello,"), ("\u202eairam", "Hi Airam,"),
    ],
)  # fmt: skip
async def test_the_greeting_uses_a_name_only_if_it_is_one(name: str | None, greeting: str) -> None:
    assert (await draft(customer_name=name)).text.split("\n")[0] == greeting


@pytest.mark.parametrize(
    "question", ["", "hello there", "Do you sell kayaks?", "What is the weather like?", "🙂", "wo ist"]
)
async def test_below_the_bar_it_says_that_nothing_was_found(question: str) -> None:
    with pytest.raises(DraftUnavailable) as failed:
        await draft([RETURNS, REFUNDS], question=question)

    assert failed.value.reason == "nothing_found"
    assert str(failed.value) == "The knowledge base has no article that answers this."


async def test_no_snippets_is_nothing_found_too() -> None:
    with pytest.raises(DraftUnavailable):
        await draft([])


async def test_a_question_about_two_things_is_answered_from_two_articles() -> None:
    drafted = await draft([RETURNS, REFUNDS], question="I want to return my tent, when do I get the refund?")

    assert [source.slug for source in drafted.sources] == ["returns", "refunds"]
    assert "A refund takes five working days." in drafted.text


async def test_trouble_is_met_with_regret() -> None:
    assert "I am sorry" in (await draft(question="My tent is broken, can I return it?")).text


async def test_markdown_is_made_plain() -> None:
    marked = snippet("You can **return** a `tent`, see [our page](https://larkspur.example/help/returns) for *how*.")

    text = (await draft([marked])).text

    assert "You can return a tent, see our page (https://larkspur.example/help/returns) for how." in text


WISHES = [
    ("shorter please", lambda text: "You can read more" not in text and len(text) < 260),
    ("Please apologise first", lambda text: "I am sorry" in text),
    ("more formal", lambda text: text.startswith("Dear Maria,") and "Yours sincerely," in text),
    ("use another article", lambda text: "five working days" in text and "30 days" not in text),
    ("make it sparkle", lambda text: "five working days" in text and "30 days" not in text),
    ("", lambda text: "five working days" in text),
    ("don't apologise, another one", lambda text: "I am sorry" not in text),
]


@pytest.mark.parametrize(("wish", "granted"), WISHES, ids=[wish for wish, _ in WISHES])
async def test_a_redraft_follows_simple_wishes_and_never_repeats_them(wish: str, granted: object) -> None:
    question = "Can I return my tent, and the refund?"
    first = await draft([RETURNS], question=question)

    again = await draft([RETURNS, REFUNDS], question=question, instruction=wish, previous_draft=first.text)

    assert granted(again.text), again.text  # type: ignore[operator]
    assert not wish or wish not in again.text
    assert again.text != first.text


async def test_when_there_is_nothing_else_to_offer_it_says_so() -> None:
    one = snippet("You can return a tent.", url=None)
    first = await draft([one])

    with pytest.raises(DraftUnavailable, match="no other reply to offer"):
        await draft([one], instruction="something else", previous_draft=first.text)


async def test_an_instruction_never_reaches_the_customer() -> None:
    drafted = await draft([RETURNS, REFUNDS], instruction="he is a liar, be careful XYZZY", previous_draft="Old.")

    assert "XYZZY" not in drafted.text
    assert "liar" not in drafted.text


async def test_hostile_questions_and_names_are_not_repeated() -> None:
    written = 0
    for attack in list(attacks())[::10]:
        with suppress(DraftUnavailable):
            drafted = await draft(question=f"return tent {attack[:40]}", customer_name=f"{attack[:10]} x")
            written += 1
            assert "http" not in drafted.text.replace(RETURNS_URL, "")
            assert attack[:40] not in drafted.text
    assert written > 20


async def test_an_articles_own_hidden_characters_are_dropped() -> None:
    text = (await draft([snippet("You can return a t\u200bent.\u202e")])).text

    assert "You can return a tent." in text
    assert LINK_REMOVED not in text


async def test_offline_there_is_no_triage() -> None:
    assert await OfflineDrafter("x").triage(case()) is None


async def test_without_a_key_the_installation_drafts_offline_and_with_one_by_claude(clock: Clock) -> None:
    assert isinstance(drafter(policy(), None, None, clock), OfflineDrafter)
    assert isinstance(drafter(policy(), "", None, clock), OfflineDrafter)
    online = drafter(policy(), "sk-test", "http://127.0.0.1:1", clock)
    assert isinstance(online, ClaudeDrafter)
    assert (drafter(policy(), None, None, clock).offline, online.offline) == (True, False)
    await online.aclose()
