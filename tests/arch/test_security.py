"""Checks that SECURITY.md names for each boundary tests that exist."""

import re

import pytest

from tests.arch.tree import ROOT

ROW = re.compile(r"^\| (?P<name>B\d+) \| (?P<what>[^|]+) \| (?P<held>[^|]+) \|$", re.MULTILINE)
PATH = re.compile(r"`(tests/[\w/]+\.py)`")
TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = list(ROW.finditer(TEXT))


def missing(row: str) -> list[str]:
    """Lists what is wrong with the tests that a row names."""
    named = PATH.findall(row)
    if not named:
        return ["no test"]
    return [path for path in named if not (ROOT / path).is_file() or "def " not in (ROOT / path).read_text()]


def test_the_boundaries_are_numbered_one_by_one() -> None:
    assert [row["name"] for row in ROWS] == [f"B{number}" for number in range(1, TEXT.count("\n| B") + 1)]
    assert len(ROWS) > 15


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_each_boundary_is_held_by_tests_that_exist(row: re.Match[str]) -> None:
    assert missing(row["held"]) == []


def test_every_test_that_the_document_names_is_there() -> None:
    assert [path for path in PATH.findall(TEXT) if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("held", ["by care", "`tests/arch/test_nothing.py`", "`tests/golden`"])
def test_a_row_without_a_test_is_recognised(held: str) -> None:
    assert missing(held) != []
