"""A conversation longer than the model's context is told in the words that the agents of each wire act upon."""

from collections.abc import Callable

import orjson
import pytest

from gateway.canonical.codec import ClientCodec, UpstreamCodec
from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.anthropic_messages import CLIENT as MESSAGES_CLIENT
from gateway.protocols.anthropic_messages import UPSTREAM as MESSAGES
from gateway.protocols.bedrock_converse import UPSTREAM as CONVERSE
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.gemini.errors import encode_error as encode_gemini_error
from gateway.protocols.openai_chat import CLIENT as CHAT_CLIENT
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from gateway.protocols.openai_responses import CLIENT as RESPONSES_CLIENT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES

OPENAI = "This model's maximum context length is 128000 tokens. However, your messages resulted in 140000 tokens."
ANTHROPIC = "prompt is too long: 210000 tokens > 200000 maximum"
GOOGLE = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
AMAZON = "Input is too long for requested model."
# Nova, Vertex AI, GitHub Copilot, MiniMax, Kimi, GLM, Qwen and LM Studio.
OTHERS = [
    "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
    "The input token count is 1200000 but the model only supports up to 1048576.",
    "prompt token count of 140000 exceeds the limit of 128000",
    "invalid params, context window exceeds limit (2013)",
    "Invalid request: Your request exceeded model token limit: 262144",
    "Prompt exceeds max length",
    "Range of input length should be [1, 129024]",
    "The number of tokens to keep from the initial prompt is greater than the context length.",
]
FULL = InvalidRequest("It does not fit.", param="messages", code="context_length_exceeded")


@pytest.mark.parametrize("message", [OPENAI, ANTHROPIC, GOOGLE, AMAZON, *OTHERS])
@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (CHAT, lambda message: {"error": {"message": message, "type": "invalid_request_error"}}),
        (RESPONSES, lambda message: {"error": {"message": message, "type": "invalid_request_error"}}),
        (MESSAGES, lambda message: {"error": {"message": message, "type": "invalid_request_error"}}),
        (GEMINI, lambda message: {"error": {"message": message, "code": 400, "status": "INVALID_ARGUMENT"}}),
        (CONVERSE, lambda message: {"message": message, "__type": "ValidationException"}),
    ],
)
def test_a_full_context_is_known_by_any_vendors_words_on_any_wire(
    codec: UpstreamCodec, body: Callable[[str], object], message: str
) -> None:
    assert codec.decode_error(400, {}, orjson.dumps(body(message))).code == "context_length_exceeded"


@pytest.mark.parametrize("codec", [CHAT, RESPONSES, MESSAGES, GEMINI, CONVERSE])
@pytest.mark.parametrize(
    "body",
    [
        {"detail": ANTHROPIC},
        {"error": ANTHROPIC},
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {"raw": f'{{"error":{{"message":"{ANTHROPIC}"}}}}'},
            }
        },
    ],
    ids=["detail", "text", "quoted"],
)
def test_a_full_context_is_known_in_the_shapes_of_servers_and_proxies(codec: UpstreamCodec, body: object) -> None:
    error = codec.decode_error(400, {}, orjson.dumps(body))
    assert (error.code, error.message) == ("context_length_exceeded", ANTHROPIC)


@pytest.mark.parametrize("codec", [CHAT, RESPONSES, MESSAGES, GEMINI])
@pytest.mark.parametrize("error", [ANTHROPIC, {"message": ANTHROPIC}])
def test_a_full_context_that_is_told_with_status_200_needs_no_word_of_its_kind(
    codec: UpstreamCodec, error: object
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        codec.decode_response(orjson.dumps({"error": error}))
    assert raised.value.code == "context_length_exceeded"


@pytest.mark.parametrize("message", ["max_tokens is too large: 9000000.", "The model does not know this tool."])
def test_another_refusal_is_no_full_context(message: str) -> None:
    error = CHAT.decode_error(400, {}, orjson.dumps({"error": {"message": message}}))
    assert error.code is None


@pytest.mark.parametrize("client", [CHAT_CLIENT, RESPONSES_CLIENT])
def test_openai_wires_say_the_code_and_the_length(client: ClientCodec) -> None:
    said = orjson.loads(client.encode_error(FULL, "r"))["error"]
    assert (said["code"], said["message"]) == ("context_length_exceeded", "maximum context length: It does not fit.")


def test_messages_say_that_the_prompt_is_too_long_before_all_else() -> None:
    said = orjson.loads(MESSAGES_CLIENT.encode_error(FULL, "r"))["error"]
    assert said["message"] == "prompt is too long: It does not fit."


def test_gemini_says_its_own_words() -> None:
    said = orjson.loads(encode_gemini_error(FULL))["error"]
    assert said["message"].startswith("The input token count exceeds the maximum number of tokens allowed: ")


def test_a_message_that_has_the_words_is_left_as_it_is() -> None:
    error: GatewayError = InvalidRequest(ANTHROPIC, code="context_length_exceeded")
    assert orjson.loads(MESSAGES_CLIENT.encode_error(error, "r"))["error"]["message"] == ANTHROPIC
