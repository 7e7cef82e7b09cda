"""What travels in a button comes back through the client, and is read as a claim."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.decisions import Shown

IDS = st.text(alphabet="abcdefghjkmnpqrstvwxyz0123456789_", min_size=1, max_size=30)


@given(IDS, st.integers(min_value=0, max_value=2**31 - 1), st.none() | IDS, st.none() | IDS, st.none() | IDS)
def test_what_was_shown_comes_back_as_it_was(
    conversation: str, sequence: int, review: str | None, draft: str | None, message: str | None
) -> None:
    shown = Shown(
        conversation_id=conversation, sequence=sequence, review_id=review, draft_digest=draft, message_id=message
    )

    assert Shown.unpack(shown.pack()) == shown
    assert len(shown.pack()) <= 200


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "not json",
        "null",
        "[]",
        '["cnv_1",1,null,null]',
        '["cnv_1","1",null,null,null]',
        '["cnv_1",true,null,null,null]',
        '["cnv_1",-1,null,null,null]',
        '["cnv_1",1e99,null,null,null]',
        '[{"a":1},1,null,null,null]',
        '["cnv_1",1,{"a":1},null,null]',
        '["cnv_\\u0000",1,null,null,null]',
        '["cnv_1",1,"rev_\\ud800",null,null]',
        json.dumps(["c" * 500, 1, None, None, None]),
        "[" * 10_000,
    ],
)
def test_what_we_did_not_write_is_refused(packed: str) -> None:
    with pytest.raises(ValueError, match="not a button of ours"):
        Shown.unpack(packed)
