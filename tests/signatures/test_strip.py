"""Tests that a conversation refused for a signature continues without any (field case E3)."""

from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Message, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.request import ChatRequest
from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.protocols import anthropic_messages, bedrock_converse, gemini, openai_responses
from gateway.signatures import is_about_signatures, unsigned

BAD_THOUGHT = "messages.1.content.0: Invalid `signature` in `thinking` block"
ANTHROPIC = {"error": {"type": "invalid_request_error", "message": BAD_THOUGHT}}
BEDROCK = {"message": f"The model returned the following errors: {BAD_THOUGHT}"}
GEMINI = {"error": {"code": 400, "message": "Corrupted thought signature.", "status": "INVALID_ARGUMENT"}}
OPENAI = {
    "error": {
        "type": "invalid_request_error",
        "code": "invalid_encrypted_content",
        "message": "The encrypted content could not be verified.",
    }
}


@pytest.mark.parametrize(
    ("upstream", "headers", "body"),
    [
        (anthropic_messages.UPSTREAM, {}, ANTHROPIC),
        (bedrock_converse.UPSTREAM, {"x-amzn-errortype": "ValidationException"}, BEDROCK),
        (gemini.UPSTREAM, {}, GEMINI),
        (openai_responses.UPSTREAM, {}, OPENAI),
    ],
    ids=["anthropic", "bedrock", "gemini", "openai"],
)
def test_a_providers_refusal_of_a_signature_is_known(upstream: Any, headers: dict[str, str], body: Any) -> None:
    assert is_about_signatures(upstream.decode_error(400, headers, orjson.dumps(body))) is True


@pytest.mark.parametrize("error", [InvalidRequest("Bad.", param="messages"), UpstreamError("Down.")])
def test_another_refusal_is_not_about_signatures(error: GatewayError) -> None:
    assert is_about_signatures(error) is False


def request(source: Any, *messages: Message) -> ChatRequest:
    return ChatRequest("openai_chat", "model", messages, orjson.dumps(source))


def test_thoughts_and_signatures_leave_the_messages() -> None:
    asked = request(
        {},
        Message("user", (Text("Weather?"),)),
        Message(
            "assistant",
            (
                Thinking("Hm.", "sig", "gemini"),
                RedactedThinking("x", "gemini"),
                Text("Let me look.", signature="s"),
                ToolCall("call_1", "weather", "{}", signature="s"),
            ),
        ),
        Message("assistant", (Thinking("Nothing else."),)),
    )
    assert unsigned(asked).messages == (
        Message("user", (Text("Weather?"),)),
        Message("assistant", (Text("Let me look."), ToolCall("call_1", "weather", "{}"))),
    )


CALLER = {"role": "user", "content": "Weather?"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
SOURCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "messages": (
        {
            "system": "s",
            "messages": [
                CALLER,
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "bad"}, USE]},
                {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "bad"}]},
            ],
        },
        {"system": "s", "messages": [CALLER, {"role": "assistant", "content": [USE]}]},
    ),
    "contents": (
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Weather?"}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "Hm.", "thought": True},
                        {"functionCall": {"name": "weather"}, "thoughtSignature": "bad"},
                        {"text": "So.", "thought_signature": "bad"},
                    ],
                },
            ]
        },
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Weather?"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "weather"}}, {"text": "So."}]},
            ]
        },
    ),
    "input": (
        {"input": [CALLER, {"type": "reasoning", "encrypted_content": "bad"}, {"type": "function_call", "name": "f"}]},
        {"input": [CALLER, {"type": "function_call", "name": "f"}]},
    ),
    "an input of one string": ({"input": "Weather?"}, {"input": "Weather?"}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sealed_pieces_leave_the_bytes_that_would_be_forwarded(name: str) -> None:
    source, expected = SOURCES[name]
    assert orjson.loads(unsigned(request(source)).source) == expected


def test_bytes_without_sealed_pieces_stay_as_they_came() -> None:
    source = b'{ "messages" : [ {"role":"user","content":"x", "n": 1.0} ] , "model":"m" }'
    assert unsigned(ChatRequest("openai_chat", "m", (), source)).source == source
