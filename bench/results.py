"""The figures of one run: printed, and kept as bench/results/latest.json, latest.md and latest.png."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.chart import draw
from bench.goals import GOALS, Goal

RESULTS = Path(__file__).parent / "results"
_CHART = "latest.png"


@dataclass(frozen=True)
class Figure:
    name: str  # its name in latest.json
    words: str
    value: float
    unit: str = ""

    @property
    def shown(self) -> str:
        digits = 0 if abs(self.value) >= 100 else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()


@dataclass
class Results:
    """What was measured, in order. A figure with a goal is known by its name alone: bench/goals.py has its words."""

    facts: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # why a figure with a goal was not measured

    def add(self, name: str, words: str, value: float, unit: str = "") -> None:
        self.figures[name] = Figure(name, words, value, unit)

    def reach(self, name: str, value: float) -> None:
        """A figure that has a goal."""
        goal = GOALS[name]
        self.figures[name] = Figure(name, goal.words, value, goal.unit)
        self.missing.pop(name, None)

    def either(self, name: str, kind: str, value: float) -> None:
        """A figure with one goal for both databases: each is told, and the worse one counts."""
        goal = GOALS[name]
        self.add(f"{name}_{kind}", f"{goal.words}, {kind}", value, goal.unit)
        if name not in self.figures or goal.share(value) < goal.share(self[name]):
            self.reach(name, value)

    def without(self, names: Sequence[str], why: str) -> None:
        for name in names:
            if name not in self.figures:
                self.missing[name] = why

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value

    def flat(self) -> dict[str, str | float | None]:
        """Every promised name first, None where it was not measured; then all else."""
        promised: dict[str, float | None] = {
            name: round(self.figures[name].value, 4) if name in self.figures else None for name in GOALS
        }
        whys = {f"{name} not measured": why for name, why in self.missing.items()}
        others = {name: round(figure.value, 4) for name, figure in self.figures.items() if name not in GOALS}
        return {**promised, **whys, **others, **self.facts}

    def rows(self) -> list[tuple[str, str, str, str]]:
        """What, figure, goal, and whether it is reached: the goals first."""
        rows = []
        for goal in GOALS.values():
            figure = self.figures.get(goal.name)
            told = "not measured" if figure is None else "yes" if goal.reached(figure.value) else "no"
            rows.append((goal.words, figure.shown if figure else "", goal.shown, told))
        rows += [(each.words, each.shown, "", "") for each in self.figures.values() if each.name not in GOALS]
        return rows

    def markdown(self) -> str:
        lines = ["# The last run of `make bench`", ""]
        shares = self.shares()
        if shares:
            lines += [f"![{_alt(shares)}]({_CHART})", ""]
        lines += [f"- {name}: {words}" for name, words in self.facts.items()]
        lines += [f"- not measured: {GOALS[name].words}: {why}" for name, why in self.missing.items()]
        lines += ["", "| what | figure | goal | reached |", "| --- | ---: | ---: | --- |"]
        lines += [f"| {what} | {figure} | {goal} | {told} |" for what, figure, goal, told in self.rows()]
        return "\n".join(lines) + "\n"

    def shares(self) -> list[tuple[Goal, Figure]]:
        """The figures with goals, for the chart."""
        return [(goal, self.figures[name]) for name, goal in GOALS.items() if name in self.figures]

    def write(self, folder: Path) -> Sequence[Path]:
        """The files written."""
        folder.mkdir(parents=True, exist_ok=True)
        data, text, chart = folder / "latest.json", folder / "latest.md", folder / _CHART
        data.write_text(json.dumps(self.flat(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        text.write_text(self.markdown(), encoding="utf-8")
        shares = [
            (goal.words, f"{figure.shown} ({goal.shown})", goal.share(figure.value)) for goal, figure in self.shares()
        ]
        if not shares:
            return data, text
        draw(shares, chart)
        return data, text, chart


def _alt(shares: Sequence[tuple[Goal, Figure]]) -> str:
    """The chart in words."""
    missed = [f"{goal.words} {figure.shown}" for goal, figure in shares if not goal.reached(figure.value)]
    said = f"Bar chart: {len(shares) - len(missed)} of {len(shares)} figures reach their goal."
    return f"{said} Not reached: {'; '.join(missed)}." if missed else said
