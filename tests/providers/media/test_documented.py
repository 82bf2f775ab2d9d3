"""The documentation's table of media providers says what the rows are."""

from pathlib import Path

from gateway.providers.media.registry import MEDIA_VENDORS

DOCUMENT = Path(__file__).parents[3] / "docs" / "jobs.md"
YES = {True: "yes", False: "no"}


def test_the_table_of_providers_is_what_the_rows_say() -> None:
    lines = DOCUMENT.read_text().splitlines()
    told = {tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines if line.count("|") == 6}
    rows = {
        (name, row.source, YES[row.verified], YES[row.cancel is not None], YES[row.callback is not None])
        for name, row in MEDIA_VENDORS.items()
    }
    assert rows <= told
