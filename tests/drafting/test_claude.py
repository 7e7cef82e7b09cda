"""What an agent gets from Claude, and what Claude is asked."""

import logging

import pytest

from bot.core.drafts import Sentiment, Turn
from bot.drafting import client
from bot.drafting.claude import ClaudeDrafter
from bot.drafting.prices import Tokens, cost_usd
from tests.clock import Clock
from tests.drafting.conftest import RETURNS_URL, case, policy, snippet
from tests.fakes.claude import FakeClaude
from tests.fakes.claude_misbehaving import saying


async def test_a_draft_says_what_the_article_says_and_names_it(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    drafted = await drafter.draft(case(), [snippet(), snippet("Boots too.", slug="boots", title="Boots")])

    assert drafted.text == "Hello,\n\nYou can return a tent within 30 days.\n\nKind regards"
    assert not drafted.offline
    [source] = drafted.sources
    assert (source.title, source.version, source.url) == ("Returns", 3, RETURNS_URL)
    assert source.quote == "You can return a tent within 30 days."


async def test_the_draft_notes_model_prompt_tokens_cost_and_time(drafter: ClaudeDrafter) -> None:
    first = await drafter.draft(case(), [snippet()])
    again = await drafter.draft(case(), [snippet()])

    assert first.model == "claude-sonnet-5-5"
    assert first.prompt_version == again.prompt_version == drafter.prompt_version
    assert first.cache_write_tokens > 512
    assert first.cache_read_tokens == 0
    assert again.cache_read_tokens == first.cache_write_tokens
    assert first.input_tokens > 0
    assert first.output_tokens > 0
    assert first.cost_usd > again.cost_usd > 0
    assert first.milliseconds >= 0


async def test_the_model_is_the_categorys_own(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    drafted = await drafter.draft(case(category="billing"), [snippet()])

    assert drafted.model == "claude-opus-5-5"
    assert fake.drafts[0].body["model"] == "claude-opus-5-5"


async def test_a_draft_is_asked_for_without_tools_and_without_what_current_models_refuse(
    drafter: ClaudeDrafter, fake: FakeClaude
) -> None:
    await drafter.draft(case(), [snippet()])

    body = fake.drafts[0].body
    assert sorted(body) == ["max_tokens", "messages", "model", "output_config", "system"]
    assert body["output_config"] == {"effort": "low"}
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert body["system"][-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    [result, _] = body["messages"][0]["content"]
    assert result["citations"] == {"enabled": True}
    assert [block["text"] for block in result["content"]] == [
        "You can return a tent within 30 days.",
        "It must be dry and clean.",
    ]


async def test_the_fixed_text_is_the_same_whoever_asks(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    await drafter.draft(case(), [snippet()])
    await drafter.draft(case("Something else", customer_name="Bo", tier="vip"), [])

    first, second = fake.drafts
    assert first.body["system"] == second.body["system"]
    assert "Larkspur Supply" in first.system
    assert "We say tent, never shelter." in first.system


async def test_another_voice_is_another_prompt_version(clock: Clock) -> None:
    desk = policy().desk.model_copy(update={"voice": "Be terse."})
    one = ClaudeDrafter(client("sk-test", "http://127.0.0.1:1"), policy(), clock=clock)
    other = ClaudeDrafter(client("sk-test", "http://127.0.0.1:1"), policy(desk=desk), clock=clock)

    assert one.prompt_version != other.prompt_version
    assert len(one.prompt_version) == 12


async def test_a_redraft_carries_the_agents_wish_as_instruction_and_the_old_draft_as_data(
    drafter: ClaudeDrafter, fake: FakeClaude
) -> None:
    await drafter.draft(case(instruction="shorter, and offer a label", previous_draft="Old words."), [snippet()])

    asked = fake.drafts[0]
    assert "shorter, and offer a label" in asked.body["system"][1]["text"]
    assert "cache_control" not in asked.body["system"][1]
    assert "shorter, and offer a label" not in asked.user_text
    assert asked.case["previous_draft"] == "Old words."
    assert "Old words." not in asked.system


async def test_without_any_article_the_draft_has_no_sources(drafter: ClaudeDrafter) -> None:
    drafted = await drafter.draft(case(), [])

    assert drafted.sources == ()
    assert "order number" in drafted.text


async def test_thinking_in_front_of_the_text_is_not_part_of_the_reply(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    fake.next(saying(thinking, {"type": "text", "text": "Dear "}, {"type": "text", "text": "Maria."}))

    assert (await drafter.draft(case(), [snippet()])).text == "Dear Maria."


async def test_a_long_conversation_is_cut_and_says_so(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    turns = tuple(Turn(by_customer=True, author="M", text=f"{n} " + "x" * 9000) for n in range(60))

    await drafter.draft(case("y" * 50_000, turns=turns), [snippet()])

    asked = fake.drafts[0].case
    assert len(asked["conversation"]) == 20
    assert asked["conversation"][-1]["text"].startswith("59 ")
    assert asked["question"].endswith("(cut here)")
    assert len(fake.drafts[0].user_text) < 80_000


async def test_triage_is_read_from_the_small_models_answer(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    triage = await drafter.triage(case("My billing is wrong!! I want a human."))

    assert triage is not None
    assert triage.category == "billing"
    assert triage.sentiment is Sentiment.ANGRY
    assert triage.wants_human
    assert triage.language == "en"
    body = fake.requests[0].body
    assert body["model"] == "claude-haiku-5-5"
    assert body["output_config"]["effort"] == "low"
    schema = body["output_config"]["format"]["schema"]
    assert schema["properties"]["category"]["enum"] == ["returns", "billing", "general", "none"]
    assert "Sending something back." in fake.requests[0].system


@pytest.mark.parametrize(
    ("answer", "category", "language"),
    [
        ({"category": "none"}, None, "en"),
        ({"category": "made_up"}, None, "en"),
        ({"category": "general", "language": "DE"}, "general", "de"),
        ({"category": "returns", "language": "und"}, "returns", None),
        ({"category": "returns", "language": "<!channel>"}, "returns", None),
    ],
)
async def test_triage_answers_only_with_names_we_have(
    drafter: ClaudeDrafter, fake: FakeClaude, answer: dict[str, str], category: str | None, language: str | None
) -> None:
    fake.triage = answer

    triage = await drafter.triage(case())

    assert triage is not None
    assert (triage.category, triage.language) == (category, language)


@pytest.mark.parametrize(
    "answer", [{"sentiment": "murderous"}, {"wants_human": "perhaps"}, {"category": None}, {"sensitive": None}]
)
async def test_triage_of_another_form_is_no_triage(
    drafter: ClaudeDrafter, fake: FakeClaude, answer: dict[str, str | None]
) -> None:
    fake.triage = answer

    assert await drafter.triage(case()) is None


async def test_the_log_has_ids_and_numbers_but_nobodys_words(
    drafter: ClaudeDrafter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="bot.drafting")

    await drafter.draft(case("My secret is marzipan", customer_name="Zebulon"), [snippet()])

    [record] = [record for record in caplog.records if record.name == "bot.drafting.accept"]
    assert vars(record)["request"] == "req_fake00001"
    assert vars(record)["input_tokens"] > 0
    said = str([vars(record) for record in caplog.records])
    assert "marzipan" not in said
    assert "Zebulon" not in said
    assert "sk-test" not in said
    assert "30 days" not in said


async def test_a_model_without_a_known_price_costs_nothing_and_the_log_says_so(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    models = policy().models.model_copy(update={"draft": "claude-next-7"})

    ClaudeDrafter(client("sk-test", "http://127.0.0.1:1"), policy(models=models), clock=clock)

    assert [vars(record)["model"] for record in caplog.records] == ["claude-next-7"]
    assert cost_usd("claude-next-7", Tokens(input=10_000)) == 0


@pytest.mark.parametrize(
    ("model", "tokens", "dollars"),
    [
        # The notes' example: 3k cached, 3.5k fresh, 800 out.
        ("claude-haiku-5-5", Tokens(cache_read=3000, input=3500, output=800), 0.00078),
        ("claude-sonnet-5-5", Tokens(cache_read=3000, input=3500, output=800), 0.0153),
        ("claude-opus-5-5", Tokens(cache_read=3000, input=3500, output=800), 0.0306),
        ("claude-opus-5-5-20260901", Tokens(input=1_000_000), 4.0),
        ("claude-sonnet-5-5", Tokens(cache_write=1_000_000), 4.0),
        ("claude-haiku-5-5", Tokens(input=100_001), 0.0500005),
    ],
)
def test_costs_follow_the_list_prices(model: str, tokens: Tokens, dollars: float) -> None:
    assert cost_usd(model, tokens) == pytest.approx(dollars)
