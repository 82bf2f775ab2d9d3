"""Runs every answer on every wire. A departure is a failure unless `exceptions.toml` gives a reason.

An exception whose answer comes through is a failure too, and so are more exceptions than the allowed share.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tests.fidelity.judge import DECODES, Judge, Thoroughness
from tests.fidelity.recordings import Recording
from tests.fidelity.replay import replaying
from tests.fidelity.wires import CLIENTS

COLUMNS = (DECODES, *CLIENTS)
EXCEPTIONS = Path(__file__).parent / "exceptions.toml"
EXCEPTIONS_SHARE_MAX = 0.005
PROCESSES = 2
# Shards of each process, so that neither waits long for the other.
SHARDS_EACH = 3


class Cell(NamedTuple):
    """One answer on one wire."""

    row: str
    recording: str
    column: str


Verdicts = Mapping[Cell, tuple[str, ...]]


def judged(recordings: Sequence[Recording], thoroughness: Thoroughness) -> dict[Cell, tuple[str, ...]]:
    """Returns the verdict on each recording and wire, one after the other."""
    with replaying() as replay, closing(Judge(replay, thoroughness)) as judge:
        return {
            Cell(recording.row, recording.id, column): problems
            for recording in recordings
            for column, problems in judge.verdicts(recording).items()
        }


def judged_by_all(recordings: Sequence[Recording], thoroughness: Thoroughness) -> dict[Cell, tuple[str, ...]]:
    """Returns the same verdicts, computed by all processes."""
    shards = PROCESSES * SHARDS_EACH
    dealt = [recordings[number::shards] for number in range(shards)]
    found: dict[Cell, tuple[str, ...]] = {}
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        for verdicts in pool.map(partial(judged, thoroughness=thoroughness), dealt):
            found |= verdicts
    return found


def exceptions(path: Path = EXCEPTIONS) -> dict[Cell, str]:
    """Reads the reason for each listed cell."""
    listed = tomllib.loads(path.read_text())["exception"]
    return {
        Cell(each["row"], recording, column): each["reason"]
        for each in listed
        for recording in each["recordings"]
        for column in each["columns"]
    }


@dataclass(frozen=True, slots=True)
class Report:
    """The verdicts beside the exceptions."""

    verdicts: Verdicts
    excused: Mapping[Cell, str]

    @property
    def departures(self) -> dict[Cell, tuple[str, ...]]:
        """Returns the departures that are not listed."""
        return {cell: found for cell, found in self.verdicts.items() if found and cell not in self.excused}

    @property
    def needless(self) -> list[Cell]:
        """Lists the exceptions whose answers come through."""
        return [cell for cell in self.excused if self.verdicts.get(cell) == ()]

    @property
    def excused_share(self) -> float:
        """Returns the excused share of all recorded cells. Our own goldens cover odd cases, and are not counted."""
        recorded = [cell for cell in self.verdicts if not cell.row.startswith("golden/")]
        return sum(cell in self.excused for cell in recorded) / max(len(recorded), 1)

    @property
    def failures(self) -> list[str]:
        """Lists every reason not to pass, a line each."""
        lines = [f"{_named(cell)}: {'; '.join(found)}" for cell, found in self.departures.items()]
        lines += [f"{_named(cell)} comes through and must leave {EXCEPTIONS.name}" for cell in self.needless]
        if self.excused_share > EXCEPTIONS_SHARE_MAX:
            lines.append(f"{self.excused_share:.2%} is excused, at most {EXCEPTIONS_SHARE_MAX:.1%} may be")
        return lines

    def table(self) -> list[str]:
        """Builds a table with a row per source of answers, a column per wire, and cells with the passed of all."""
        passed, total = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for cell, found in self.verdicts.items():
            total[cell.row, cell.column] += 1
            passed[cell.row, cell.column] += not found
        rows = sorted({row for row, _ in total})
        lines = [_line("", COLUMNS)]
        lines += [_line(row, [f"{passed[row, each]}/{total[row, each]}" for each in COLUMNS]) for row in rows]
        return lines

    def reasons(self) -> list[str]:
        """Lists every exception that was met, with its reason."""
        return [f"{_named(cell)}: {reason}" for cell, reason in self.excused.items() if self.verdicts.get(cell)]


def _line(name: str, cells: Iterable[str]) -> str:
    return f"{name:28}" + "".join(f"{cell:>20}" for cell in cells)


def _named(cell: Cell) -> str:
    return f"{cell.row}/{cell.recording} on {cell.column}"
