"""Tests that the official SDK of every client wire reads the answers of every provider wire.

Goldens are always read; here each row sends a few of them and of the traffic beside the checkout. `make fidelity`
judges
all of it.
"""

from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.fidelity.judge import QUICK
from tests.fidelity.matrix import COLUMNS, Report, exceptions, judged
from tests.fidelity.recordings import Recording, goldens, recorded
from tests.fidelity.wires import UPSTREAMS

SENT_EACH = 4


def few_of_each(recordings: Iterable[Recording]) -> list[Recording]:
    """Picks some answers of each provider and API, streams and whole answers, spread over the list."""
    kinds: dict[tuple[str, bool], list[Recording]] = defaultdict(list)
    for recording in recordings:
        kinds[recording.row, recording.stream].append(recording)
    return [each for kind in kinds.values() for each in kind[:: max(len(kind) // SENT_EACH, 1)][:SENT_EACH]]


@pytest.fixture(scope="module")
def golden_report() -> Report:
    listed = {cell: reason for cell, reason in exceptions().items() if cell.row.startswith("golden/")}
    return Report(judged(list(goldens()), QUICK), listed)


def test_every_sdk_reads_from_us_what_the_providers_sdk_reads_from_our_goldens(golden_report: Report) -> None:
    assert golden_report.failures == []


def test_the_goldens_cover_every_cell_of_the_matrix(golden_report: Report) -> None:
    rows = {f"golden/{wire}" for wire in UPSTREAMS}
    assert {(cell.row, cell.column) for cell in golden_report.verdicts} == {(r, c) for r in rows for c in COLUMNS}


def test_every_exception_names_a_golden_or_a_recording_that_departs(golden_report: Report) -> None:
    golden = {cell for cell in exceptions() if cell.row.startswith("golden/")}
    assert {cell for cell in golden if not golden_report.verdicts.get(cell)} == set()


def test_every_sdk_reads_from_us_what_the_providers_sdk_reads_from_recorded_traffic() -> None:
    report = Report(judged(few_of_each(recorded()), QUICK), exceptions())
    assert {cell.column for cell in report.verdicts} == set(COLUMNS)
    assert report.departures == {}
