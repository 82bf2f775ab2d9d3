"""Tests of windows, ids and stored refusals, which are arithmetic on a given time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.money import Refusal, RefusedBy, Window
from gateway.ledger.hold_ids import admitted_s, hold_id_at, id_floor
from gateway.limits.refusals import REMEMBERED_MAX, Refusals
from gateway.limits.windows import (
    ACCOUNT_RPM_LIMIT,
    READS_RPM,
    enforced_rpm,
    minute_of,
    month_of,
    month_reset_s,
    reset_s,
    tighter,
)
from tests.money.given import NOW_S

FULL = Refusal(RefusedBy.KEY_WINDOW, Window(60, 0, 60), 5)


@pytest.mark.parametrize(("second", "left"), [(0, 60), (0.99, 60), (1, 59), (59, 1), (59.99, 1)])
def test_a_window_resets_at_the_next_utc_minute(second: float, left: int) -> None:
    assert reset_s(NOW_S + second) == left


@given(st.floats(0, 4e9))
def test_a_client_that_waits_the_reset_meets_the_next_window(now_s: float) -> None:
    assert minute_of(now_s + reset_s(now_s)) == minute_of(now_s) + 1


@pytest.mark.parametrize(
    ("account", "key", "window"),
    [
        ((1_000, 10), (60, 10), Window(60, 50, 60)),
        ((1_000, 990), (60, 10), Window(1_000, 10, 60)),
        ((100, 50), (60, 10), Window(60, 50, 60)),
        ((1_000, 1_001), (60, 10), Window(1_000, 0, 60)),
    ],
)
def test_the_window_with_less_left_is_the_tighter(
    account: tuple[int, int], key: tuple[int, int], window: Window
) -> None:
    assert tighter(account=account, key=key, now_s=NOW_S) == window


@pytest.mark.parametrize(
    ("now_s", "month"),
    [(NOW_S, 202611), (1_798_761_599.9, 202612), (1_798_761_600, 202701)],
)
def test_months_are_utc_and_ordered(now_s: float, month: int) -> None:
    assert month_of(now_s) == month


def test_a_month_is_utcs_on_a_machine_of_another_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert (month_of(1_798_761_599), month_reset_s(1_798_761_599)) == (202612, 1)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("now_s", "left"),
    [(NOW_S, 1_796_083_200 - int(NOW_S)), (1_798_761_599.9, 1), (1_798_761_600, 31 * 86_400)],
)
def test_a_client_that_waits_for_the_month_meets_the_next_one(now_s: float, left: int) -> None:
    assert month_reset_s(now_s) == left


@given(st.integers(0, 4 * 10**9), st.integers(0, 2**40 - 1), st.integers(1, 10**9), st.integers(0, 2**40 - 1))
def test_hold_ids_sort_by_when_they_were_made(at_s: int, bits: int, later_s: int, others: int) -> None:
    assert hold_id_at(at_s, bits) < hold_id_at(at_s + later_s, others)


def test_a_hold_id_tells_when_it_was_made_and_sorts_behind_its_floor() -> None:
    hold_id = hold_id_at(NOW_S + 0.123, 0)
    assert admitted_s(hold_id) == pytest.approx(NOW_S + 0.123, abs=0.001)
    assert id_floor(NOW_S + 0.123) < hold_id < id_floor(NOW_S + 0.125)


def test_a_hold_id_is_ten_places_of_milliseconds_and_eight_of_chance() -> None:
    assert hold_id_at(NOW_S, 1) == "01m7ydakg000000001"
    assert hold_id_at(NOW_S, 2**40 - 1) == "01m7ydakg0zzzzzzzz"


def test_the_limits_that_no_setting_changes_are_the_contracts() -> None:
    assert (ACCOUNT_RPM_LIMIT, enforced_rpm(None), READS_RPM, REMEMBERED_MAX) == (1_000, 60, 600, 10_000)


def test_a_text_that_is_no_hold_id_is_refused() -> None:
    with pytest.raises(ValueError, match="no number of an id"):
        admitted_s("not an id!")


def test_a_remembered_refusal_holds_until_its_end_and_counts_down() -> None:
    refusals = Refusals()
    refusals.remember(("a", "k"), FULL, NOW_S + 60)
    recalled = refusals.recall("a", "k", NOW_S + 59)
    assert recalled == Refusal(RefusedBy.KEY_WINDOW, Window(60, 0, 1), 5)
    assert refusals.recall("a", "k", NOW_S + 60) is None
    assert not refusals._until


def test_a_refusal_of_the_account_concerns_all_its_keys_and_a_keys_only_itself() -> None:
    refusals = Refusals()
    refusals.remember(("a",), FULL, NOW_S + 60)
    refusals.remember(("b", "k"), FULL, NOW_S + 60)
    assert refusals.recall("a", "any", NOW_S) is not None
    assert refusals.recall("b", "other", NOW_S) is None


def test_refusals_take_bounded_room_and_the_oldest_goes_first() -> None:
    refusals = Refusals()
    for number in range(REMEMBERED_MAX):
        refusals.remember((str(number),), FULL, NOW_S + 60)
    # One that is remembered again takes no other's place.
    refusals.remember(("1",), FULL, NOW_S + 60)
    assert refusals.recall("0", "k", NOW_S) is not None
    refusals.remember((str(REMEMBERED_MAX),), FULL, NOW_S + 60)
    assert refusals.recall("0", "k", NOW_S) is None
    assert refusals.recall(str(REMEMBERED_MAX), "k", NOW_S) is not None
