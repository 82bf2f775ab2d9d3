"""Refuses the requests that OpenAI's chat endpoint refuses, with its texts, before a model answers.

Unknown fields are accepted, since the real service learns new ones every month. Only the gateway's own
fields are refused, because they must never arrive here.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.providers.constraints import Constraints
from local.providers import openai_shapes, openai_table, schemas
from local.providers.json_value import Json, JsonValue
from local.providers.vendor_rules import rules_of
from local.providers.wire import Refusal

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_GATEWAY_FIELDS = ("models", "provider", "max_price", "nexevo", "idempotency_key")

# The table has the model's own bound.
_ANY = 2**31 - 1
_NUMBERS: dict[str, tuple[type, float, float]] = {
    "temperature": (float, 0, 2),
    "top_p": (float, 0, 1),
    "presence_penalty": (float, -2, 2),
    "frequency_penalty": (float, -2, 2),
    "n": (int, 1, 128),
    "top_logprobs": (int, 0, 20),
    "max_tokens": (int, 1, _ANY),
    "max_completion_tokens": (int, 1, _ANY),
    "seed": (int, -(2**63), 2**63 - 1),
}
_OTHERS: dict[str, tuple[type, ...]] = {
    "stream": (bool,),
    "logprobs": (bool,),
    "parallel_tool_calls": (bool,),
    "store": (bool,),
    "user": (str,),
    "stop": (str, list),
    "tools": (list,),
    "messages": (list,),
    "stream_options": (dict,),
    "response_format": (dict,),
    "logit_bias": (dict,),
    "metadata": (dict,),
    "tool_choice": (str, dict),
    "reasoning_effort": (str,),
}
_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"), (int, "an integer"), (float, "a decimal"), (str, "a string"),
    (list, "an array"), (dict, "an object"),
)  # fmt: skip
_CONTENT_PARTS = ("text", "image_url", "input_audio", "refusal", "audio", "file")


def check(body: Json, dialect: str = "openai_chat") -> None:
    """Raises the refusal of a chat request by OpenAI or another vendor of its wire. The model is checked elsewhere."""
    for rule in _RULES:
        rule(body)
    _response_format(body, rules_of(dialect, str(body.get("model"))).limits)
    openai_table.check(body, dialect)


def _fields_of_the_gateway(body: Json) -> None:
    for name in _GATEWAY_FIELDS:
        if name in body:
            raise _refused(f"Unknown parameter: '{name}'.", "unknown_parameter", name)


def _numbers(body: Json) -> None:
    for name, (kind, least, most) in _NUMBERS.items():
        value = body.get(name)
        if value is None:
            continue
        accepted = (int,) if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, accepted):
            raise _wrong_type(name, (kind,), value)
        word = "integer" if kind is int else "decimal"
        if value < least:
            raise _refused(
                f"Invalid '{name}': {word} below minimum value. Expected a value >= {least:g}, "
                f"but got {value} instead.",
                f"{word}_below_min_value",
                name,
            )
        if value > most:
            raise _refused(
                f"Invalid '{name}': {word} above maximum value. Expected a value <= {most:g}, but got {value} instead.",
                f"{word}_above_max_value",
                name,
            )


def _types(body: Json) -> None:
    for name, kinds in _OTHERS.items():
        value = body.get(name)
        if value is not None and not isinstance(value, kinds):
            raise _wrong_type(name, kinds, value)


def _messages(body: Json) -> None:
    messages = body.get("messages")
    if messages is None:
        raise _refused("Missing required parameter: 'messages'.", "missing_required_parameter", "messages")
    if not messages:
        raise _refused(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "empty_array",
            "messages",
        )
    for index, message in enumerate(messages):
        _message(message, f"messages[{index}]")


def _message(message: JsonValue, at: str) -> None:
    if not isinstance(message, dict):
        raise _wrong_type(at, (dict,), message)
    role = message.get("role")
    if role is None:
        raise _refused(f"Missing required parameter: '{at}.role'.", "missing_required_parameter", f"{at}.role")
    if role not in _ROLES:
        supported = "'" + "', '".join(_ROLES[:-1]) + f"', and '{_ROLES[-1]}'"
        raise _refused(f"Invalid value: '{role}'. Supported values are: {supported}.", "invalid_value", f"{at}.role")
    content = message.get("content")
    if content is None and not _may_be_empty(message):
        raise _refused("Invalid value for 'content': expected a string, got null.", "invalid_type", f"{at}.content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            _part(part, f"{at}.content[{index}]")
    elif content is not None and not isinstance(content, str):
        raise _wrong_type(f"{at}.content", (str, list), content)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise _refused(
            f"Missing required parameter: '{at}.tool_call_id'.",
            "missing_required_parameter",
            f"{at}.tool_call_id",
        )


def _may_be_empty(message: Json) -> bool:
    return message["role"] == "assistant" and any(
        message.get(name) for name in ("tool_calls", "function_call", "refusal", "audio")
    )


def _part(part: JsonValue, at: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in _CONTENT_PARTS:
        supported = "'" + "', '".join(_CONTENT_PARTS[:-1]) + f"', and '{_CONTENT_PARTS[-1]}'"
        raise _refused(f"Invalid value: '{kind}'. Supported values are: {supported}.", "invalid_value", f"{at}.type")
    if kind == "image_url":
        _image(part.get("image_url"), f"{at}.image_url")


def _image(image: JsonValue, at: str) -> None:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        raise _refused(f"Missing required parameter: '{at}.url'.", "missing_required_parameter", f"{at}.url")
    if not url.startswith(("https://", "http://", "data:image/")):
        raise _refused(
            f"Invalid '{at}.url'. Expected a valid URL, but got a value with an invalid format.",
            "invalid_value",
            f"{at}.url",
        )


def _tool_turns(body: Json) -> None:
    """Refuses a tool call without an answer at once, and a tool message without a call."""
    open_ids: dict[str, None] = {}
    for index, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                raise _refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'.",
                    None,
                    f"messages.[{index}].role",
                )
            open_ids.pop(message["tool_call_id"])
            continue
        _nothing_open(open_ids, index)
        open_ids = {call["id"]: None for call in message.get("tool_calls") or ()}
    _nothing_open(open_ids, len(body["messages"]))


def _nothing_open(open_ids: dict[str, None], index: int) -> None:
    if open_ids:
        raise _refused(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(open_ids),
            None,
            f"messages.[{index}].role",
        )


def _tools(body: Json) -> None:
    tools = body.get("tools")
    if tools == []:
        raise _refused(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "empty_array",
            "tools",
        )
    for name in ("tool_choice", "parallel_tool_calls"):
        if not tools and body.get(name) not in (None, "none"):
            raise _refused(f"'{name}' is only allowed when 'tools' are specified.", None, name)
    for index, tool in enumerate(tools or ()):
        _tool(tool, f"tools[{index}]")


def _tool(tool: Json, at: str) -> None:
    kind = tool.get("type")
    if kind not in {"function", "custom"}:
        raise _refused(
            f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.",
            "invalid_value",
            f"{at}.type",
        )
    inner = tool.get(kind)
    if not isinstance(inner, dict) or not inner.get("name"):
        raise _refused(
            f"Missing required parameter: '{at}.{kind}.name'.",
            "missing_required_parameter",
            f"{at}.{kind}.name",
        )
    parameters = inner.get("parameters")
    if parameters is not None and parameters.get("type") not in {"object", None}:
        raise _schema_refused(
            f"function '{inner['name']}'",
            f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{parameters.get('type')}\"'.",
            "invalid_function_parameters",
            f"{at}.function.parameters",
        )
    if inner.get("strict"):
        owner = f"function '{inner['name']}'"
        _strict(parameters or {}, owner, "invalid_function_parameters", f"{at}.function.parameters")


def _response_format(body: Json, limits: Constraints) -> None:
    wanted = body.get("response_format") or {"type": "text"}
    kind = wanted.get("type")
    if kind not in {"text", "json_object", "json_schema"}:
        raise _refused(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "invalid_value",
            "response_format.type",
        )
    if kind == "json_object" and not limits.json_unsaid and "json" not in str(body["messages"]).lower():
        raise _refused(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            None,
            "messages",
        )
    if kind == "json_schema":
        _json_schema(wanted.get("json_schema"), limits)


def _json_schema(wanted: JsonValue, limits: Constraints) -> None:
    at = "response_format.json_schema"
    if not isinstance(wanted, dict) or not wanted.get("name"):
        raise _refused(f"Missing required parameter: '{at}.name'.", "missing_required_parameter", f"{at}.name")
    if wanted.get("strict") and limits.strict_schemas_closed:
        _strict(wanted.get("schema") or {}, f"response_format '{wanted['name']}'", None, "response_format")


def _strict(schema: Json, owner: str, code: str | None, at: str) -> None:
    fault = schemas.strict_fault(schema)
    if fault:
        raise _schema_refused(owner, fault, code, at)


def _reasoning(body: Json) -> None:
    model = str(body.get("model"))
    if not openai_shapes.counts_completion_tokens(model):
        return
    if body.get("max_tokens") is not None:
        raise _refused(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "unsupported_parameter",
            "max_tokens",
        )
    if body.get("temperature") not in {None, 1}:
        raise _refused(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
            "Only the default (1) value is supported.",
            "unsupported_value",
            "temperature",
        )
    for index, message in enumerate(body["messages"]):
        if message["role"] == "system" and model.startswith(("o1-mini", "o1-preview")):
            raise _refused(
                f"Unsupported value: 'messages[{index}].role' does not support 'system' with this model.",
                "unsupported_value",
                f"messages[{index}].role",
            )


def _dependent(body: Json) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise _refused(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "invalid_parameter_combination",
            "max_tokens",
        )
    if body.get("stream_options") is not None and not body.get("stream"):
        raise _refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", None, "stream_options"
        )
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise _refused("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", None, "top_logprobs")


_RULES: tuple[Callable[[Json], None], ...] = (
    _fields_of_the_gateway,
    _types,
    _numbers,
    _messages,
    _tool_turns,
    _tools,
    _reasoning,
    _dependent,
)


def _refused(message: str, code: str | None, param: str) -> Refusal:
    return openai_shapes.refusal(400, message, code, param)


def _schema_refused(owner: str, fault: str, code: str | None, at: str) -> Refusal:
    return _refused(f"Invalid schema for {owner}: {fault}", code, at)


def _wrong_type(name: str, kinds: tuple[type, ...], value: JsonValue) -> Refusal:
    wanted = " or ".join(dict(_TYPE_NAMES)[kind] for kind in kinds)
    got = next((text for kind, text in _TYPE_NAMES if isinstance(value, kind)), "null")
    return _refused(f"Invalid type for '{name}': expected {wanted}, but got {got} instead.", "invalid_type", name)
