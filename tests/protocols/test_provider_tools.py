"""Tests of the provider's own tools that a caller may use, on every wire, and of what holds them within their price."""

from typing import Any

import orjson
import pytest

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import ClientCodec
from gateway.canonical.models import ModelTarget
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.errors import InvalidRequest
from gateway.ledger.tool_prices import OfferedTools
from gateway.operations.provider_tools import offered_tools, with_sold_tools
from gateway.protocols.anthropic_messages import CLIENT as MESSAGES
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.openai_chat import CLIENT as CHAT
from gateway.protocols.openai_responses import CLIENT as RESPONSES
from gateway.providers.chat.registry import KNOWN, PROVIDERS
from tests.bridging.cells import TARGETS, UPSTREAMS

CATALOG = load(CHAT_MODELS, KNOWN)
GEMINI = GeminiClient(Address("m", "generateContent"))
HELLO = [{"role": "user", "content": "hi"}]
CONTENTS = [{"parts": [{"text": "hi"}]}]
SHELL = {"type": "function", "name": "shell", "parameters": {"type": "object"}}
FUNCTION = {"name": "shell", "input_schema": {"type": "object"}}
DECLARED = {"functionDeclarations": [{"name": "shell"}]}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FETCH = {"type": "web_fetch_20250910", "name": "web_fetch"}
# The model of each wire's own provider.
MODELS = {CHAT: "gpt-5", RESPONSES: "gpt-5", MESSAGES: "claude-haiku-4-5", GEMINI: "gemini-2.5-flash"}


def target_of(model: str) -> ModelTarget[Any]:
    named = CATALOG.find(model)
    assert named is not None
    assert isinstance(named.offer, ChatModel)
    return named.offer.targets[0]


def asked(client: ClientCodec, tools: list[Any], **more: Any) -> bytes:
    said = {"input": "hi"} if client is RESPONSES else {"messages": HELLO, "max_tokens": 5}
    body = {"contents": CONTENTS} if client is GEMINI else {"model": "m", **said}
    return orjson.dumps({**body, "tools": tools, **more})


def offered(client: ClientCodec, tools: list[Any], model: str = "", **more: Any) -> OfferedTools:
    request = client.decode_request(asked(client, tools, **more))
    return offered_tools(request, target_of(model or MODELS[client]))


def sent(client: ClientCodec, tools: list[Any], model: str = "", **more: Any) -> dict[str, Any]:
    """Returns the body that reaches the provider on the caller's own wire."""
    target = target_of(model or MODELS[client])
    request = with_sold_tools(client.decode_request(asked(client, tools, **more)), target)
    codec = PROVIDERS[target.provider].speaking(client.protocol).codec
    body: dict[str, Any] = orjson.loads(codec.encode_request(request, TARGETS[client.protocol]))
    return body


