"""Refuses the requests that Anthropic's Messages API refuses, with its texts, before a model answers.

Sources: https://docs.claude.com/en/api/messages and the guides on extended thinking, tool use and caching.
Unknown fields are refused, as the real service does; those of a beta need an `anthropic-beta` header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from local.providers import anthropic_table, seals
from local.providers.anthropic_prompt import parts
from local.providers.block_cache import Block
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Refusal

SIGNATURE = "anthropic thinking"
REDACTED = "anthropic redacted thinking"

_FIELDS = frozenset({
    "model", "messages", "max_tokens", "system", "stream", "metadata", "stop_sequences", "temperature", "top_k",
    "top_p", "tools", "tool_choice", "thinking", "cache_control", "container", "diagnostics", "inference_geo",
    "output_config", "service_tier", "speed", "user_profile_id", "workspace_id",
})  # fmt: skip
_BETA_FIELDS = frozenset({"context_management", "mcp_servers", "output_format", "betas", "fallbacks"})
_ROLES = frozenset({"user", "assistant", "system"})
_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error",
    529: "overloaded_error",
}  # fmt: skip
_ADAPTIVE = re.compile(r"claude-(opus|sonnet)-4-[6-9]|claude-(opus|sonnet|haiku|fable|mythos)-[5-9]")
_ADAPTIVE_ONLY = re.compile(r"claude-opus-4-[7-9]|claude-(opus|sonnet|haiku|fable|mythos)-[5-9]")
_NEVER_THINKS = re.compile(r"claude-(3-5|3-opus|3-haiku|3-sonnet)")
_ONE_SAMPLER = re.compile(r"claude-(opus-4-1|(opus|sonnet|haiku)-4-[5-9])")


def refusal(status: int, message: str, code: str | None = None) -> Refusal:
    """Builds an error in Anthropic's shape. A `code` given by a fault replaces the type."""
    kind = code or _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return Refusal(status, {"type": "error", "error": {"type": kind, "message": message}})


def invalid(message: str) -> Refusal:
    """Builds a 400 of the Messages API."""
    return refusal(400, message)


def adaptive(model: str) -> bool:
    """True if the model decides itself how long to think."""
    return bool(_ADAPTIVE.match(model))


def hides_thinking(model: str) -> bool:
    """True if the answer omits the model's thinking unless the request asks for its summary."""
    return bool(_ADAPTIVE_ONLY.match(model))


def check(body: Json, headers: dict[str, str], *, counting: bool) -> None:
    """Raises the service's refusal of a request. Counting tokens needs no `max_tokens`."""
    _fields(body, headers)
    for name in ("messages",) if counting else ("max_tokens", "messages"):
        if body.get(name) is None:
            raise invalid(f"{name}: Field required")
    for rule in _RULES:
        rule(body)
    for fault in anthropic_table.faults(body):
        raise invalid(fault)


def _fields(body: Json, headers: dict[str, str]) -> None:
    known = _FIELDS | _BETA_FIELDS if "anthropic-beta" in headers else _FIELDS
    for name in body:
        if name not in known:
            raise invalid(f"{name}: Extra inputs are not permitted")


def _numbers(body: Json) -> None:
    max_tokens = body.get("max_tokens")
    if max_tokens is not None and (isinstance(max_tokens, bool) or not isinstance(max_tokens, int)):
        raise invalid("max_tokens: Input should be a valid integer")
    if max_tokens is not None and max_tokens < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None and not isinstance(value, (int, float)):
            raise invalid(f"{name}: Input should be a valid number")
        if value is not None and not 0 <= value <= 1:
            raise invalid(f"{name}: range: 0..1")


