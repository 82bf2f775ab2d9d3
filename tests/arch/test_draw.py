"""Checks that the draw of `make check` keeps a third of a table, by the commit, and says what it cannot draw from."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import not_drawn
from tests.drawn import drawn

CASES = [f"case {n}" for n in range(301)]


def item(nodeid: str, *, is_drawn: bool = True) -> Any:
    return SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda _: is_drawn or None)


def test_a_third_is_kept_in_its_order_and_the_same_for_the_same_commit() -> None:
    kept = drawn(CASES, seed="a1")
    assert len(kept) == 101
    assert kept == sorted(kept, key=CASES.index) == drawn(CASES, seed="a1")


def test_commits_draw_every_case_before_long() -> None:
    assert {case for commit in range(30) for case in drawn(CASES, seed=f"{commit:x}")} == {*CASES}


def test_without_a_seed_all_are_kept_and_with_one_at_least_one() -> None:
    assert drawn(CASES, seed="") == CASES
    assert drawn(["one"], seed="a1") == ["one"]


def test_each_marked_table_loses_two_thirds_and_others_nothing() -> None:
    tables = [item(f"test_a.py::{name}[{n}]") for name in ("test_x", "test_y") for n in range(9)]
    single = [item("test_a.py::test_z", is_drawn=False), item("test_a.py::test_w[1]", is_drawn=False)]
    left_out = not_drawn([*tables, *single], "a1")
    names = ("test_x", "test_y", "test_z", "test_w")
    assert [sum(name in nodeid for nodeid in left_out) for name in names] == [6, 6, 0, 0]
    assert not_drawn([*tables, *single], "") == set()


def test_a_single_test_cannot_be_drawn() -> None:
    with pytest.raises(pytest.UsageError, match="no cases to draw from"):
        not_drawn([item("test_a.py::test_z")], "a1")