@pytest.mark.parametrize(
    ("client", "tool", "model"),
    [
        (MESSAGES, {"type": "code_execution_20250825", "name": "code_execution"}, ""),
        (MESSAGES, {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-7"}, ""),
        (MESSAGES, SEARCH, "gpt-5"),
        (MESSAGES, SEARCH, "aws/claude-haiku-4-5"),
        (MESSAGES, {"type": "mcp_toolset", "mcp_server_name": "s"}, "gpt-5"),
        (RESPONSES, {"type": "image_generation"}, ""),
        (RESPONSES, {"type": "code_interpreter", "container": {"type": "auto"}}, ""),
        (RESPONSES, {"type": "file_search"}, ""),
        (RESPONSES, {"type": "shell", "environment": {"type": "container_auto"}}, ""),
        (RESPONSES, {"type": "hologram"}, ""),
        (RESPONSES, {"type": "web_search"}, "gpt-4.1-nano"),
        (RESPONSES, {"type": "web_search"}, "claude-haiku-4-5"),
        (RESPONSES, {"type": "mcp", "server_label": "s"}, "gemini-2.5-flash"),
        (GEMINI, {"enterpriseWebSearch": {}}, ""),
        (GEMINI, {"googleSearchRetrieval": {}}, ""),
        (GEMINI, {"google_maps": {}}, "gemini-3-flash-preview"),
        (GEMINI, {"googleSearch": {}}, "claude-haiku-4-5"),
        (CHAT, {"type": "web_search"}, ""),
        (CHAT, {"type": "web_search_preview"}, "gpt-4o"),
    ],
)
def test_a_tool_that_has_no_price_with_the_model_is_refused(client: ClientCodec, tool: Any, model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        offered(client, [tool], model)
    assert (refused.value.param, refused.value.code) == ("tools[0]", "unsupported_tool")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("web_search_options", {}),
        ("search_parameters", {"mode": "auto"}),
        ("enable_search", True),
        ("plugins", [{"id": "web"}]),
    ],
)
def test_a_search_that_is_asked_for_beside_the_tools_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        offered(CHAT, [], **{name: value})
    assert (refused.value.param, refused.value.code) == (name, "unsupported_tool")


@pytest.mark.parametrize("value", [None, False])
def test_a_search_that_is_turned_off_is_none(value: Any) -> None:
    assert offered(CHAT, [], enable_search=value) == offered(CHAT, [])


@pytest.mark.parametrize(
    ("client", "tool"),
    [
        (MESSAGES, {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}),
        (MESSAGES, {"type": "computer_20250124", "name": "computer"}),
        (RESPONSES, {"type": "local_shell"}),
        (RESPONSES, {"type": "shell", "environment": {"type": "local"}}),
        (RESPONSES, {"type": "tool_search", "execution": "client"}),
        (GEMINI, {"computerUse": {}}),
    ],
)
def test_a_tool_that_the_caller_runs_costs_nothing_and_stays_as_it_is(client: ClientCodec, tool: Any) -> None:
    assert offered(client, [tool]) == OfferedTools()
    assert sent(client, [tool])["tools"] == [tool]


@pytest.mark.parametrize(
    ("client", "tools", "more", "model", "usd", "rounds"),
    [
        (RESPONSES, [{"type": "web_search"}], {}, "gpt-5", "0.0525", 5),
        (RESPONSES, [{"type": "web_search"}], {"max_tool_calls": 2}, "gpt-5", "0.021", 2),
        (RESPONSES, [{"type": "web_search_2025_08_26"}], {}, "gpt-4o-mini", "0.0588", 5),
        (RESPONSES, [{"type": "web_search_preview"}], {}, "gpt-4o", "0.13125", 5),
        (RESPONSES, [{"type": "web_search"}, {"type": "web_search_preview"}], {}, "gpt-4o", "0.13125", 5),
        (RESPONSES, [{"type": "web_search_preview"}, {"type": "web_search"}], {}, "gpt-4o", "0.13125", 5),
        (RESPONSES, [{"type": "web_search"}, {"type": "mcp", "server_label": "s"}], {}, "gpt-5", "0.105", 10),
        (RESPONSES, [{"type": "mcp", "server_label": "s"}], {}, "gpt-5", "0", 10),
        (MESSAGES, [SEARCH], {}, "claude-haiku-4-5", "0.0525", 5),
        (MESSAGES, [{**SEARCH, "max_uses": 3}], {}, "claude-haiku-4-5", "0.0315", 3),
        (MESSAGES, [{**SEARCH, "max_uses": 3}, FETCH], {}, "claude-haiku-4-5", "0.0315", 8),
        (MESSAGES, [], {"mcp_servers": [{"type": "url", "url": "https://s", "name": "s"}]}, "", "0", 10),
        (GEMINI, [{"googleSearch": {}}], {}, "gemini-2.5-pro", "0.03675", 0),
        (GEMINI, [{"google_search": {}}], {}, "gemini-3-flash-preview", "0.147", 10),
        (GEMINI, [{"googleSearch": {}, "googleMaps": {}}], {}, "gemini-2.5-flash", "0.063", 0),
        (GEMINI, [{"urlContext": {}}], {}, "", "0", 0),
    ],
)
def test_a_tool_is_held_for_as_often_as_it_can_be_used(
    client: ClientCodec, tools: list[Any], more: Any, model: str, usd: str, rounds: int
) -> None:
    found = offered(client, tools, model, **more)
    assert (found.cost_at_most(10_500), found.rounds) == (round(float(usd) * 10**9), rounds)


@pytest.mark.parametrize(
    ("client", "tools", "more", "member", "bound"),
    [
        (RESPONSES, [{"type": "web_search"}], {}, "max_tool_calls", 5),
        (RESPONSES, [{"type": "web_search"}], {"max_tool_calls": 9}, "max_tool_calls", 9),
        (RESPONSES, [SHELL], {}, "max_tool_calls", None),
        (MESSAGES, [SEARCH], {}, "tools", [{**SEARCH, "max_uses": 5}]),
        (MESSAGES, [{**SEARCH, "max_uses": 2}], {}, "tools", [{**SEARCH, "max_uses": 2}]),
        (MESSAGES, [FETCH], {}, "tools", [{**FETCH, "max_uses": 5, "max_content_tokens": 25_000}]),
        (MESSAGES, [{"type": "mcp_toolset", "mcp_server_name": "s"}], {}, "tools", None),
        (GEMINI, [{"googleSearch": {}}], {}, "tools", [{"googleSearch": {}}]),
    ],
)
def test_the_bound_that_is_held_for_is_sent_where_the_wire_has_one(
    client: ClientCodec, tools: list[Any], more: Any, member: str, bound: Any
) -> None:
    assert sent(client, tools, **more).get(member) == (tools if bound is None and member == "tools" else bound)


@pytest.mark.parametrize(
    ("client", "tools", "model", "kept"),
    [
        (RESPONSES, [SHELL, {"type": "image_generation"}], "gpt-5", [SHELL]),
        (RESPONSES, [SHELL, {"type": "web_search"}], "gpt-4.1-nano", [SHELL]),
        (RESPONSES, [SHELL, {"type": "web_search"}], "gpt-5", [SHELL, {"type": "web_search"}]),
        (MESSAGES, [SEARCH, FUNCTION], "claude-haiku-4-5", [{**SEARCH, "max_uses": 5}, FUNCTION]),
        (GEMINI, [{"googleSearch": {}}, DECLARED], "gemini-2.5-flash", [DECLARED]),
        (GEMINI, [{**DECLARED, "google_search": {}}], "gemini-2.5-flash", [DECLARED]),
        (GEMINI, [DECLARED, {"googleSearch": {}}], "gemini-3-flash-preview", [DECLARED]),
        (GEMINI, [DECLARED, {"googleSearch": {}, "urlContext": {}}], "gemini-2.5-pro", [DECLARED, {"urlContext": {}}]),
    ],
)
def test_a_spare_one_beside_functions_is_sent_where_it_is_sold_and_stays_behind_elsewhere(
    client: ClientCodec, tools: list[Any], model: str, kept: list[Any]
) -> None:
    assert sent(client, tools, model)["tools"] == kept


@pytest.mark.parametrize(
    ("config", "member"),
    [
        ("toolConfig", "includeServerSideToolInvocations"),
        ("tool_config", "include_server_side_tool_invocations"),
        ("toolConfig", "include_server_side_tool_invocations"),
    ],
)
def test_a_search_of_googles_goes_beside_functions_where_the_caller_says_so(config: str, member: str) -> None:
    both = [DECLARED, {"googleSearch": {}}]
    assert sent(GEMINI, both, "gemini-3-flash-preview", **{config: {member: True}})["tools"] == both


@pytest.mark.parametrize(
    ("client", "tools", "model", "more"),
    [
        (MESSAGES, [FUNCTION, SEARCH], "gpt-5", {"tool_choice": {"type": "tool", "name": "web_search"}}),
        (RESPONSES, [SHELL, {"type": "web_search"}], "gpt-4.1-nano", {"tool_choice": {"type": "web_search"}}),
        (
            RESPONSES,
            [{"type": "web_search"}, SHELL],
            "gpt-4.1-nano",
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}},
        ),
        (GEMINI, [DECLARED, {"googleSearch": {}}], "", {"provider": {"require_parameters": True}}),
    ],
)
def test_a_search_that_must_be_called_is_refused_beside_functions_too(
    client: ClientCodec, tools: list[Any], model: str, more: Any
) -> None:
    with pytest.raises(InvalidRequest, match="is not sold with this model"):
        offered(client, tools, model, **more)


