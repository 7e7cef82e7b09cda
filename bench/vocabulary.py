"""Made-up text with the frequencies of real one: the r-th word comes about as often as 1/r. Deterministic."""

from itertools import accumulate, product
from random import Random
from typing import Final

# The first ranks: what English is full of, then what a shop's customers are full of.
_EVERYDAY: Final = (
    "the to I and a my is it of in for you that have not on was with are this be me but can your they do will so what"
    " when how there if would from at or as been we has an had which please still could them after just any get"
)
_SHOP: Final = (
    "order delivery parcel return refund tent jacket boots size invoice warranty exchange tracking address payment"
    " zip shipping account password card broken arrived wrong damaged late repair colour discount gift stock label"
    " courier confirmation receipt voucher sleeping bag stove rope pole seam sole waterproof membrane laces strap"
)
_ONSETS: Final = "b br d dr f fl g gr h k kl l m n p pl r s st t tr v w z"
_RIMES: Final = "an el ir on ud ask eft ind olm urt ane eed ile ope ume"
WORDS: Final = 20_000
_STEEPNESS: Final = 2.7  # Mandelbrot's: the very first ranks are less far apart than 1/r says


def words() -> list[str]:
    """Every word there is, the most frequent first."""
    known = f"{_EVERYDAY} {_SHOP}".split()
    syllables = ["".join(pair) for pair in product(_ONSETS.split(), _RIMES.split())]
    made = ["".join(pair) for pair in product(syllables, syllables)]
    Random(1).shuffle(made)
    return list(dict.fromkeys(known + made))[:WORDS]


class Writer:
    """Writes words by their frequency; the same seed, the same text."""

    def __init__(self, seed: int) -> None:
        self._words = words()
        self._weights = list(accumulate(1 / (rank + _STEEPNESS) for rank in range(len(self._words))))
        self._chance = Random(seed)

    def line(self, count: int) -> str:
        return " ".join(self._chance.choices(self._words, cum_weights=self._weights, k=count))

    def sentence(self, count: int) -> str:
        line = self.line(count)
        return f"{line[0].upper()}{line[1:]}."

    def some_of(self, text: str, count: int) -> str:
        """Words of a text, as somebody asks about it."""
        return " ".join(self._chance.choices(text.split(), k=count))
