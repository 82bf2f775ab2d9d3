"""Refuses the requests that Bedrock's Converse refuses, with its texts, before a model answers.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the user guide's
pages on tool use and prompt caching. A refusal of the model itself begins with Bedrock's preface.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from local.providers import bedrock_table, block_cache, seals
from local.providers.block_cache import Block
from local.providers.json_value import Json
from local.providers.vendor_rules import rules_of
from local.providers.wire import Refusal

SIGNATURE = "bedrock reasoning"
REDACTED = "bedrock redacted reasoning"

_KINDS = {
    400: "ValidationException", 401: "UnrecognizedClientException", 403: "AccessDeniedException",
    404: "ResourceNotFoundException", 408: "ModelTimeoutException", 424: "ModelErrorException",
    429: "ThrottlingException", 500: "InternalServerException", 503: "ServiceUnavailableException",
}  # fmt: skip
_VENDORS = "ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|nvidia|openai|qwen|writer|zai"
_MODEL = re.compile(rf"((us|us-gov|eu|apac|jp|au|ca|global)\.)?({_VENDORS})\.[a-z0-9.:_-]+|arn:aws:bedrock:.+")
_PROFILE_ONLY = re.compile(r"anthropic\.claude-(3-7|(opus|sonnet|haiku)-[4-9])")
_ROLES_FREE = re.compile(r"amazon\.titan")
_CACHES = re.compile(r"(anthropic\.claude|amazon\.nova)")
_CONTENT = (
    "text", "image", "toolUse", "toolResult", "document", "video", "cachePoint", "reasoningContent",
    "citationsContent", "searchResult", "guardContent", "audio",
)  # fmt: skip
_RESULT_CONTENT = ("json", "text", "image", "document", "video", "searchResult")
_BOUNDS: dict[str, tuple[float, float]] = {"maxTokens": (1, 2**31 - 1), "temperature": (0, 1), "topP": (0, 1)}
_PREFACE = "The model returned the following errors: "


def refusal(status: int, message: str, code: str | None = None) -> Refusal:
    """Builds an error as AWS sends it: the type in a header, the message in the body."""
    kind = code or _KINDS.get(status, "InternalServerException" if status >= 500 else "ValidationException")
    return Refusal(status, {"message": message}, (("x-amzn-errortype", f"{kind}:http://internal.amazon.com/"),))


def invalid(message: str) -> Refusal:
    """Builds a ValidationException."""
    return refusal(400, message)


def require_model(model: str) -> None:
    """Refuses an identifier that names no model, or a model that is sold by inference profile only."""
    if not _MODEL.fullmatch(model):
        raise invalid("The provided model identifier is invalid.")
    if _PROFILE_ONLY.match(model):
        raise invalid(
            f"Invocation of model ID {model} with on-demand throughput isn't supported. Retry your request with the ID "
            "or ARN of an inference profile that contains this model."
        )


def check(body: Json, model: str) -> None:
    """Raises the service's refusal of a Converse request."""
    _messages(body, model)
    for rule in _RULES:
        rule(body)
    _cache_points(body, model)
    for fault in bedrock_table.faults(body, model):
        raise invalid(fault)


def _numbers(body: Json) -> None:
    for name, (least, most) in _BOUNDS.items():
        value = (body.get("inferenceConfig") or {}).get(name)
        bound = "greater than or equal to" if value is not None and value < least else "less than or equal to"
        if value is not None and not least <= value <= most:
            raise invalid(
                f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy "
                f"constraint: Member must have value {bound} {least if value < least else most}"
            )


def _messages(body: Json, model: str) -> None:
    messages = body.get("messages")
    if not messages or messages[0].get("role") != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for index, message in enumerate(messages):
        if index and message.get("role") == messages[index - 1].get("role") and not _ROLES_FREE.match(model):
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
        if not message.get("content"):
            raise invalid(f"The content field in the Message object at messages.{index} is empty.")
        for position, block in enumerate(message["content"]):
            _block(block, f"messages.{index}.content.{position}")


def _block(block: Json, at: str) -> None:
    if len(set(block) & set(_CONTENT)) != 1:
        raise invalid(f"The ContentBlock object at {at} must set one of the following keys: {', '.join(_CONTENT)}.")
    if "toolUse" in block and not isinstance(block["toolUse"].get("input"), dict):
        raise invalid(
            f"The format of the value at {at}.toolUse.input is invalid. Provide a json object for the field and try "
            "again."
        )
    for index, inner in enumerate((block.get("toolResult") or {}).get("content") or ()):
        if len(set(inner) & set(_RESULT_CONTENT)) != 1:
            raise invalid(
                f"The ToolResultContentBlock object at {at}.toolResult.content.{index} must set one of the following "
                f"keys: {', '.join(_RESULT_CONTENT)}."
            )


