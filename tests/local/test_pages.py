"""Tests of the pages that the local commands print."""

import re
from argparse import Namespace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.admin.commands import shown
from local.accounts import amount_of
from local.serve import CURL, VARIABLES

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_line_to_paste_is_the_readmes() -> None:
    assert CURL.format(root_url="http://127.0.0.1:8080", key="$NEXEVO_API_KEY") in README


def test_the_variables_to_paste_are_those_that_the_documents_read() -> None:
    quickstart = (Path(__file__).parents[2] / "docs/guide/index.md").read_text()
    named = re.findall(r"export (NEXEVO_\w+)=", quickstart)
    assert len(named) == 3
    assert re.findall(r"(NEXEVO_\w+)=", VARIABLES) == named


@pytest.mark.parametrize(
    ("written", "nanousd"), [("0.0000001", 100), ("1E-7", 100), ("1e2", 100 * 10**9), ("100", 100 * 10**9)]
)
def test_a_balance_may_be_any_decimal(written: str, nanousd: int) -> None:
    assert amount_of(Decimal(written)) == nanousd


def test_a_credit_is_a_page_for_a_person_and_a_line_for_a_program() -> None:
    entry = {"id": "e1", "amount_nano": 1_500_000_000}
    assert shown(Namespace(command="credit", json=False), entry) == "credited 1.5 USD, entry e1"
    assert shown(Namespace(command="credit", json=True), entry) == '{"id":"e1","amount_nano":1500000000}'


def test_a_sweep_is_a_page_for_a_person() -> None:
    report = {"released": 2, "charged": 1, "ended_before": 0, "left": 4}
    assert shown(Namespace(command="sweep", json=False), report).startswith(
        "ended 3 overdue holds: 2 released, 1 charged"
    )