def _sampling(body: Json) -> None:
    model = body["model"]
    given = [name for name in ("temperature", "top_p", "top_k") if body.get(name) is not None]
    if _ADAPTIVE_ONLY.match(model):
        for name in given:
            if (name, body[name]) != ("temperature", 1):
                raise invalid(f"`{name}` is deprecated for this model.")
    if _ONE_SAMPLER.match(model) and {"temperature", "top_p"} <= set(given):
        raise invalid("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _system(body: Json) -> None:
    given = body.get("system")
    for index, part in enumerate(given if isinstance(given, list) else ()):
        if not isinstance(part, dict) or part.get("type") != "text":
            raise invalid(f"system.{index}.type: Input should be 'text'")
        if not isinstance(part.get("text"), str):
            raise invalid(f"system.{index}.text: Field required")


def _messages(body: Json) -> None:
    messages = body["messages"]
    if not isinstance(messages, list):
        raise invalid("messages: Input should be a valid list")
    if not messages:
        raise invalid("messages: at least one message is required")
    for index, message in enumerate(messages):
        _message(message, f"messages.{index}", last=index == len(messages) - 1)


def _message(message: JsonValue, at: str, *, last: bool) -> None:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise invalid(f"{at}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    if content is None:
        raise invalid(f"{at}.content: Field required")
    if not isinstance(content, (str, list)):
        raise invalid(f"{at}.content: Input should be a valid string")
    if not content and not (last and message["role"] == "assistant"):
        raise invalid(f"{at}: all messages must have non-empty content except for the optional final assistant message")
    for index, part in enumerate(parts(content)):
        _part(part, f"{at}.content.{index}")


def _part(part: Json, at: str) -> None:
    required = _REQUIRED.get(str(part.get("type")))
    if required is None:
        found = part.get("type")
        expected = "', '".join(sorted(_REQUIRED))
        raise invalid(
            f"{at}: Input tag '{found}' found using 'type' does not match any of the expected tags: '{expected}'"
        )
    for name in required:
        if name not in part:
            raise invalid(f"{at}.{part['type']}.{name}: Field required")
    if part["type"] == "tool_use" and not isinstance(part["input"], dict):
        raise invalid(f"{at}.tool_use.input: Input should be a valid dictionary")


# Blocks of server tools and betas pass unchecked.
_OTHER_BLOCKS = (
    "advisor_tool_result", "bash_code_execution_tool_result", "code_execution_tool_result", "mcp_tool_result",
    "mcp_tool_use", "text_editor_code_execution_tool_result", "tool_addition", "tool_reference", "tool_removal",
    "tool_search_tool_result", "web_fetch_tool_result", "compaction",
)  # fmt: skip
_REQUIRED: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("source",),
    "document": ("source",),
    "search_result": ("source", "title", "content"),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "server_tool_use": ("id", "name", "input"),
    "web_search_tool_result": ("tool_use_id", "content"),
    "container_upload": ("file_id",),
} | dict.fromkeys(_OTHER_BLOCKS, ())


def _signatures(body: Json) -> None:
    """Refuses a thinking block that was changed: it must come back as it was sent."""
    for index, message in enumerate(body["messages"]):
        for position, part in enumerate(parts(message["content"])):
            at = f"messages.{index}.content.{position}"
            if part["type"] == "thinking" and seals.open_seal(SIGNATURE, part["thinking"], part["signature"]) is None:
                raise invalid(f"{at}: Invalid `signature` in `thinking` block")
            if part["type"] == "redacted_thinking" and seals.open_seal(REDACTED, "", part["data"]) is None:
                raise invalid(f"{at}: Invalid `data` in `redacted_thinking` block")


def _tool_turns(body: Json) -> None:
    """Refuses a `tool_use` without an answer at the start of the next message, and a `tool_result` without a call."""
    used: list[str] = []
    for index, message in enumerate(_joined_turns(body["messages"])):
        content = parts(message["content"])
        _results_answer(used, content, index)
        used = [part["id"] for part in content if part["type"] == "tool_use"]
    if used:
        raise _unanswered(len(body["messages"]) - 1, used)


def _joined_turns(messages: Sequence[Json]) -> list[Json]:
    """Joins consecutive messages of one role into one turn; system notes between them belong to none."""
    turns: list[Json] = []
    for message in messages:
        if message["role"] == "system":
            continue
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1] = turns[-1] | {"content": parts(turns[-1]["content"]) + parts(message["content"])}
        else:
            turns.append(message)
    return turns


