"""Tests of a file's price: list price + 5 %, exact, rounded half up once."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.media_models import MediaPrice
from gateway.canonical.models import STANDARD_SALE
from gateway.ledger.media_prices import media_cost
from gateway.ledger.prices import NoPrice

PER_SECOND = MediaPrice(per_second="0.40")


@pytest.mark.parametrize(
    ("price", "seconds", "cost"),
    [
        ("0.40", "8", 3_360_000_000),
        ("0.1", "2.5", 262_500_000),
        ("0.045", "6", 283_500_000),
        ("0.000000001", "1", 1),
        ("0.000000001", "10", 11),
        ("0.000000001", "9", 9),
        ("0.000000010", "0.1", 1),
    ],
)
def test_a_video_costs_its_seconds_and_five_percent(price: str, seconds: str, cost: int) -> None:
    assert media_cost(MediaPrice(per_second=price), Decimal(seconds), STANDARD_SALE, from_prompt=True) == cost


def test_an_asset_has_one_price() -> None:
    price = MediaPrice(per_asset="0.375")
    costs = [media_cost(price, None, STANDARD_SALE, from_prompt=own) for own in (True, False)]
    assert costs == [
        393_750_000,
        393_750_000,
    ]


def test_an_asset_made_of_text_alone_may_have_a_price_of_its_own() -> None:
    price = MediaPrice(per_asset="0.60", per_asset_from_prompt="0.40")
    costs = [media_cost(price, None, STANDARD_SALE, from_prompt=own) for own in (True, False)]
    assert costs == [
        420_000_000,
        630_000_000,
    ]


@pytest.mark.parametrize(
    ("price", "seconds"), [(MediaPrice(), "1"), (MediaPrice(per_asset="1"), "1"), (PER_SECOND, None)]
)
def test_what_has_no_price_is_refused_never_free(price: MediaPrice, seconds: str | None) -> None:
    with pytest.raises(NoPrice):
        media_cost(price, None if seconds is None else Decimal(seconds), STANDARD_SALE, from_prompt=True)


@pytest.mark.parametrize("seconds", ["0", "-1", "3601", "1e30"])
def test_a_length_out_of_range_is_an_error_never_a_bill(seconds: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        media_cost(PER_SECOND, Decimal(seconds), STANDARD_SALE, from_prompt=True)


@given(st.integers(1, 10**12), st.integers(1, 3_600_000))
def test_rounding_is_never_off_by_more_than_half_a_nano(nano: int, milliseconds: int) -> None:
    price = MediaPrice(per_second=f"{nano // 10**9}.{nano % 10**9:09}")
    cost = media_cost(price, Decimal(milliseconds) / 1000, STANDARD_SALE, from_prompt=True)
    exact_times_20000 = nano * milliseconds * 21
    assert -10_000 <= exact_times_20000 - cost * 20_000 < 10_000
