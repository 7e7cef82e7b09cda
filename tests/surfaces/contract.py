"""What every surface promises. A surface's tests subclass this and provide the fixture `hung`."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from bot.core.cards import Card, CardState
from bot.surfaces.base import Surface, SurfaceRefused, SurfaceUnavailable
from storage.jobs import Postpone
from storage.tables import Role
from tests.surfaces.cards import closed, ended, said, waiting


class Hung(Protocol):
    """A surface, and eyes on where its cards hang."""

    surface: Surface
    place: str  # a channel it may post in

    def keys(self) -> list[str]:
        """The key of every card that hangs in the place, threads included, in the order of posting."""

    def words(self, ref: str) -> str:
        """All that is to be read on a card."""

    def pings(self) -> list[str]:
        """Whom anything that hangs there notifies."""

    def in_thread_of(self, ref: str) -> list[str]:
        """The keys of the cards in the thread that this card begins."""

    def lose_the_answer_of_the_next_post(self, *, by_dropping: bool) -> None:
        """It arrives, and the poster is answered with an error, or with nothing."""

    def refuse_the_next_call(self) -> None: ...

    def pass_time(self, by: timedelta) -> None: ...

    def now(self) -> datetime: ...


async def put_up(surface: Surface, card: Card, *, place: str, thread: str | None, again: bool) -> str:
    """As the step does it: its turn, then the post. Raises Postpone until it is its turn."""
    await surface.turn(card, place=place)
    return await surface.post(card, place=place, thread=thread, again=again)


class SurfaceContract:
    """Posting, redrawing, finding again, pacing, membership."""

    async def test_a_card_hangs_where_it_was_put_and_can_be_redrawn(self, hung: Hung) -> None:
        card = waiting()

        ref = await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
        assert "Where is my tent?" in hung.words(ref)
        await hung.surface.update(ref, replace(ended(CardState.SENT), key=card.key))

        assert "Approved as drafted by Bo Lindqvist" in hung.words(ref)
        assert hung.keys() == [card.key]

    async def test_a_redraw_may_be_repeated(self, hung: Hung) -> None:
        ref = await put_up(hung.surface, waiting(), place=hung.place, thread=None, again=False)

        for _ in range(3):
            await hung.surface.update(ref, closed())

        assert "see the newer card" in hung.words(ref)

    async def test_a_card_can_hang_in_the_thread_of_another(self, hung: Hung) -> None:
        first, second, third = waiting(), waiting(broadcast=True), waiting()

        root = await put_up(hung.surface, first, place=hung.place, thread=None, again=False)
        reply = await put_up(hung.surface, second, place=hung.place, thread=root, again=False)
        await put_up(hung.surface, third, place=hung.place, thread=reply, again=False)

        assert hung.in_thread_of(root) == [second.key, third.key]

    @pytest.mark.parametrize("by_dropping", [False, True], ids=["an error", "nothing"])
    @pytest.mark.parametrize("threaded", [False, True], ids=["in the channel", "in a thread"])
    async def test_a_post_whose_answer_was_lost_is_found_again_not_repeated(
        self, hung: Hung, by_dropping: bool, threaded: bool
    ) -> None:
        root = await put_up(hung.surface, waiting(), place=hung.place, thread=None, again=False) if threaded else None
        card = waiting()
        hung.lose_the_answer_of_the_next_post(by_dropping=by_dropping)

        with pytest.raises(SurfaceUnavailable):
            await put_up(hung.surface, card, place=hung.place, thread=root, again=False)
        ref = await put_up(hung.surface, card, place=hung.place, thread=root, again=True)

        assert hung.keys().count(card.key) == 1
        assert "Where is my tent?" in hung.words(ref)

    async def test_a_post_that_never_arrived_is_posted_when_tried_again(self, hung: Hung) -> None:
        card = waiting()

        await put_up(hung.surface, card, place=hung.place, thread=None, again=True)

        assert hung.keys() == [card.key]

    async def test_a_refusal_names_the_reason(self, hung: Hung) -> None:
        hung.refuse_the_next_call()

        with pytest.raises(SurfaceRefused, match=r"not_found|forbidden"):
            await put_up(hung.surface, waiting(), place=hung.place, thread=None, again=False)

    async def test_a_reference_of_another_surface_is_refused(self, hung: Hung) -> None:
        for ref in ("", "nonsense", "a/b/c/d/e", "\x00"):
            with pytest.raises(SurfaceRefused):
                await hung.surface.update(ref, waiting())

    @pytest.mark.parametrize("size", [0, 300, 30_000])
    async def test_hostile_words_of_any_length_hang_and_call_nobody(self, hung: Hung, size: int) -> None:
        words = "<!channel> <@U0ANA> @here <https://evil.example|bank> \u202e*x* & < > ` " + "x" * size
        card: Card = waiting(said=(said(words),), headline=words, summary=words)

        ref = await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
        await hung.surface.update(ref, card)

        assert "<!channel> <@U0ANA> @here <https://evil.example|bank>" in hung.words(ref)
        assert hung.pings() == []

    async def test_everyone_who_may_press_is_a_member_with_their_highest_role(self, hung: Hung) -> None:
        roles = {member.external_id: member.role for member in await hung.surface.members()}

        assert Role.AGENT in roles.values()
        assert Role.SUPERVISOR in roles.values()
        assert Role.ADMIN in roles.values()


class PacedContract:
    """Posts at the surface's pace: `hung` allows one a second here. Nobody sleeps, and the order is kept."""

    async def test_posts_take_their_turns_and_keep_their_order(self, hung: Hung) -> None:
        cards = [waiting() for _ in range(6)]
        turns: dict[str, datetime] = {}
        for card in cards:
            try:
                await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
            except Postpone as postponed:
                turns[card.key] = postponed.until

        assert len(turns) >= 4
        assert list(turns.values()) == sorted(turns.values())
        for card in cards:
            if card.key in turns:
                hung.pass_time(turns[card.key] - hung.now())
                await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
        assert hung.keys() == [card.key for card in cards]

    async def test_who_comes_too_early_keeps_the_place(self, hung: Hung) -> None:
        late = waiting()
        for card in [waiting() for _ in range(4)]:
            with suppress(Postpone):
                await put_up(hung.surface, card, place=hung.place, thread=None, again=False)

        slots = []
        for _ in range(3):
            with pytest.raises(Postpone) as postponed:
                await put_up(hung.surface, late, place=hung.place, thread=None, again=False)
            slots.append(postponed.value.until)

        assert max(slots) - min(slots) < timedelta(seconds=0.1)
