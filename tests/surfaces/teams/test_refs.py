"""Where a card hangs, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.surfaces.base import SurfaceRefused
from bot.surfaces.teams.refs import Ref, in_thread

ROOT = Ref(
    conversation="19:abc@thread.tacv2;messageid=1763800000000",
    activity="1763800000000",
    tenant="00000000-0000-4000-8000-000000007e4a",
    service_url="https://smba.trafficmanager.net/emea/",
)
REPLY = Ref(conversation=ROOT.conversation, activity="17", tenant=ROOT.tenant, service_url=ROOT.service_url)


def test_a_ref_is_read_back_as_it_was_written() -> None:
    assert str(ROOT) == (
        "19:abc@thread.tacv2;messageid=1763800000000 1763800000000 "
        "00000000-0000-4000-8000-000000007e4a https://smba.trafficmanager.net/emea/"
    )
    assert Ref.parse(str(ROOT)) == ROOT


def test_a_reply_leads_to_the_posting_that_begins_its_thread() -> None:
    assert REPLY.thread == ROOT
    assert ROOT.thread == ROOT
    assert (REPLY.channel, REPLY.root) == ("19:abc@thread.tacv2", "1763800000000")
    assert in_thread(REPLY.channel, REPLY.root) == REPLY.conversation


def test_a_chat_has_no_threads() -> None:
    chat = Ref(conversation="a:1x", activity="5", tenant="t", service_url="https://smba.trafficmanager.net/emea/")

    assert (chat.channel, chat.thread) == ("a:1x", chat)


fields = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(fields, fields, fields)
def test_whatever_ids_teams_makes_they_are_read_back(conversation: str, activity: str, tenant: str) -> None:
    ref = Ref(conversation=conversation, activity=activity, tenant=tenant, service_url="https://a.example/x/")

    assert Ref.parse(str(ref)) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "a/b/c/d/e",
        "\x00",
        "C0SUPPORT/1763800000.000100",
        "a b c",
        "a b c d",
        "a b c https://x y",
        "a  c https://x/",
        "a b c https://x/ ",
        "a b%20 c javascript:x",
        "a b%2f c https://x/",
        "%zz b c https://x/",
    ],
)
def test_what_no_teams_surface_wrote_is_refused(text: str) -> None:
    with pytest.raises(SurfaceRefused):
        Ref.parse(text)