def _results_answer(used: Sequence[str], content: Sequence[Json], index: int) -> None:
    answered: list[str] = []
    for position, part in enumerate(content):
        if part["type"] != "tool_result":
            continue
        if part["tool_use_id"] not in used:
            raise invalid(
                f"messages.{index}.content.{position}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{part['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
        answered.append(part["tool_use_id"])
    first = [part["type"] for part in content[: len(answered)]]
    missing = [each for each in used if each not in answered]
    if missing or any(kind != "tool_result" for kind in first):
        raise _unanswered(index - 1, missing or list(used))


def _unanswered(index: int, identifiers: Sequence[str]) -> Refusal:
    return invalid(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(identifiers)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
        "message."
    )


def _tools(body: Json) -> None:
    tools = body.get("tools") or []
    for index, tool in enumerate(tools):
        custom = tool.get("type") in {None, "custom"}
        if "name" not in tool and (custom or "mcp" not in str(tool.get("type"))):
            raise invalid(f"tools.{index}.custom.name: Field required")
        if custom and "input_schema" not in tool:
            raise invalid(f"tools.{index}.custom.input_schema: Field required")
        if custom and tool["input_schema"].get("type") != "object":
            raise invalid(f"tools.{index}.custom.input_schema.type: Field required")
    names = [tool.get("name") for tool in tools]
    if len(set(names)) < len(names):
        raise invalid("tools: Tool names must be unique.")
    choice = body.get("tool_choice")
    if choice and choice.get("type") != "none" and not tools:
        raise invalid("tool_choice: tool_choice may only be specified while providing tools.")
    if choice and choice.get("type") == "tool" and choice.get("name") not in names:
        raise invalid(f"Tool '{choice.get('name')}' not found in provided tools")


def _thinking(body: Json) -> None:
    thinking = body.get("thinking") or {"type": "disabled"}
    rule = _THINKING.get(str(thinking.get("type")))
    if rule is None:
        raise invalid(
            f"thinking: Input tag '{thinking.get('type')}' found using 'type' does not match any of the expected "
            "tags: 'adaptive', 'disabled', 'enabled'"
        )
    rule(body, thinking)
    if thinking["type"] != "disabled":
        _thinking_alone(body)
        _thinking_first(body)


def _enabled(body: Json, thinking: Json) -> None:
    if _NEVER_THINKS.match(body["model"]):
        raise invalid(f"'{body['model']}' does not support thinking.")
    if _ADAPTIVE_ONLY.match(body["model"]):
        raise invalid(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )
    budget = thinking.get("budget_tokens")
    if budget is None:
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        raise invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if body.get("max_tokens") is not None and body["max_tokens"] <= budget:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _adaptive_thinking(body: Json, _thinking: Json) -> None:
    if not adaptive(body["model"]):
        raise invalid("adaptive thinking is not supported on this model")


def _disabled(_body: Json, _thinking: Json) -> None:
    pass


_THINKING: dict[str, Callable[[Json, Json], None]] = {
    "enabled": _enabled,
    "adaptive": _adaptive_thinking,
    "disabled": _disabled,
}


def _thinking_alone(body: Json) -> None:
    if body.get("temperature") not in {None, 1}:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_k") is not None:
        raise invalid("`top_k` must be unset when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _thinking_first(body: Json) -> None:
    """Refuses a last assistant turn in a tool loop that no longer begins with its thinking."""
    messages = body["messages"]
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=None)
    if last is None:
        return
    content = parts(messages[last]["content"])
    calls = any(part["type"] == "tool_use" for part in content)
    if calls and body["thinking"]["type"] == "enabled" and content[0]["type"] not in _THOUGHTS:
        raise invalid(
            f"messages.{last}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{content[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a "
            "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you "
            "include thinking blocks from previous turns. To avoid this requirement, disable `thinking`."
        )


_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def _format(body: Json) -> None:
    wanted = (body.get("output_config") or {}).get("format")
    if not wanted:
        return
    if wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict):
        raise invalid("output_config.format.schema: Field required")


_RULES: tuple[Callable[[Json], None], ...] = (
    _numbers,
    _system,
    _messages,
    _sampling,
    _tools,
    _thinking,
    _format,
    _tool_turns,
    _signatures,
)


def check_cache_marks(model: str, prompt: Sequence[Block]) -> None:
    """Refuses the cache markers that the table forbids."""
    for fault in anthropic_table.mark_faults(model, prompt):
        raise invalid(fault)
