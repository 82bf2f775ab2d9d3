"""Figures with their bar (the limit) and their aim (the goal); a figure that misses its bar says so."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """The rounds' results of one measurement; `part` is its heading.

    A figure without a bar explains another one. On a shared machine, the median shows the usual result, and the best
    shows the result of an idle machine. `at_least` turns bar and aim round: more is better.
    """

    part: str
    name: str
    values: Sequence[float]
    unit: str = ""
    bar: float | None = None
    aim: float | None = None
    at_least: bool = False

    @property
    def median(self) -> float:
        """The median of all rounds, which is judged."""
        return median(self.values)

    @property
    def best(self) -> float:
        """The best of all rounds."""
        return max(self.values) if self.at_least else min(self.values)

    @property
    def verdict(self) -> str:
        """`missed`, `met`, or `aim` if that is met too; empty without a bar."""
        if self.bar is None:
            return ""
        if not self._reaches(self.bar):
            return "missed"
        return "aim" if self.aim is not None and self._reaches(self.aim) else "met"

    def _reaches(self, limit: float) -> bool:
        return self.median >= limit if self.at_least else self.median <= limit


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """The figures for machines."""
    return [
        {
            "part": figure.part,
            "name": figure.name,
            "median": figure.median,
            "best": figure.best,
            "values": list(figure.values),
            "unit": figure.unit,
            "bar": figure.bar,
            "aim": figure.aim,
            "verdict": figure.verdict,
        }
        for figure in figures
    ]


def as_table(figures: Iterable[Figure]) -> str:
    """The figures for a reader, in 100 columns."""
    return "\n".join(_lines(figures))


def _lines(figures: Iterable[Figure]) -> Iterator[str]:
    for part, members in groupby(figures, key=lambda figure: figure.part):
        yield f"\n{part:<49}{'median':>9}{'best':>8}    {'bar':>9}{'aim':>10}"
        for figure in members:
            best = short(figure.best) if len(figure.values) > 1 else ""
            yield (
                f"  {figure.name:<47}{short(figure.median):>9}{best:>8} {figure.unit:<3}"
                f"{short(figure.bar):>9}{short(figure.aim):>10}  {figure.verdict}"
            ).rstrip()


def short(value: float | None) -> str:
    """Three digits, no exponent."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
