"""Tests that no provider refuses a request that is allowed on the caller's wire and refused on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import ClientCodec
from gateway.canonical.events import Event, Finished, ToolCallDelta, ToolCallStarted
from gateway.canonical.parts import ToolCall
from gateway.canonical.request import Sampling
from gateway.canonical.response import ChatResponse, Choice, FinishReason
from gateway.canonical.target import Target
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.errors import InvalidRequest
from gateway.protocols import anthropic_messages, openai_chat, openai_completions, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import KNOWN, PROVIDERS, Provider
from gateway.providers.constraints import Renaming
from local.providers import (
    anthropic_checks,
    bedrock_checks,
    cohere_chat,
    gemini_checks,
    openai_checks,
    openai_items,
    responses_table,
)
from local.providers.json_value import Json
from local.providers.memory import Memory

NAMES = ("mcp__server__" + "n" * 80, "files.read", "ns:read", "1c_reload", "plain")
ARGUMENTS = {"type": "object", "properties": {"filter[id]": {"type": "string"}, "plain": {"type": "integer"}}}
ROOTS: tuple[Json, ...] = (
    ARGUMENTS,
    {"anyOf": [ARGUMENTS, {"type": "object", "properties": {"b": {}}}]},
    {"type": "object"},
    {"$ref": "#/$defs/A", "$defs": {"A": ARGUMENTS}},
    {"type": ["object", "null"], "properties": {}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
)
JPG = "/9j/4AAQSkZJRg=="
ID = "call|" + "x" * 100
USER = "user_" + "u" * 300
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}

CHAT: Json = {
    "model": "m",
    "max_tokens": 999_999,
    "temperature": 1.9,
    "seed": 2**50,
    "presence_penalty": 1.5,
    "stop": ["a", "b", "c", "\n"],
    "user": USER,
    "messages": [
        {"role": "system", "content": " "},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/JPG;base64,{JPG}"}}]},
        {"role": "assistant", "content": "\n\n"},
        {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "go"}]},
        {"role": "assistant", "tool_calls": [
            {"id": ID, "type": "function", "function": {"name": NAMES[0], "arguments": '{"filter[id]":"1"}'}},
            {"id": "lost", "type": "function", "function": {"name": NAMES[1], "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": ID, "content": " "},
        {"role": "tool", "tool_call_id": "orphan", "content": "late"},
        {"role": "assistant", "content": "Done. "},
        {"role": "system", "content": "Sum this up."},
    ],
    "tools": [
        {"type": "function", "function": {"name": name, "description": "d", "parameters": root}}
        for name, root in zip(NAMES, ROOTS, strict=True)
    ],
    "tool_choice": {"type": "function", "function": {"name": NAMES[3]}},
    "parallel_tool_calls": True,
}  # fmt: skip
RESPONSES: Json = {
    "model": "m",
    "max_output_tokens": 999_999,
    "temperature": 1.9,
    "user": USER,
    "input": [
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [
            {"type": "input_image", "image_url": f"data:image/jpg;x=y;base64,{JPG}"},
            {"type": "input_text", "text": "look"},
        ]},
        {"type": "function_call", "call_id": ID, "name": NAMES[0], "arguments": "{}"},
        {"type": "function_call", "call_id": "lost", "name": NAMES[1], "arguments": "{}"},
        {"type": "function_call_output", "call_id": ID, "output": ""},
        {"role": "assistant", "content": "Done."},
        {"role": "developer", "content": "Sum this up."},
    ],
    "tools": [{"type": "function", "name": name, "parameters": root, "strict": False}
              for name, root in zip(NAMES, ROOTS, strict=True)],
    "text": {"format": {"type": "json_schema", "name": "r", "schema": SCHEMA, "strict": True}},
    "reasoning": {"effort": "minimal"},
}  # fmt: skip
MESSAGES: Json = {
    "model": "m",
    "max_tokens": 999_999,
    "metadata": {"user_id": USER[:250]},
    "stop_sequences": ["a", "b", "c", "d", "e", "f"],
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": ""},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": JPG}},
        ]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a-" + "x" * 100, "name": NAMES[0], "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a-" + "x" * 100, "content": [{"type": "text", "text": ""}]},
        ]},
        {"role": "assistant", "content": "And"},
    ],
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("t" * 128, NAMES[0], "plain")],
    "output_config": {"effort": "max", "format": {"type": "json_schema", "schema": SCHEMA}},
    "thinking": {"type": "adaptive"},
}  # fmt: skip
GEMINI: Json = {
    "contents": [
        {"role": "model", "parts": [{"text": "Hello."}]},
        {"role": "user", "parts": [{"inlineData": {"mimeType": "image/jpg", "data": JPG}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "files.read", "args": {}}}]},
    ],
    "systemInstruction": {"parts": [{"text": ""}]},
    "tools": [{"functionDeclarations": [
        {"name": name, "description": "d", "parametersJsonSchema": root}
        for name, root in zip(("files.read", "ns:read", "_" + "x" * 63, "a", "b"), ROOTS, strict=True)
    ]}],
    "generationConfig": {
        "maxOutputTokens": 999_999, "temperature": 2, "stopSequences": ["a", "b", "c", "d", "e"], "seed": 7,
        "presencePenalty": 1, "responseMimeType": "application/json", "thinkingConfig": {"thinkingBudget": 0},
    },
}  # fmt: skip
COMPLETIONS: Json = {
    "model": "m", "prompt": "x", "max_tokens": 999_999, "temperature": 2, "stop": ["a", "\n"], "user": USER,
    "seed": 2**40, "presence_penalty": 2,
}  # fmt: skip

ASKED: Mapping[str, tuple[ClientCodec, Json]] = {
    "openai_chat": (openai_chat.CLIENT, CHAT),
    "openai_completions": (openai_completions.CLIENT, COMPLETIONS),
    "openai_responses": (openai_responses.CLIENT, RESPONSES),
    "anthropic_messages": (anthropic_messages.CLIENT, MESSAGES),
    "gemini": (GeminiClient(Address("m", "generateContent")), GEMINI),
}
MODELS = {offer.id: offer for offer in load(CHAT_MODELS, KNOWN).offers() if isinstance(offer, ChatModel)}


def check_chat(body: Json, _: str, dialect: str) -> None:
    openai_checks.check(body, dialect)


def check_responses(body: Json, _: str) -> None:
    openai_items.check(body)
    openai_items.conversation(body, Memory())
    responses_table.check(body, openai_items.given(body))


def check_messages(body: Json, _: str) -> None:
    anthropic_checks.check(body, {}, counting=False)


JUDGES: Mapping[str, Callable[[Json, str], None]] = {
    "openai_chat": partial(check_chat, dialect="openai_chat"),
    **{row.dialect: partial(check_chat, dialect=row.dialect) for row in PROVIDERS.values() if row.dialect},
    "openai_responses": check_responses,
    "anthropic_messages": check_messages,
    "gemini": partial(gemini_checks.check, vertex=False),
    "bedrock_converse": bedrock_checks.check,
    "cohere_chat": lambda body, _: cohere_chat.check(body),
}


def provider_of(model: ChatModel, protocol: str) -> Provider:
    return PROVIDERS[model.targets[0].provider].speaking(protocol, model.targets[0].wires)


def target_of(model: ChatModel) -> Target:
    target = model.targets[0]
    return Target(target.upstream_model, PROFILES[target.profile], model.max_output_tokens)


PAIRS = [(client, model) for client in ASKED for model in MODELS]


@pytest.mark.drawn
@pytest.mark.parametrize(("client", "name"), PAIRS)
def test_no_provider_can_refuse_what_was_shaped_for_it(client: str, name: str) -> None:
    codec, asked = ASKED[client]
    model = MODELS[name]
    sees = "image" in model.input_modalities
    request = codec.decode_request(orjson.dumps(asked if sees else without_pictures(asked)))
    provider, target = provider_of(model, client), target_of(model)
    if provider.codec.protocol == client:
        assert provider.shaped(request, target) is request
        return
    if provider.codec.protocol == "openai_responses":
        # This wire cannot express some of it, and refuses that by name.
        request = replace(request, sampling=Sampling(temperature=request.sampling.temperature))
    body = orjson.loads(provider.codec.encode_request(provider.shaped(request, target), target))
    JUDGES[provider.dialect or provider.codec.protocol](body, target.model)


def test_names_come_back_whole_and_streamed() -> None:
    codec, asked = ASKED["openai_chat"]
    request, model = codec.decode_request(orjson.dumps(asked)), MODELS["claude-haiku-4-5"]
    provider, target = provider_of(model, "openai_chat"), target_of(model)
    sent = [tool.name for tool in provider.shaped(request, target).tools]
    renaming = provider.renaming(request, target)
    assert renaming is not None
    calls = [ToolCall(str(number), name, '{"filter_id_":"7"}') for number, name in enumerate(sent)]
    answer = ChatResponse("id", "m", 1, (Choice(0, tuple(calls), FinishReason.TOOL_CALLS),), None)
    read = [part for part in renaming.undone(answer).choices[0].parts if isinstance(part, ToolCall)]
    assert [call.name for call in read] == list(NAMES)
    assert read[0].arguments == '{"filter[id]":"7"}'
    streamed: list[Event] = [
        ToolCallStarted("0", sent[0], 0, 0),
        ToolCallDelta('{"filter_', 0, 0),
        ToolCallDelta('id_":"7"}', 0, 0),
        Finished(FinishReason.TOOL_CALLS),
    ]
    assert list(renaming.undoing()(streamed)) == [
        ToolCallStarted("0", NAMES[0], 0, 0),
        ToolCallDelta('{"filter[id]":"7"}', 0, 0),
        Finished(FinishReason.TOOL_CALLS),
    ]


def test_a_long_integer_keeps_its_digits_beside_a_renamed_argument() -> None:
    renaming = Renaming(arguments={"f": {"filter[id]": "filter_id_"}})
    part = ToolCall("c", "f", '{"filter_id_":1,"n":123456789012345678901234}')
    answer = ChatResponse("id", "m", 1, (Choice(0, (part,), FinishReason.TOOL_CALLS),), None)
    (read,) = renaming.undone(answer).choices[0].parts
    assert isinstance(read, ToolCall)
    assert read.arguments == '{"filter[id]":1,"n":123456789012345678901234}'


FORMAT = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}}


@pytest.mark.parametrize(("member", "value"), [("response_format", FORMAT), ("max_tokens", 65_536)])
def test_another_vendor_of_the_callers_wire_is_asked_as_the_caller_asks(member: str, value: Any) -> None:
    model = MODELS["deepseek-chat"]
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], member: value}
    request = openai_chat.CLIENT.decode_request(orjson.dumps(body))
    assert provider_of(model, "openai_chat").shaped(request, target_of(model)) is request
    strictly = openai_chat.CLIENT.decode_request(orjson.dumps(body | {"provider": {"require_parameters": True}}))
    with pytest.raises(InvalidRequest) as caught:
        provider_of(model, "openai_chat").shaped(strictly, target_of(model))
    assert caught.value.param == member


def without_pictures(asked: Any) -> Any:
    """Replaces each picture by a text."""
    match asked:
        case {"type": "image_url" | "input_image" | "image"}:
            return {"type": "input_text" if asked["type"] == "input_image" else "text", "text": "x"}
        case {"inlineData": _}:
            return {"text": "x"}
        case dict():
            return {name: without_pictures(value) for name, value in asked.items()}
        case list():
            return [without_pictures(value) for value in asked]
        case _:
            return asked
