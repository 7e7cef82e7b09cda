"""An edit is classified by what it says before how much it says."""

import time

import pytest

from bot.core.edits import compare
from storage.tables import EditKind

DRAFT = "Hi Ada,\n\nyour refund of €40 arrives within 5 days.\n\nKind regards,\nLarkspur Supply"


@pytest.mark.parametrize(
    ("final", "kind"),
    [
        (DRAFT, EditKind.UNCHANGED),
        (DRAFT.replace("Hi Ada,", "Hello Ada!"), EditKind.COSMETIC),
        (DRAFT.replace("Kind regards,\nLarkspur Supply", "Best,\nBo"), EditKind.COSMETIC),
        (DRAFT.replace("days.", "days 🙂"), EditKind.COSMETIC),
        (DRAFT.replace("\n\n", "\n"), EditKind.COSMETIC),
        (DRAFT.replace("arrives", "will be with you"), EditKind.REWORDED),
        (DRAFT.replace("5 days", "15 days"), EditKind.SUBSTANTIVE),
        (DRAFT.replace("€40", "€45"), EditKind.SUBSTANTIVE),
        (DRAFT.replace("arrives", "does not arrive"), EditKind.SUBSTANTIVE),
        (DRAFT.replace("days.", "days: https://larkspur.example/refunds."), EditKind.SUBSTANTIVE),
        (DRAFT.replace("days.", "days. Write to help@larkspur.example."), EditKind.SUBSTANTIVE),
        (DRAFT.replace("within 5 days", "by Friday, within 5 days"), EditKind.SUBSTANTIVE),
    ],
)
def test_small_changes_of_fact_outweigh_large_changes_of_words(final: str, kind: EditKind) -> None:
    assert compare(DRAFT, final).kind is kind


def test_similarity_runs_from_nothing_alike_to_the_same() -> None:
    assert compare("one two", "one two").similarity == 1.0
    assert compare("one two", "three four").similarity == 0.0
    assert 0 < compare("one two three", "one two four").similarity < 1


@pytest.mark.parametrize("unit", ["a", "a ", "\n", "a.", "talk to ", "x\n", "\nthanks "])
def test_long_hostile_texts_are_compared_at_once(unit: str) -> None:
    long = unit * (20_000 // len(unit))
    begun = time.thread_time()

    assert compare(long, f"b{long}c").kind is not EditKind.UNCHANGED
    assert compare("Hello", f"b{long}c").kind is not EditKind.UNCHANGED
    assert time.thread_time() - begun < 2  # of the processor's seconds, whoever else it works for


def test_texts_that_repeat_themselves_are_compared_by_their_words() -> None:
    assert compare("a " * 1000, "b " + "a " * 1000).similarity == pytest.approx(0.9995)


def test_a_reply_without_a_draft_was_written() -> None:
    assert compare(None, "Hello").kind is EditKind.WRITTEN
