"""Refuses the requests that the constraint table forbids on OpenAI's chat wire and DeepSeek's, with their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from local.providers import openai_shapes
from local.providers.json_value import Json
from local.providers.vendor_rules import (
    VendorRules,
    arrays_without_items,
    image_fault,
    name_faults,
    root_faults,
    rules_of,
)
from local.providers.wire import Refusal

_BOUNDS = ("max_tokens", "max_completion_tokens")
_NOTHING: tuple[object, ...] = (None, 0, [], "")


def check(body: Json, dialect: str) -> None:
    """Refuses a request that the table forbids for the model."""
    rules = rules_of(dialect, str(body.get("model")))
    for rule in _RULES:
        rule(body, rules)


def _bound(body: Json, rules: VendorRules) -> None:
    for name in _BOUNDS:
        asked, most = body.get(name), rules.output_tokens_max
        if not isinstance(asked, int) or asked <= most:
            continue
        if rules.limits.dialect == "deepseek":
            raise _refused(
                f"Invalid {name} value, the valid range of {name} is [1, {most}]", "invalid_request_error", ""
            )
        raise _refused(
            f"{name} is too large: {asked}. This model supports at most {most} completion tokens, whereas you provided "
            f"{asked}.",
            "invalid_value",
            name,
        )


def check_context(body: Json, dialect: str, prompt_tokens: int) -> None:
    """Refuse a bound for which the prompt leaves no room."""
    rules = rules_of(dialect, str(body.get("model")))
    asked = next((body[name] for name in _BOUNDS if body.get(name) is not None), 0)
    most = rules.context_window
    if rules.limits.bound_in_context and most is not None and prompt_tokens + asked > most:
        raise _refused(
            f"This model's maximum context length is {most} tokens. However, you requested {prompt_tokens + asked} "
            f"tokens ({prompt_tokens} in the messages, {asked} in the completion). Please reduce the length of the "
            "messages or completion.",
            "context_length_exceeded",
            "messages",
        )


def _names(body: Json, rules: VendorRules) -> None:
    refuse_names(rules, dict(_tool_names(body)))
    refuse_ids(rules, dict(_call_ids(body)))


def refuse_names(rules: VendorRules, names: dict[str, str]) -> None:
    """Refuses names of tools, by their paths."""
    alphabet = rules.limits.tool_name
    for path, name, too_long in name_faults(alphabet, names):
        if too_long and alphabet is not None:
            raise _too_long(path, alphabet.length_max or 0, len(name))
        pattern = "^[a-zA-Z0-9_-]+$"
        raise _refused(
            f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '{pattern}'.",
            "invalid_value",
            path,
        )


def refuse_ids(rules: VendorRules, ids: dict[str, str]) -> None:
    """Refuses ids of calls, by their paths."""
    alphabet = rules.limits.call_id
    for path, identity, _ in name_faults(alphabet, ids):
        raise _too_long(path, (alphabet.length_max if alphabet else None) or 0, len(identity))


def _tool_names(body: Json) -> Iterator[tuple[str, str]]:
    for index, tool in enumerate(body.get("tools") or ()):
        kind = tool.get("type")
        yield f"tools[{index}].{kind}.name", str((tool.get(kind) or {}).get("name"))
    for index, message in enumerate(body["messages"]):
        for position, call in enumerate(message.get("tool_calls") or ()):
            kind = call.get("type", "function")
            yield f"messages[{index}].tool_calls[{position}].{kind}.name", str((call.get(kind) or {}).get("name"))


def _call_ids(body: Json) -> Iterator[tuple[str, str]]:
    for index, message in enumerate(body["messages"]):
        for position, call in enumerate(message.get("tool_calls") or ()):
            yield f"messages[{index}].tool_calls[{position}].id", str(call.get("id"))


def _tools(body: Json, rules: VendorRules) -> None:
    tools, most = body.get("tools") or (), rules.limits.tools_max
    if most is not None and len(tools) > most:
        raise _refused(
            f"Invalid 'tools': array too long. Expected an array with maximum length {most}, but got an array with "
            f"length {len(tools)} instead.",
            "array_above_max_length",
            "tools",
        )


def _effort(body: Json, rules: VendorRules) -> None:
    refuse_effort(body.get("reasoning_effort"), rules, "reasoning_effort")


def refuse_effort(word: object, rules: VendorRules, path: str) -> None:
    """Refuses an effort that the model does not support."""
    if word is None or rules.efforts is None or word in rules.efforts:
        return
    if not rules.efforts:
        raise _refused(f"Unrecognized request argument supplied: {path}", None, path)
    known = ", ".join(f"'{effort}'" for effort in rules.efforts)
    raise _refused(
        f"Unsupported value: '{path}' does not support '{word}' with this model. Supported values are: {known}.",
        "unsupported_value",
        path,
    )


def _lacks(body: Json, rules: VendorRules) -> None:
    for name in rules.limits.lacks:
        if body.get(name) not in _NOTHING or body.get(name) is False:
            raise _refused(
                f"Unsupported parameter: '{name}' is not supported with this model.", "unsupported_parameter", name
            )


def _schemas(body: Json, rules: VendorRules) -> None:
    for index, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") or {}
        refuse_root(function.get("parameters"), rules, str(function.get("name")), f"tools[{index}].function.parameters")


def refuse_root(schema: Json | None, rules: VendorRules, name: str, path: str) -> None:
    """Refuses a tool's schema with a forbidden keyword at its root, or with an array of nothing in particular."""
    if schema is None:
        return
    if root_faults(rules.limits, schema):
        fault = "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
    elif not rules.limits.tool_root_without_properties and "properties" not in schema:
        fault = "In context=(), object schema missing properties."
    else:
        fault = next(arrays_without_items(rules.limits, schema), "")
    if not fault:
        return
    raise _refused(f"Invalid schema for function '{name}': {fault}", "invalid_function_parameters", path)


