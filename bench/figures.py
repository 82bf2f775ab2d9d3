"""Figures with their limit (the budget) and their goal (the ambition); below either is good."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """The rounds' results of one measurement; `part` is its heading.

    A figure without a budget explains another one. On a shared machine, the median shows the usual result, and the best
    shows the result of an idle machine.
    """

    part: str
    name: str
    values: Sequence[float]
    unit: str = ""
    budget: float | None = None
    ambition: float | None = None

    @property
    def median(self) -> float:
        """The median of all rounds, which is judged."""
        return median(self.values)

    @property
    def best(self) -> float:
        """The least of all rounds."""
        return min(self.values)

    @property
    def verdict(self) -> str:
        """`over` the budget, `ok` within it, `ambition` if that is met too; empty without a budget."""
        if self.budget is None:
            return ""
        if self.median > self.budget:
            return "over"
        return "ambition" if self.ambition is not None and self.median <= self.ambition else "ok"


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """The figures for machines."""
    return [
        {
            "part": figure.part,
            "name": figure.name,
            "median": figure.median,
            "best": figure.best,
            "unit": figure.unit,
            "budget": figure.budget,
            "ambition": figure.ambition,
            "verdict": figure.verdict,
        }
        for figure in figures
    ]


def as_table(figures: Iterable[Figure]) -> str:
    """The figures for a reader, in 100 columns."""
    return "\n".join(_lines(figures))


def _lines(figures: Iterable[Figure]) -> Iterator[str]:
    for part, members in groupby(figures, key=lambda figure: figure.part):
        yield f"\n{part:<49}{'median':>9}{'best':>8}    {'budget':>9}{'ambition':>10}"
        for figure in members:
            best = _short(figure.best) if len(figure.values) > 1 else ""
            yield (
                f"  {figure.name:<47}{_short(figure.median):>9}{best:>8} {figure.unit:<3}"
                f"{_short(figure.budget):>9}{_short(figure.ambition):>10}  {figure.verdict}"
            ).rstrip()


def _short(value: float | None) -> str:
    """Three digits, no exponent."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
