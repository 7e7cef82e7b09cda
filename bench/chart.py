"""The chart of a run: each figure against its goal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

_REACHED: Final = "#1f6f8b"
_MISSED: Final = "#c8553d"
_INK: Final = "#222222"
_MOST: Final = 10.0  # a bar is no longer than ten times its goal
_LEAST: Final = 0.1


def draw(shares: Sequence[tuple[str, str, float]], into: Path) -> None:
    """One bar for each (words, figure and goal, share), as a PNG: to the right of the line is better than the goal."""
    # Half a second, and only at the end of a run; its own way of drawing, so that no display is looked for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(10, 0.42 * len(shares) + 1.4), dpi=120, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, (_, shown, share) in enumerate(shares):
        end = min(max(share, _LEAST), _MOST)
        reached = share >= 1
        axes.barh(place, end - 1, left=1, height=0.62, color=_REACHED if reached else _MISSED)
        mark = "✓" if reached else "✗"
        axes.text(_MOST * 1.15, place, f"{mark} {shown}", va="center", color=_INK, fontsize=9)
    axes.set_yticks(range(len(shares)), [words for words, _, _ in shares], fontsize=9, color=_INK)
    axes.set_xscale("log")
    axes.set_xlim(_LEAST, _MOST)
    axes.set_xticks([0.1, 0.5, 1, 2, 5, 10], ["a tenth", "half", "goal", "2x", "5x", "10x"], fontsize=9, color=_INK)
    axes.minorticks_off()
    axes.axvline(1, color=_INK, linewidth=1)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    axes.set_title("Each figure against its goal: right of the line is better", fontsize=11, color=_INK, loc="left")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.savefig(into)
