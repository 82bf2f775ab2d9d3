"""Tests that every field of a request which can change its answer changes the name of that answer."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.cache.identity import LABELS, WITHOUT_EFFECT, answer_digest, request_digest
from gateway.canonical.request import ChatRequest, PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest
from tests.bridging.cells import CLIENTS
from tests.bridging.goldens import Json, requests

CHANGED: dict[type, list[Any]] = {
    str: ["another", "auto", "low", "user", "assistant"],
    int: [7, 0, 1, 2048],
    float: [0.25, 1.25],
    bool: [True, False],
}
Path = tuple[str | int, ...]


def digest(wire: str, body: Json) -> bytes | None:
    return request_digest(CLIENTS[wire].decode_request(orjson.dumps(body)))


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, name))
    else:
        yield path


def at(body: Json, path: Path, changed: Any) -> Json:
    copy = orjson.loads(orjson.dumps(body))
    place: Any = copy
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = changed
    return dict(copy)


def value_at(body: Any, path: Path) -> Any:
    for name in path:
        body = body[name]
    return body


def variants(wire: str, body: Json) -> Iterator[tuple[str, Json]]:
    """The valid requests that differ from a body in one value."""
    for path in leaves(body):
        value = value_at(body, path)
        for changed in CHANGED.get(type(value), []):
            if changed == value:
                continue
            variant = at(body, path, changed)
            try:
                CLIENTS[wire].decode_request(orjson.dumps(variant))
            except InvalidRequest:
                continue
            yield ".".join(map(str, path)), variant


@pytest.mark.parametrize("wire", CLIENTS)
def test_every_feature_of_a_wire_changes_the_name(wire: str) -> None:
    same = {
        feature
        for feature, golden in requests()[wire].items()
        if digest(wire, golden.body) == digest(wire, golden.without) is not None
    }
    assert same <= {"user", "metadata", "tier"}


@pytest.mark.parametrize("wire", CLIENTS)
def test_every_value_of_a_request_changes_the_name(wire: str) -> None:
    looked_at = 0
    for golden in requests()[wire].values():
        named = digest(wire, golden.body)
        if named is None:
            continue
        for path, variant in variants(wire, golden.body):
            looked_at += 1
            if path.partition(".")[0] not in LABELS:
                assert digest(wire, variant) != named, (path, variant)
    assert looked_at > 200


def test_each_field_counts_or_is_known_to_have_no_effect() -> None:
    plain = ChatRequest("openai_chat", "m", (), b"{}")
    other = {"choices": 2, "max_output_tokens": 9, "parallel_tool_calls": True, "betas": ("b",), "unmapped": {"a": 1}}
    other |= {"hints": {"a": 1}, "batch": ((),), "max_tool_calls": 2, "samplings": 2}
    for name, value in other.items():
        assert request_digest(replace(plain, **{name: value})) != request_digest(plain), name
    for name in WITHOUT_EFFECT:
        assert name in ChatRequest.__struct_fields__
    assert request_digest(replace(plain, user="u", model="n", stream=True)) == request_digest(plain)


def test_preferences_count_where_they_change_what_is_sent() -> None:
    plain = ChatRequest("openai_chat", "m", (), b"{}")
    cheap = replace(plain, routing=RoutingPreferences(max_price=PriceLimit(), fallback_models=("x",)))
    whole = replace(plain, routing=RoutingPreferences(require_parameters=True))
    assert request_digest(cheap) == request_digest(plain) != request_digest(whole)


def test_what_a_provider_keeps_or_finds_has_no_name() -> None:
    plain = ChatRequest("openai_chat", "m", (), b"{}")
    assert request_digest(replace(plain, provider_state="prompt")) is None
    assert digest("anthropic_messages", requests()["anthropic_messages"]["builtin_tool"].body) is None


def test_one_question_on_two_wires_has_one_name() -> None:
    chat = {"model": "m", "max_tokens": 9, "temperature": 0.0, "messages": [{"role": "user", "content": "Hi"}]}
    block = {"type": "text", "text": "Hi"}
    other = {"model": "n", "max_tokens": 9, "temperature": 0.0, "messages": [{"role": "user", "content": [block]}]}
    asked = {"model": "n", "max_output_tokens": 9, "temperature": 0.0, "input": "Hi"}
    told = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"maxOutputTokens": 9, "temperature": 0.0},
    }
    names = {
        digest("openai_chat", chat),
        digest("anthropic_messages", other),
        digest("openai_responses", asked),
        digest("gemini", told),
    }
    assert len(names) == 1


def test_callers_and_models_are_strangers() -> None:
    named = request_digest(ChatRequest("openai_chat", "m", (), b"{}"))
    assert named is not None
    names = {answer_digest(named, scope, model) for scope in ("account", '["key","k"]') for model in ("a", "b")}
    assert len(names) == 4
