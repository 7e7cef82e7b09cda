"""Posting row -> card on a surface: posted once, redrawn when it would look different."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.cards import Card, CardState, Offer
from bot.core.drafts import Library
from bot.core.drawing import draw
from bot.core.texts import legible, one_line
from bot.steps.workshop import Workshop, promise_show
from bot.surfaces.base import Surface, SurfaceRefused
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.jobs import Claimed
from storage.joins.facts import Facts, facts_behind
from storage.rows import change, put
from storage.tables import Posting, PostingStatus, Review

log = logging.getLogger(__name__)

_OFFERS = 3


@dataclass(frozen=True)
class Showing:
    """The handler of SHOW jobs, and the one place where rows become cards."""

    shop: Workshop
    library: Library
    surfaces: Mapping[str, Surface]

    async def __call__(self, job: Claimed) -> None:
        facts = await self.shop.db.read(lambda tx: facts_behind(tx, job.subject))
        if facts is None or facts.posting.surface not in self.surfaces:  # one that is not set up any more
            return
        card = await self.card(facts)
        if facts.posting.status is PostingStatus.POSTED:
            await self._redraw(job, facts.posting, card)
        else:
            await self._post(job, facts.posting, card, facts.root)

    async def card(self, facts: Facts) -> Card:
        card = draw(facts, self.shop.policy)
        if card.state is CardState.WAITING and card.proposal is None and facts.review and facts.review.draft_missing:
            return draw(facts, self.shop.policy, offers=await self._offers(facts))
        return card

    async def _offers(self, facts: Facts) -> tuple[Offer, ...]:
        """What the knowledge base and past replies have: promise 10."""
        question = legible("\n\n".join(message.text for message in facts.to_answer))
        found = [
            Offer(
                title=one_line(snippet.source.title, 120),
                text=one_line(snippet.source.quote, 300),
                url=snippet.source.url,
            )
            for snippet in await self.library.search(question, limit=_OFFERS)
        ]
        for precedent in await self.library.precedents(question, not_of=facts.customer.id, limit=1):
            found.append(Offer(title="A past reply", text=one_line(precedent.text, 300), url=None))
        return tuple(found)

    async def _redraw(self, job: Claimed, posting: Posting, card: Card) -> None:
        looks = _looks(card)
        if posting.ref is None or posting.shown == looks:
            return
        job.confirm()
        await self.surfaces[posting.surface].update(posting.ref, card)
        reached(Point.REDRAWN)
        await self.shop.db.write(lambda tx: put(tx, Posting, posting.id, {"shown": looks}))

    async def _post(self, job: Claimed, posting: Posting, card: Card, thread: str | None) -> None:
        """Note that we try, post, note where it hangs. A crash in between is found again by the posting's id."""
        surface, again = self.surfaces[posting.surface], posting.status is PostingStatus.TRYING
        await surface.turn(card, place=posting.place)
        if not again:
            await self._trying(posting)
        reached(Point.TRYING)
        job.confirm()
        try:
            ref = await surface.post(card, place=posting.place, thread=thread, again=again)
        except SurfaceRefused:
            log.error("surface refused a card", extra={"posting": posting.id, "surface": posting.surface})
            raise
        reached(Point.POSTED)
        await self.shop.db.write(lambda tx: self._posted(tx, posting, ref, None if again else _looks(card)))
        reached(Point.POSTED_FOR_GOOD)
        log.info("card posted", extra={"posting": posting.id, "conversation": posting.conversation_id, "ref": ref})

    async def _trying(self, posting: Posting) -> None:
        news, expect = {"status": PostingStatus.TRYING}, {"status": PostingStatus.WANTED}
        if not await self.shop.db.write(lambda tx: change(tx, Posting, posting.id, news, expect=expect)):
            raise LookupError(f"posting {posting.id} is not wanted any more")  # its lane lets nobody else post it

    def _posted(self, tx: Tx, posting: Posting, ref: str, looks: str | None) -> None:
        """Without `looks` it may hang as an earlier attempt drew it, and be pressed already: it is drawn anew."""
        news = {"status": PostingStatus.POSTED, "ref": ref, "shown": looks}
        if not change(tx, Posting, posting.id, news, expect={"status": PostingStatus.TRYING}):
            return
        if looks is None:
            promise_show(tx, self.shop, posting)
        if posting.review_id is not None:
            change(tx, Review, posting.review_id, {"shown_at": self.shop.clock()}, expect={"shown_at": None})


def _looks(card: Card) -> str:
    """Equal for cards that look the same."""
    return hashlib.sha256(repr(card).encode("utf-8", "surrogatepass")).hexdigest()[:32]
