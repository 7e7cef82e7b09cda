"""The figures of one run: printed, and kept as bench/results/latest.json and latest.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    name: str  # its name in latest.json
    words: str
    value: float
    unit: str = ""
    goal: str = ""  # "" where none is set

    @property
    def shown(self) -> str:
        digits = 0 if abs(self.value) >= 100 else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()


@dataclass
class Results:
    facts: dict[str, str] = field(default_factory=dict)  # of the run: what was measured, where, with what
    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, words: str, value: float, unit: str = "", goal: str = "") -> None:
        self.figures.append(Figure(name, words, value, unit, goal))

    def __getitem__(self, name: str) -> float:
        return next(figure.value for figure in self.figures if figure.name == name)

    def markdown(self) -> str:
        lines = ["# The last run of `make bench`", ""]
        lines += [f"- {name}: {words}" for name, words in self.facts.items()]
        lines += ["", "| what | figure | goal |", "| --- | ---: | ---: |"]
        lines += [f"| {figure.words} | {figure.shown} | {figure.goal} |" for figure in self.figures]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> Sequence[Path]:
        """The files written."""
        folder.mkdir(parents=True, exist_ok=True)
        flat = {**self.facts, **{figure.name: round(figure.value, 4) for figure in self.figures}}
        data, text = folder / "latest.json", folder / "latest.md"
        data.write_text(json.dumps(flat, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        text.write_text(self.markdown(), encoding="utf-8")
        return data, text