def _format(body: Json, rules: VendorRules) -> None:
    refuse_format((body.get("response_format") or {}), rules, "response_format")
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    refuse_answer_root(schema, rules, "response_format")


def refuse_format(wanted: Json, rules: VendorRules, path: str) -> None:
    """Refuses a JSON mode that the model does not support."""
    kind = wanted.get("type")
    manner = {"json_object": "json", "json_schema": "schema"}.get(str(kind))
    if manner is None or manner in rules.limits.answer_formats:
        return
    if rules.limits.dialect == "deepseek":
        raise _refused("This response_format type is unavailable now", "invalid_request_error", "")
    raise _refused(f"Invalid parameter: '{path}' of type '{kind}' is not supported with this model.", None, path)


def refuse_answer_root(schema: Json | None, rules: VendorRules, path: str) -> None:
    """Refuses an answer's schema whose root is not an object."""
    for fault in arrays_without_items(rules.limits, schema):
        raise _refused(f"Invalid schema for response_format: {fault}", None, path)
    if schema is None or rules.limits.answer_root_any:
        return
    if schema.get("type") not in {"object", None} or "anyOf" in schema:
        fault = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
        raise _refused(f"Invalid schema for response_format: {fault}", None, path)


def _stop(body: Json, rules: VendorRules) -> None:
    stops, most = body.get("stop"), rules.limits.stops_max
    if isinstance(stops, list) and most is not None and len(stops) > most:
        raise _refused(
            f"Invalid 'stop': array too long. Expected an array with maximum length {most}, but got an array with "
            f"length {len(stops)} instead.",
            "array_above_max_length",
            "stop",
        )


def _user(body: Json, rules: VendorRules) -> None:
    refuse_user(body.get("user"), rules)


def refuse_user(user: object, rules: VendorRules) -> None:
    """Refuses a user id that is too long."""
    most = rules.limits.user_characters_max
    if isinstance(user, str) and most is not None and len(user) > most:
        raise _too_long("user", most, len(user))


def _images(body: Json, rules: VendorRules) -> None:
    for message in body["messages"]:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            refuse_image((part.get("image_url") or {}).get("url"), rules)


def refuse_image(url: object, rules: VendorRules) -> None:
    """Refuses a picture where the model takes none of its type. A picture under a wrong type name is accepted."""
    if url is not None and not rules.sees:
        message = "Invalid content type. image_url is only supported by certain models."
        if rules.limits.dialect == "deepseek":
            message = (
                "Failed to deserialize the JSON body into the target type: unknown variant `image_url`, expected `text`"
            )
        raise _refused(message, None, "messages")
    head, _, data = str(url or "").partition(",")
    if not head.startswith("data:"):
        return
    fault = image_fault(rules.limits, head.removeprefix("data:").removesuffix(";base64"), data)
    if fault is not None and fault not in rules.limits.image_types:
        formats = [kind.removeprefix("image/") for kind in rules.limits.image_types]
        raise _refused(
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
            f"{formats}.",
            "invalid_image_format",
            "",
        )


_RULES: tuple[Callable[[Json, VendorRules], None], ...] = (
    _bound, _names, _tools, _effort, _lacks, _schemas, _format, _stop, _user, _images,
)  # fmt: skip


def _too_long(path: str, most: int, length: int) -> Refusal:
    return _refused(
        f"Invalid '{path}': string too long. Expected a string with maximum length {most}, but got a string with "
        f"length {length} instead.",
        "string_above_max_length",
        path,
    )


def _refused(message: str, code: str | None, param: str) -> Refusal:
    return openai_shapes.refusal(400, message, code, param or None)
