"""Tests that rows of tools are read whether a model names them or not, and that tools are on wires that sell them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.schema import CatalogError
from gateway.protocols.anthropic_messages.decode_tools import WORDS as MESSAGES_WORDS
from gateway.protocols.gemini.decode_tools import WORDS as GEMINI_WORDS
from gateway.protocols.openai_responses.decode_tools import decode_tools
from gateway.protocols.shared.document import parse as parse_body
from gateway.providers.chat.tools import TOOLS
from tests.catalog.rows import CHAT, KNOWN, MEDIA, changed

SEARCH = {"id": "lab/search", "tool": "search", "wire": "plain_wire", "price": "0.01"}


def refusal(tool: Any, *named_by: Any) -> str:
    document = changed(CHAT, "tools", to=[tool])
    if named_by:
        document = changed(document, *named_by, "tools", to=["lab/search"])
    with pytest.raises(CatalogError) as caught:
        parse(CHAT_MODELS, document, KNOWN)
    return str(caught.value).removeprefix("models/chat.json: ")


def test_a_row_that_no_model_names_and_one_that_is_named_are_taken() -> None:
    document = changed(CHAT, "tools", to=[SEARCH, SEARCH | {"id": "host/fetch", "tool": "fetch", "wire": "host_wire"}])
    document = changed(document, "models", 0, "tools", to=["lab/search"])
    (target,) = parse(CHAT_MODELS, document, KNOWN).models()[0].targets
    assert [(tool.tool, tool.wire) for tool in target.tools] == [("search", "plain_wire")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wire": "plane_wire"}, "wire: unknown wire with tools: 'plane_wire'; known: host_wire, plain_wire"),
        ({"wire": "other_wire"}, "wire: unknown wire with tools: 'other_wire'; known: host_wire, plain_wire"),
        ({"tool": "serch"}, "tool: unknown tool of plain_wire: 'serch'; known: search"),
        ({"tool": "fetch"}, "tool: unknown tool of plain_wire: 'fetch'; known: search"),
        ({"price": "x"}, "price: 'x' is not a decimal amount like '12.50'"),
        ({"price": "0.000000001"}, "price: must be a multiple of 10000 billionths"),
        ({"uses": 0}, "uses: must be a whole number above 0, not 0"),
    ],
)
@pytest.mark.parametrize("named_by", [(), ("models", 0)])
def test_a_mistake_in_a_row_is_named_with_the_row(change: dict[str, Any], message: str, named_by: Any) -> None:
    assert refusal(SEARCH | change, *named_by) == f"tool 'lab/search': {message}"


def test_an_unknown_member_is_named_with_the_row() -> None:
    assert refusal(SEARCH | {"prise": "1"}).startswith("tool 'lab/search': unknown member 'prise'; known: tool, wire,")


def test_a_row_without_an_id_is_named_by_its_place() -> None:
    assert refusal({name: SEARCH[name] for name in SEARCH if name != "id"}) == "tool 1: member 'id' is missing"


def test_an_id_that_is_no_text_is_named() -> None:
    assert refusal(SEARCH | {"id": None}) == "tool None: id: must be a text, not None"


def test_a_tool_that_is_not_there_is_named_with_the_member() -> None:
    message = "model 'one': tools: must be one of lab/search, not 'lab/serch'"
    document = changed(changed(CHAT, "tools", to=[SEARCH]), "models", 0, "tools", to=["lab/serch"])
    with pytest.raises(CatalogError) as caught:
        parse(CHAT_MODELS, document, KNOWN)
    assert str(caught.value) == f"models/chat.json: {message}"


def test_a_tool_of_a_wire_that_no_target_is_asked_on_is_refused() -> None:
    tool = SEARCH | {"tool": "fetch", "wire": "host_wire"}
    message = "tools: fetch: no target is asked on the wire 'host_wire'; known: other_wire, plain_wire"
    assert refusal(tool, "models", 0) == f"model 'one': {message}"


def test_targets_of_two_wires_inherit_the_tools_of_each() -> None:
    tool = SEARCH | {"tool": "fetch", "wire": "host_wire"}
    document = changed(changed(CHAT, "tools", to=[tool]), "models", 1, "tools", to=["lab/search"])
    assert parse(CHAT_MODELS, document, KNOWN).models()


def test_a_kind_without_tools_refuses_their_rows() -> None:
    with pytest.raises(CatalogError, match="tool 'lab/search': models of this file are sold with no tools"):
        parse(MEDIA_MODELS, changed(MEDIA, "tools", to=[SEARCH]), KNOWN)


def test_the_words_of_tools_are_those_of_the_decoders() -> None:
    assert set(TOOLS["anthropic_messages"]) == set(MESSAGES_WORDS.values())
    assert set(TOOLS["gemini"]) == set(GEMINI_WORDS.values())
    asked = orjson.dumps({"tools": [{"type": word} for word in TOOLS["openai_responses"]]})
    assert tuple(tool.provider_run for tool in decode_tools(parse_body(asked), {})) == TOOLS["openai_responses"]
