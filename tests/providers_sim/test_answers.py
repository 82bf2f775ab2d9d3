"""Tests of the pure parts: tokens, schemas, prompt prefixes."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.providers import block_cache, schemas, tokens
from local.providers.block_cache import Block, Cost
from local.providers.memory import Memory, PrefixCache


@given(st.text(max_size=200))
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens.split(text)) == text


@given(st.integers(0, 500))
def test_filler_has_exactly_the_tokens_asked_for(token_count: int) -> None:
    assert tokens.count(tokens.filler(token_count)) == token_count


@given(st.integers(0, 500))
def test_thoughts_have_exactly_the_tokens_asked_for(token_count: int) -> None:
    assert tokens.count(tokens.thoughts(token_count)) == token_count


@given(st.text(max_size=100), st.integers(1, 20))
def test_a_text_cut_in_chunks_is_the_text(text: str, chunks: int) -> None:
    parts = tokens.cut(text, 3, chunks)
    assert "".join(parts) == text
    assert len(parts) == min(chunks, tokens.count(text))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string", "minLength": 40}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string", "maxLength": 2}}, "required": ["a"]},
        {"type": "integer", "minimum": 5, "maximum": 9},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
        {"type": "number", "exclusiveMaximum": 0},
        {"type": "integer", "multipleOf": 7, "minimum": 8},
        {"type": "array", "items": {"type": "string", "format": "uuid"}, "minItems": 3},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "null"}]},
        {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        {"oneOf": [{"const": "x"}, {"type": "integer"}]},
        {"type": ["null", "string"], "enum": ["red", None]},
        {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"$ref": "#/$defs/B"}],
         "$defs": {"B": {"type": "object", "properties": {"b": {"type": "null"}}, "required": ["b"]}}},
        {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"},
        {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
         "required": ["next"]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("prompt", ["", "Meet Ada Lovelace at 12.5 or 6 in Paris"])
def test_an_instance_fits_its_schema(schema: dict[str, Any], prompt: str) -> None:
    jsonschema_rs.validate(schema, schemas.instance(schema, prompt))


def test_a_quoted_name_is_the_name_before_any_proper_name() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    assert schemas.instance(schema, "Name it '你好' (Hello Group), it's Bob's") == {"name": "你好"}


@pytest.mark.parametrize(
    ("prompt", "members"), [("JSON with 'setup' and 'end' keys", ["setup", "end"]), ("As JSON, please", ["answer"])]
)
def test_json_mode_has_the_members_that_the_prompt_names(prompt: str, members: list[str]) -> None:
    assert list(schemas.instance(schemas.free_form(prompt), prompt)) == members


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "object", "properties": {}, "additionalProperties": False}, None),
        ({"type": "object", "properties": {}}, "In context=(), 'additionalProperties' is required"),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False, "required": []},
            "In context=(), 'required' is required to be supplied",
        ),
        ({"type": "array", "items": {"type": "object"}}, "In context=('items',), 'additionalProperties'"),
    ],
)
def test_strict_mode_says_what_is_wrong(schema: dict[str, Any], fault: str | None) -> None:
    found = schemas.strict_fault(schema)
    assert found is fault if fault is None else (found or "").startswith(fault)


def test_a_prefix_counts_once_it_is_1024_tokens_long() -> None:
    cache = PrefixCache()
    words = [str(i) for i in range(1500)]
    assert cache.read_and_write("m", words) == 0
    assert cache.read_and_write("m", words) == 1408
    assert cache.read_and_write("m", [*words[:1100], "else"]) == 1024
    assert cache.read_and_write("m", words[:1000]) == 0
    assert cache.read_and_write("another model", words) == 0


def test_the_classes_of_a_marked_prompt_are_disjoint_and_age_apart() -> None:
    def block(name: str, length: int, ttl: str | None = None) -> Block:
        return Block(name, [f"{name}{i}" for i in range(length)], ttl)

    memory = Memory()
    prompt = [block("tools", 2000, "1h"), block("system", 500, "5m"), block("question", 30)]
    asked_s = 1_000_000
    costs = [block_cache.cost("m", prompt, memory, asked_s + later_s) for later_s in (0, 60, 400, 8000)]
    assert costs == [
        Cost(uncached=30, read=0, written_5m=500, written_1h=2000),
        Cost(uncached=30, read=2500, written_5m=0, written_1h=0),
        Cost(uncached=30, read=2000, written_5m=500, written_1h=0),
        Cost(uncached=30, read=0, written_5m=500, written_1h=2000),
    ]
    assert {cost.total() for cost in costs} == {2530}


def test_a_prefix_too_short_to_cache_costs_its_full_price() -> None:
    prompt = [Block("system", ["word"] * 1023, "5m")]
    assert block_cache.cost("m", prompt, Memory(), 0) == Cost(1023, 0, 0, 0)
