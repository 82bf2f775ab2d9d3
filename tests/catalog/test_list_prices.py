"""Tests that list prices are taken from the package as they are, and that a price that moved far is looked at first."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bench import list_prices
from bench.list_prices import Listed, Names, as_listed, compare, text_of, write, written
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import document_of
from tests.catalog.rows import CHAT, changed

NAMES = Names({"host": "hosting"}, {"host lab.two-v1": "two"}, {})
SAME = {
    ("lab", "one"): Listed({"input": "1", "output": "2.5"}),
    ("lab", "two"): Listed({"input": "3", "cache_read": "0.3", "output": "4"}),
    ("hosting", "two"): Listed({"input": "5", "output": "6"}),
}


def found(prices: dict[tuple[str, str], Listed], document: Any = CHAT, names: Names = NAMES) -> list_prices.Comparison:
    return compare(deepcopy(document), lambda *asked: prices.get(asked), names)


def priced(model: str, **price: Any) -> list_prices.Comparison:
    return found(SAME | {("lab", model): Listed(price)})


def test_the_same_prices_in_another_spelling_change_nothing() -> None:
    assert found(SAME) == list_prices.Comparison([], [], [])


@pytest.mark.parametrize(
    ("price", "moved"),
    [
        ({"input": "1.25", "output": "2.5"}, "0.25"),
        ({"input": "1", "output": "1.25"}, "0.5"),
        ({"input": "1", "output": "2.5", "cache_read": "0.1"}, "0.9"),
        ({"input": "1", "output": "2.5", "cache_write_5m": "1.2"}, "0.2"),
        ({"input": "1", "output": "2.5", "steps": [{"above_prompt_tokens": 9, "input": "2", "output": "5"}]}, "1"),
    ],
)
def test_a_price_moves_as_far_as_its_class_that_moved_most(price: dict[str, Any], moved: str) -> None:
    (change,) = priced("one", **price).changes
    assert (change.model, change.provider, change.moved) == ("one", "lab", Decimal(moved))


def test_a_step_that_no_prompt_of_the_model_reaches_is_left_out() -> None:
    steps = [{"above_prompt_tokens": 1000, "input": "9", "output": "9"}]
    assert priced("one", input="1", output="2.5", steps=steps).changes == []


def test_a_model_that_the_package_does_not_have_is_named_unless_it_is_read_by_hand() -> None:
    prices = {key: SAME[key] for key in SAME if key != ("hosting", "two")}
    (line,) = found(prices).unknown
    assert line == "two at host: no price of 'lab.two-v1'; name it, or read it by hand"
    for by_hand in ("host", "host lab.two-v1"):
        assert found(prices, names=Names({"host": "hosting"}, {}, {by_hand: "https://a.test"})).unknown == []


def test_what_is_taken_is_written_where_the_target_has_its_price_from() -> None:
    document = deepcopy(CHAT)
    prices = SAME | {
        ("lab", "two"): Listed({"input": "3.1", "cache_read": "0.3", "output": "4"}),
        ("hosting", "two"): Listed({"input": "5", "output": "6.6"}),
    }
    comparison = compare(document, lambda *asked: prices.get(asked), NAMES)
    write(document, comparison.changes, "2026-04-01")
    two = document["models"][1]
    assert two["price"] == {"input": "3.1", "cache_read": "0.30", "output": "4"}
    assert two["targets"][1]["price"] == {"input": "5", "output": "6.6"}
    assert document["price_version"] == "2026-04-01"


def test_a_further_target_that_had_its_rows_price_gets_its_own() -> None:
    document = changed(CHAT, "models", 1, "targets", to=[{}, {"provider": "host", "upstream_model": "lab.two-v1"}])
    comparison = compare(document, lambda *asked: SAME.get(asked), NAMES)
    write(document, comparison.changes, "2026-04-01")
    assert document["models"][1]["targets"][1]["price"] == {"input": "5", "output": "6"}
    assert document["models"][1]["price"] == CHAT["models"][1]["price"]


def test_nothing_is_written_where_nothing_was_taken() -> None:
    document = deepcopy(CHAT)
    write(document, [], "2026-04-01")
    assert document == CHAT


def test_contexts_and_fees_are_compared_and_not_written() -> None:
    tool = {"id": "lab/search", "tool": "web_search", "wire": "plain_wire", "price": "0.02"}
    document = changed(changed(CHAT, "tools", to=[tool]), "models", 0, "tools", to=["lab/search"])
    prices = SAME | {("lab", "one"): Listed({"input": "1", "output": "2.5"}, 2000, Decimal("0.01"))}
    comparison = found(prices, document)
    assert comparison.changes == []
    assert comparison.notes == [
        "one at lab: the context is 1000 here and 2000 there",
        "one at lab: lab/search is 0.02 here and 0.01 there",
    ]


class Tier:
    def __init__(self, start: int, price: str) -> None:
        self.start, self.price = start, Decimal(price)


class Tiered:
    def __init__(self, base: str, *tiers: Tier) -> None:
        self.base, self.tiers = Decimal(base), tiers


def test_a_price_of_the_package_is_read_with_its_classes_steps_and_fees() -> None:
    theirs = {
        "input_mtok": Tiered("1.25", Tier(200_000, "2.5")),
        "output_mtok": Tiered("10", Tier(200_000, "15")),
        "cache_write_mtok": Decimal("0.30"),
        "web_searches_kcount": Decimal(10),
        "cache_read_mtok": None,
    }
    price = {"input": "1.25", "cache_write_5m": "0.3", "output": "10"}
    steps = [{"above_prompt_tokens": 200_000, **price, "input": "2.5", "output": "15"}]
    assert as_listed(theirs, 9) == Listed({**price, "steps": steps}, 9, Decimal("0.01"))


def test_a_price_by_other_units_than_tokens_is_none() -> None:
    assert as_listed({"audio_hours": Decimal(3)}, None) is None


@pytest.mark.parametrize(("number", "text"), [("100", "100"), ("1E+1", "10"), ("2.50", "2.5"), ("0.0375", "0.0375")])
def test_a_number_is_written_as_plain_decimal_text(number: str, text: str) -> None:
    assert written(Decimal(number)) == text


def test_the_file_is_written_as_it_is_kept() -> None:
    assert text_of(orjson.loads(list_prices.CATALOG.read_bytes())) == list_prices.CATALOG.read_text()


def test_every_price_read_by_hand_is_of_a_row_that_there_is() -> None:
    names = list_prices.read_names()
    rows = [
        (target.get("provider", row.get("provider", row["owned_by"])), target.get("upstream_model", row["id"]))
        for row in document_of(CHAT_MODELS)["models"]
        if "retired" not in row
        for target in row.get("targets", [row])
    ]
    known = {provider for provider, _ in rows} | {f"{provider} {model}" for provider, model in rows}
    assert set(names.by_hand) - known == set()
    assert all(source.startswith("https://") for source in names.by_hand.values())