def _tool_turns(body: Json) -> None:
    """Refuses a toolUse without an answer in the next message, and a history with tools but without toolConfig."""
    messages: list[Json] = body["messages"]
    if not body.get("toolConfig") and any(_ids(m, "toolUse") or _ids(m, "toolResult") for m in messages):
        raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    used: list[str] = []
    for index, message in enumerate(messages):
        answered = _ids(message, "toolResult")
        missing = [each for each in used if each not in answered]
        if missing:
            raise invalid(
                f"Expected toolResult blocks at messages.{index}.content for the following Ids: {', '.join(missing)}"
            )
        if set(answered) - set(used):
            raise invalid(
                f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of "
                "previous turn."
            )
        used = _ids(message, "toolUse")
    if used:
        raise invalid(
            f"Expected toolResult blocks at messages.{len(messages)}.content for the following Ids: {', '.join(used)}"
        )


def _ids(message: Json, kind: str) -> list[str]:
    return [block[kind]["toolUseId"] for block in message["content"] if kind in block]


def _tools(body: Json) -> None:
    config = body.get("toolConfig")
    if config is None:
        return
    if not config.get("tools"):
        raise invalid(
            "1 validation error detected: Value '[]' at 'toolConfig.tools' failed to satisfy constraint: Member must "
            "have length greater than or equal to 1"
        )
    for index, tool in enumerate(config["tools"]):
        schema = (tool.get("toolSpec") or {}).get("inputSchema", {}).get("json")
        if "toolSpec" in tool and (schema or {}).get("type") != "object":
            raise invalid(
                f"The value at toolConfig.tools.{index}.toolSpec.inputSchema.json.type must be one of the following: "
                "object."
            )


def _thinking(body: Json) -> None:
    thinking = (body.get("additionalModelRequestFields") or {}).get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens") or 0
    if budget < 1024:
        raise invalid(f"{_PREFACE}thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if (body.get("inferenceConfig") or {}).get("maxTokens", budget + 1) <= budget:
        raise invalid(f"{_PREFACE}`max_tokens` must be greater than `thinking.budget_tokens`.")
    last = max((i for i, m in enumerate(body["messages"]) if m["role"] == "assistant"), default=None)
    if last is None:
        return
    content = body["messages"][last]["content"]
    if any("toolUse" in block for block in content) and "reasoningContent" not in content[0]:
        raise invalid(
            f"{_PREFACE}messages.{last}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            "`tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )


def _signatures(body: Json) -> None:
    for index, message in enumerate(body["messages"]):
        for position, block in enumerate(message["content"]):
            if "reasoningContent" in block and not is_genuine(block["reasoningContent"]):
                at = f"messages.{index}.content.{position}"
                raise invalid(f"{_PREFACE}{at}: Invalid `signature` in `thinking` block")


def is_genuine(reasoning: Json) -> bool:
    """True if reasoning came back as it was sent."""
    if "redactedContent" in reasoning:
        return seals.open_seal(REDACTED, "", reasoning["redactedContent"]) is not None
    text = reasoning.get("reasoningText") or {}
    return seals.open_seal(SIGNATURE, str(text.get("text", "")), text.get("signature")) is not None


def _cache_points(body: Json, model: str) -> None:
    points = [block["cachePoint"] for block in _all_blocks(body) if "cachePoint" in block]
    if points and not _CACHES.search(model):
        raise refusal(
            403,
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for "
            "more information.",
        )


def _all_blocks(body: Json) -> list[Json]:
    tools = (body.get("toolConfig") or {}).get("tools") or []
    content = [block for message in body["messages"] for block in message["content"]]
    return [*tools, *(body.get("system") or ()), *content]


def check_cache_points(model: str, prompt: Sequence[Block]) -> None:
    """Refuses the cache points that the table forbids."""
    for fault in block_cache.mark_faults(rules_of("bedrock_converse", model).limits, prompt):
        raise invalid(f"{_PREFACE}{fault}")


_RULES: tuple[Callable[[Json], None], ...] = (
    _numbers,
    _tools,
    _tool_turns,
    _thinking,
    _signatures,
)
