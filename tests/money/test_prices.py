"""Tests of amounts and prices: exact, bounded, and equal to the providers' own published examples."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.canonical.chat_models import FLAT_PRICE
from gateway.canonical.models import Sale
from gateway.canonical.money import Charge, Tier
from gateway.canonical.usage import TOKENS_MAX, Usage
from gateway.ledger.money import AMOUNT_NANOUSD_MAX, NotAnAmount, format_usd, parse_usd, parse_written_usd
from gateway.ledger.prices import NoPrice, Price, Terms, cost, cost_at_most, parse_price, price_of, terms
from gateway.ledger.request_prices import request_cost

SONNET = parse_price(
    {"input": "3", "output": "15", "cache_read": "0.30", "cache_write_5m": "3.75", "cache_write_1h": "6"}
)
FLAT = price_of(FLAT_PRICE)
LIST = 10_000


def at_list(price: Price) -> Terms:
    """Bills at the list price itself, to compare with published examples."""
    return Terms(Tier.PASSTHROUGH, price, LIST, "test", LIST)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("3", 3_000_000_000),
        ("12.50", 12_500_000_000),
        ("0.000000001", 1),
        ("0.0000525", 52_500),
        ("1.100000000000", 1_100_000_000),
        ("1000000000", AMOUNT_NANOUSD_MAX),
    ],
)
def test_decimal_text_is_read_exactly(text: str, amount: int) -> None:
    assert parse_usd(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e3", "1E-9", "0.0000000001", "1000000000.000000001", "1" * 400, ".5", "5.", "1,5", " 1", "NaN",
     "Infinity", "0x10", "\u0661", "1_000", "1\n"],
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        parse_usd(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.50", 12_500_000_000),
        ("1e-7", 100),
        ("1E-9", 1),
        (".5", 500_000_000),
        ("5.", 5_000_000_000),
        ("+1", 1_000_000_000),
        ("12.5e1", 125_000_000_000),
        ("0.0125e+2", 1_250_000_000),
        ("00.e0", 0),
        ("12e-4", 1_200_000),
        ("1e9", AMOUNT_NANOUSD_MAX),
    ],
)
def test_a_person_may_write_an_amount_in_any_decimal_form(text: str, amount: int) -> None:
    assert parse_written_usd(text) == amount


@pytest.mark.parametrize("read", [parse_usd, parse_written_usd])
def test_a_text_that_is_refused_is_quoted_up_to_forty_characters(read: Callable[[str], int]) -> None:
    with pytest.raises(NotAnAmount) as refused:
        read("9" * 100)
    assert str(refused.value) == f"'{'9' * 40}' is not a decimal amount like '12.50'"


@pytest.mark.parametrize(
    "text", ["", ".", "+", "e1", "-1", "1e-10", "1e10", "1e999999999", "1,5", " 1", "NaN", "1e", "\u0661"]
)
def test_what_a_person_writes_is_exact_too(text: str) -> None:
    with pytest.raises(NotAnAmount):
        parse_written_usd(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (52_500, "0.0000525"), (3 * 10**9, "3"), (-1_500_000_000, "-1.5"), (-1, "-0.000000001"), (10**10, "10")],
)
def test_an_amount_is_written_without_noise(amount: int, text: str) -> None:
    assert format_usd(amount) == text


@given(st.integers(0, AMOUNT_NANOUSD_MAX))
def test_an_amount_that_is_written_is_read_again(amount: int) -> None:
    assert parse_usd(format_usd(amount)) == amount


@pytest.mark.parametrize(
    ("usage", "price", "usd"),
    [
        # OpenAI, GPT-4o mini: $0.15 in, $0.60 out. https://openai.com/api/pricing/
        (Usage(input=1_000_000, output=1_000_000), {"input": "0.15", "output": "0.6"}, "0.75"),
        (Usage(input=19, output=10), {"input": "0.15", "output": "0.6"}, "0.00000885"),
        # GPT-4o: cached input at half the price.
        (
            Usage(input=986, cache_read=1_920, output=300),
            {"input": "2.5", "output": "10", "cache_read": "1.25"},
            "0.007865",
        ),
        # Reasoning is output, and billed once as output.
        (Usage(input=75, output=1_186, reasoning=1_024), {"input": "15", "output": "60"}, "0.072285"),
        # Anthropic, Sonnet: reads at a tenth, 5 min writes at 1.25, 1 h writes at 2 times the input price.
        # https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
        (
            Usage(input=50, cache_read=100_000, cache_write_5m=248, cache_write_1h=100, output=503),
            {"input": "3", "output": "15", "cache_read": "0.30", "cache_write_5m": "3.75", "cache_write_1h": "6"},
            "0.039225",
        ),
        # GPT-4o audio: audio tokens are parts of the prompt and the answer, at prices of their own.
        (
            Usage(input=150, audio_input=100, output=80, audio_output=60),
            {"input": "2.5", "output": "10", "audio_input": "40", "audio_output": "80"},
            "0.009125",
        ),
    ],
)
def test_published_examples_come_out(usage: Usage, price: dict[str, str | None], usd: str) -> None:
    assert format_usd(cost(usage, at_list(parse_price(price)))) == usd


@pytest.mark.parametrize(
    ("tier", "usd"), [(Tier.FAST, "15"), (Tier.BALANCED, "15"), (Tier.PASSTHROUGH, "18.9"), (Tier.BYOK, "0")]
)
def test_each_tier_bills_by_its_rule(tier: Tier, usd: str) -> None:
    million = Usage(input=1_000_000, output=1_000_000)
    price = SONNET if tier in {Tier.PASSTHROUGH, Tier.BYOK} else FLAT
    assert format_usd(cost(million, terms(tier, price, Sale("test")))) == usd


def test_the_margin_is_settable() -> None:
    agreed = terms(Tier.PASSTHROUGH, SONNET, Sale("test", margin=1_250))
    assert format_usd(cost(Usage(input=1_000_000), agreed)) == "3.375"


def test_the_fee_on_own_keys_is_settable() -> None:
    agreed = terms(Tier.BYOK, SONNET, Sale("test", byok_fee=500))
    assert format_usd(cost(Usage(input=1_000_000), agreed)) == "0.15"


def test_own_keys_are_free_of_charge_where_no_fee_is_set() -> None:
    assert cost(Usage(input=10**6), terms(Tier.BYOK, SONNET, Sale("v"))) == 0


def test_a_flat_tier_costs_its_price_and_no_margin_but_on_tools() -> None:
    assert terms(Tier.FAST, FLAT, Sale("test", margin=700)) == Terms(Tier.FAST, FLAT, LIST, "test", 10_700)


def test_cached_prompt_tokens_of_a_flat_tier_are_prompt_tokens() -> None:
    agreed = terms(Tier.FAST, FLAT, Sale("test"))
    assert cost(Usage(cache_read=500, input=500), agreed) == cost(Usage(input=1_000), agreed)


def test_a_cache_hit_costs_a_quarter() -> None:
    agreed = terms(Tier.FAST, FLAT, Sale("test"))
    assert cost(Usage(input=1_000), agreed, cache_hit=True) * 4 == cost(Usage(input=1_000), agreed)


def test_a_model_without_a_price_is_refused() -> None:
    with pytest.raises(NoPrice):
        terms(Tier.PASSTHROUGH, None, Sale("test"))
    with pytest.raises(NoPrice):
        parse_price({"input": "3", "output": None})


def test_nothing_used_costs_nothing() -> None:
    assert cost(Usage(), terms(Tier.PASSTHROUGH, SONNET, Sale("test"))) == 0


@pytest.mark.parametrize(
    "usage",
    [Usage(input=-1), Usage(output=TOKENS_MAX + 1), Usage(input=18446744073686646784), Usage(input=1, audio_input=2)],
)
def test_impossible_counts_are_no_bill(usage: Usage) -> None:
    with pytest.raises(ValueError, match="token counts"):
        cost(usage, at_list(SONNET))


def test_the_most_tokens_of_a_class_are_a_bill() -> None:
    assert cost(Usage(output=TOKENS_MAX), at_list(SONNET)) == TOKENS_MAX * 15_000


def test_a_charge_is_never_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        Charge(-1, "r", "g", "m", "m", Tier.FAST, "v")


COUNT = st.integers(0, 2_000_000)
USAGES = st.builds(
    Usage, input=COUNT, cache_read=COUNT, cache_write_5m=COUNT, cache_write_1h=COUNT, output=COUNT, reasoning=COUNT
)


@given(USAGES)
def test_rounding_happens_once_and_half_up(usage: Usage) -> None:
    exact = (
        3 * usage.input
        + Decimal("0.3") * usage.cache_read
        + Decimal("3.75") * usage.cache_write_5m
        + 6 * usage.cache_write_1h
        + 15 * usage.output
    ) * Decimal("1.05")
    nano = (exact * 1_000).quantize(Decimal(1), ROUND_HALF_UP)
    assert cost(usage, terms(Tier.PASSTHROUGH, SONNET, Sale("test"))) == int(nano)


@pytest.mark.parametrize(
    ("per_million", "nanousd"), [(499_999, 0), (500_000, 1), (1_499_999, 1), (1_500_000, 2), (1_000_001, 1)]
)
def test_half_a_nano_dollar_is_rounded_up_and_less_down(per_million: int, nanousd: int) -> None:
    assert cost(Usage(input=1), at_list(Price(input=per_million, output=0))) == nanousd


@pytest.mark.parametrize(
    ("list_price", "nanousd"),
    [("0.001", 1_050_000), ("0.000000009", 9), ("0.00000001", 11), ("0.000000011", 12), ("0", 0)],
)
def test_a_request_with_a_price_of_its_own_costs_five_percent_more(list_price: str, nanousd: int) -> None:
    assert request_cost(list_price, Sale("test")) == nanousd


def test_sound_is_held_for_at_its_own_price_where_that_is_dearer() -> None:
    price = Price(input=1_000, output=2_000, audio_input=5_000, audio_output=9_000)
    assert cost_at_most(1_000_000, 0, at_list(price)) == 5_000
    assert cost_at_most(0, 1_000_000, at_list(price)) == 9_000
    assert cost_at_most(0, 1_000_000, at_list(replace(price, audio_output=500))) == 2_000


@given(USAGES, st.sampled_from([Tier.FAST, Tier.PASSTHROUGH]))
def test_a_hold_for_the_same_tokens_covers_any_classes_of_them(usage: Usage, tier: Tier) -> None:
    agreed = terms(tier, SONNET, Sale("test"))
    assert cost(usage, agreed) <= cost_at_most(usage.prompt, usage.output, agreed)


def test_a_request_can_cost_exactly_what_was_held() -> None:
    agreed = terms(Tier.FAST, FLAT, Sale("test"))
    assert cost(Usage(input=1_234, output=567), agreed) == cost_at_most(1_234, 567, agreed)
