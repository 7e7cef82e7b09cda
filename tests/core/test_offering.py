"""Which buttons stand under a card, however a surface drew it."""

from bot.core.cards import Action
from bot.core.offering import Offered, label, offered, unapproved
from tests.surfaces.cards import MENU, ended, proposal, waiting

EDIT, TAKE_OVER = Action.EDIT, Action.TAKE_OVER


def test_what_is_whole_is_approved_at_once() -> None:
    assert offered(waiting(), cut=False, readable=False).buttons == (Action.APPROVE, EDIT, TAKE_OVER)


def test_what_was_cut_is_read_first() -> None:
    row = offered(waiting(), cut=True, readable=True)

    assert row == Offered(buttons=(Action.READ_ALL, EDIT, TAKE_OVER), menu=MENU)


def test_what_nothing_can_show_whole_is_neither_read_nor_approved_and_the_reader_is_told() -> None:
    assert offered(waiting(), cut=True, readable=False) == Offered(buttons=(EDIT, TAKE_OVER), menu=MENU, too_long=True)


def test_nothing_is_approved_where_no_draft_is_drawn() -> None:
    for card in (waiting(proposal=None), waiting(proposal=proposal(" ")), ended(buttons=(Action.APPROVE,))):
        assert Action.APPROVE not in offered(card, cut=False, readable=True).buttons
    assert unapproved(waiting()).buttons == (EDIT, TAKE_OVER)


def test_what_is_settled_can_be_read_and_its_button_says_no_more() -> None:
    card = ended()

    assert offered(card, cut=True, readable=True).buttons == (Action.READ_ALL,)
    assert offered(card, cut=False, readable=True).buttons == ()
    assert label(card, Action.READ_ALL) == "Read all…"
    assert label(waiting(), Action.READ_ALL) == "Read all & approve…"