@pytest.mark.parametrize(
    ("client", "tools", "upstreams"),
    [
        (MESSAGES, [FETCH, FUNCTION], ["openai_chat", "openai_responses", "gemini", "bedrock_converse"]),
        (GEMINI, [{"urlContext": {}}, DECLARED], ["openai_chat", "openai_responses", "anthropic_messages"]),
    ],
)
def test_a_fetch_beside_functions_stays_behind_where_the_model_has_none(
    client: ClientCodec, tools: list[Any], upstreams: list[str]
) -> None:
    for name in upstreams:
        body = UPSTREAMS[name].encode_request(client.decode_request(asked(client, tools)), TARGETS[name])
        assert (b"shell" in body, b"fetch" in body, b"Context" in body) == (True, False, False), name


@pytest.mark.parametrize("kind", ["additional_tools", "tool_search_output"])
@pytest.mark.parametrize(
    ("tools", "model"),
    [
        ([], "gpt-5"),
        ([SHELL], "gpt-5"),
        ([SHELL, {"type": "mcp", "server_label": "s"}], "gpt-5"),
        ([SHELL, {"type": "web_search"}], "gpt-4.1-nano"),
        ([SHELL, {"type": "web_search"}], "claude-haiku-4-5"),
    ],
)
def test_a_tool_that_the_conversation_brings_is_refused_where_it_is_not_held_for(
    kind: str, tools: list[Any], model: str
) -> None:
    item = {"type": kind, "tools": [SHELL, {"type": "web_search"}]}
    for door in (offered, sent):
        with pytest.raises(InvalidRequest) as refused:
            door(RESPONSES, tools, model, input=[*HELLO, item])
        assert (refused.value.param, refused.value.code) == ("input[1].tools[1]", "unsupported_tool")


def test_a_tool_that_the_conversation_brings_goes_on_where_it_is_offered_too() -> None:
    given = [*HELLO, {"type": "additional_tools", "tools": [SHELL, {"type": "web_search_2025_08_26"}]}]
    body = sent(RESPONSES, [{"type": "web_search"}], input=given)
    assert (body["input"], body["max_tool_calls"]) == (given, 5)


def test_the_callers_tools_may_come_with_the_conversation() -> None:
    listed = {"name": "f", "input_schema": {"type": "object"}}
    own = [SHELL, {"type": "namespace", "name": "n", "tools": [SHELL]}, {"type": "local_shell"}]
    given = [*HELLO, {"type": "additional_tools", "tools": own}, {"type": "mcp_list_tools", "tools": [listed]}]
    assert sent(RESPONSES, [SHELL], input=given)["input"] == given


@pytest.mark.parametrize("name", ["googleSearch", "google_search", "googleMaps", "google_maps", "codeExecution"])
def test_a_tool_of_googles_that_is_null_is_not_offered(name: str) -> None:
    assert offered(GEMINI, [{name: None}]) == OfferedTools()
    assert sent(GEMINI, [{name: None}, {**DECLARED, name: None}])["tools"] == [DECLARED]
