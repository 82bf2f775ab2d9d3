"""Tests that the documentation's table of media providers matches the rows."""

from pathlib import Path

from gateway.providers.media.registry import MEDIA_VENDORS

DOCUMENT = Path(__file__).parents[3] / "docs" / "jobs.md"
HEAD = "| provider | shapes from | driven by its vendor's SDK | can be cancelled | calls back |"
YES = {True: "yes", False: "no"}


def test_the_table_of_providers_is_what_the_rows_say() -> None:
    lines = DOCUMENT.read_text().splitlines()
    start = lines.index(HEAD) + 2
    told = [line for line in lines[start : start + len(MEDIA_VENDORS)] if line.startswith("|")]
    rows = [
        f"| {name} | {row.source} | {YES[row.verified]} | {YES[row.cancel is not None]} "
        f"| {YES[row.callback is not None]} |"
        for name, row in sorted(MEDIA_VENDORS.items())
    ]
    assert [row for row in rows if row not in lines] == [], "add these lines"
    assert told == rows
    assert not lines[start + len(MEDIA_VENDORS)].startswith("|")
