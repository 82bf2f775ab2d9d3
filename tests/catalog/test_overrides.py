"""Tests that an operator's document changes rows, prices, margins, aliases and targets, and nothing that is wrong."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.chat_models import ChatModel, ListPrice
from gateway.canonical.models import Alias, Sale
from gateway.catalog.catalog import Catalog
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.overrides import DOCUMENT_BYTES_MAX, changes, checked, overlaid, read_overrides, used
from gateway.catalog.schema import CatalogError
from tests.catalog.rows import CHAT, KNOWN, MEDIA

CUSTOM = CHAT["models"][0] | {
    "id": "house/llama",
    "provider": "host",
    "profile": "hosted",
    "price": {"input": "0", "output": "0"},
}


def under(version: int = 7, **document: Any) -> Catalog[ChatModel]:
    overrides = read_overrides(orjson.dumps(document), version, ["chat", "media"])
    checked(CHAT_MODELS, CHAT, overrides, KNOWN)
    return used(CHAT_MODELS, CHAT, overrides, KNOWN)


def model(catalog: Catalog[ChatModel], name: str) -> ChatModel:
    found = catalog.offer(name)
    assert isinstance(found, ChatModel)
    return found


def test_a_row_takes_the_members_that_the_document_names_and_keeps_the_others() -> None:
    price = {"input": "9", "output": "10"}
    one = model(under(chat={"models": [{"id": "one", "price": price}]}), "one")
    assert (one.targets[0].price, one.context_window) == (ListPrice(input="9", output="10"), 1000)


def test_a_member_that_is_null_falls_back_to_its_default() -> None:
    two = model(under(chat={"models": [{"id": "two", "targets": None}]}), "two")
    assert [(target.provider, target.streams) for target in two.targets] == [("lab", True)]


def test_a_new_row_is_for_sale_and_a_withdrawn_one_is_not() -> None:
    document = {"models": [CUSTOM], "withdrawn": ["two", "old"], "aliases": [{"id": "nexevo/fast", "models": ["one"]}]}
    catalog = under(chat=document)
    found = catalog.find("house/llama")
    assert found is not None
    assert [target.provider for target in catalog.models_behind(found.offer)[0].targets] == ["host"]
    assert (catalog.find("two"), catalog.find("old")) == (None, None)


def test_an_alias_leads_to_other_models_at_another_price() -> None:
    alias = {"id": "nexevo/fast", "models": ["two"], "price": {"input": "1", "output": "2"}}
    fast = under(chat={"aliases": [alias]}).offer("nexevo/fast")
    assert isinstance(fast, Alias)
    assert (fast.models, fast.price, fast.flat) == (("two",), ListPrice(input="1", output="2"), True)


def test_margins_are_for_all_models_or_for_one() -> None:
    margins, section = {"passthrough": "2.5", "byok": "1"}, {"models": [{"id": "two", "margin": "12"}]}
    catalog = under(margins=margins, chat=section)
    assert model(catalog, "one").sale == Sale("2026-03-01+7", 250, 100)
    assert model(catalog, "two").sale == Sale("2026-03-01+7", 1200, 100)
    media = checked(MEDIA_MODELS, MEDIA, read_overrides(orjson.dumps({"margins": margins}), 7), KNOWN)
    assert media.models()[0].sale == Sale("2026-03-01+7", 250, 100)


def test_a_media_price_is_changed_by_the_same_document() -> None:
    rows = [{"id": "statue", "price": {"per_asset": "2"}}]
    overrides = read_overrides(orjson.dumps({"media": {"models": rows}}), 1)
    statue = checked(MEDIA_MODELS, MEDIA, overrides, KNOWN).models()[2]
    assert statue.targets[0].price.per_asset == "2"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"chta": {}}, "unknown member 'chta'; known: margins, chat, media"),
        ({"margins": {"passthrough": "-1"}}, "margins: passthrough: '-1' is not a decimal amount like '12.50'"),
        ({"margins": {"passthrough": "1.001"}}, "margins: passthrough: must be a percentage up to 1000, of at most"),
        ({"chat": {"models": [{"price": {}}]}}, "a row has no id:"),
        ({"chat": {"models": [{"id": "one", "prise": {}}]}}, "model 'one': unknown member 'prise'"),
        ({"chat": {"models": [{"id": "one", "price": {"input": "1"}}]}}, "model 'one': price: member 'output' is"),
        ({"chat": {"models": [{"id": "one", "provider": "labb"}]}}, "model 'one': unknown provider 'labb'"),
        ({"chat": {"models": [{"id": "three"}]}}, "model 'three': member 'owned_by' is missing"),
        ({"chat": {"withdrawn": ["three"]}}, "withdrawn: there is no row 'three'"),
        ({"chat": {"withdrawn": ["one"]}}, "alias 'nexevo/fast': unknown model 'one'"),
        ({"chat": {"aliases": [{"id": "nexevo/fast", "tier": "passthrough", "price": {"input": "1", "output": "2"}}]}},
         "alias 'nexevo/fast': price: an alias of tier 'passthrough' costs what its models do"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_document_is_named_with_row_and_member(document: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        under(**document)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"models": [{"id": "one", "provider": "labb"}]},
        {"models": [{"id": "three"}]},
        {"models": [{"id": "one", "fallbacks": ["three"]}]},
        {"aliases": [{"id": "nexevo/fast", "models": ["three"]}]},
        {"withdrawn": ["one"]},
    ],
)
def test_a_function_refuses_by_itself_what_its_release_does_not_know(document: dict[str, Any]) -> None:
    with pytest.raises(CatalogError):
        used(CHAT_MODELS, CHAT, read_overrides(orjson.dumps({"chat": document}), 1), KNOWN)


def test_a_function_passes_over_the_sections_of_other_kinds() -> None:
    overrides = read_overrides(b'{"songs": {"models": [{"id": "a"}]}, "chat": {"withdrawn": ["old"]}}', 1)
    assert used(CHAT_MODELS, CHAT, overrides, KNOWN).find("old") is None


def test_a_function_reads_the_rows_of_the_document_alone() -> None:
    overrides = read_overrides(orjson.dumps({"chat": {"models": [{"id": "one", "margin": "3"}]}}), 1)
    assert used(CHAT_MODELS, CHAT, overrides, KNOWN).made == 1


def test_text_that_is_not_json_and_a_document_that_is_too_long_are_refused() -> None:
    with pytest.raises(CatalogError, match="line 1: not JSON"):
        read_overrides(b"{", 1)
    with pytest.raises(CatalogError, match="at most 200000 are taken"):
        read_overrides(b" " * (DOCUMENT_BYTES_MAX + 1), 1)


def test_the_changes_are_told_by_row_and_member() -> None:
    document = {
        "margins": {"byok": "1"},
        "chat": {"models": [{"id": "one", "price": {"input": "0.9", "output": "2.50"}}], "withdrawn": ["old"]},
    }
    after = overlaid(CHAT_MODELS, CHAT, read_overrides(orjson.dumps(document), 1))
    assert list(changes(CHAT, after)) == [
        'old: retired.on: "2026-02-01" -> none',
        'old: retired.successor: "two" -> none',
        'one: price.input: "1" -> "0.9"',
        'margins: byok: none -> "1"',
    ]
