"""Converts the input items of the Responses API to a conversation, and refuses an invalid one.

Source: https://platform.openai.com/docs/api-reference/responses/create and the guides on reasoning and
conversation state; error texts as the service words them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

import orjson

from local.providers import openai_shapes, schemas, seals, tokens
from local.providers.answers import ModelRequest, Tool, ToolChoice
from local.providers.json_value import Json, JsonValue
from local.providers.memory import Memory

ENCRYPTED = "openai reasoning"
COMPACTED = "openai compaction"

_IMAGE_TOKENS = {"low": 85}
_IMAGE_TOKENS_HIGH = 765
_MEDIA = {"input_image": "image", "input_file": "file", "input_audio": "audio clip"}
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_OUTPUTS = {output: call for call, output in _CALLS.items()}
_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "models": "",
    "provider": "",
    "max_price": "",
    "nexevo": "",
}
_ROLES = ("assistant", "system", "developer", "user")


def conversation(body: Json, memory: Memory) -> list[Json]:
    """Returns the whole conversation, earlier responses first. Refuses what the service would refuse.

    Conversations kept by the service are not simulated, so their content is not checked.
    """
    items = [_dereferenced(item, memory) for item in (*_earlier(body, memory), *given(body))]
    for index, item in enumerate(items):
        _check_item(item, index, memory)
    if not body.get("conversation"):
        _check_calls(items)
    return items


def given(body: Json) -> list[Json]:
    """Lists the items of this request alone. A string is a user message."""
    asked = body.get("input")
    if isinstance(asked, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": asked}]}]
    if not isinstance(asked, list):
        if body.get("previous_response_id") or body.get("prompt"):
            return []
        raise openai_shapes.refusal(400, "Missing required parameter: 'input'.", "missing_required_parameter", "input")
    return [{"type": "message"} | item if isinstance(item, dict) else {} for item in asked]


def question(body: Json) -> str:
    """Returns the text of the last user message of this request."""
    asked = body.get("input")
    if isinstance(asked, str):
        return asked
    messages = [item for item in asked or () if isinstance(item, dict) and item.get("role") == "user"]
    return text_of(messages[-1].get("content")) if messages else ""


def text_of(content: JsonValue) -> str:
    """Returns the text of a message's content or of a tool's output, string or parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _earlier(body: Json, memory: Memory) -> list[Json]:
    previous = body.get("previous_response_id")
    if previous is None:
        return []
    stored = memory.responses.get(str(previous))
    if stored is None:
        message = f"Previous response with id '{previous}' not found."
        raise openai_shapes.refusal(400, message, "previous_response_not_found", "previous_response_id")
    return [*stored["items"], *stored["response"]["output"]]


def _dereferenced(item: Json, memory: Memory) -> Json:
    if item.get("type") != "item_reference":
        return item
    found = memory.items.get(str(item.get("id")))
    if found is None:
        message = f"Item with id '{item.get('id')}' not found."
        raise openai_shapes.refusal(404, message, None, "input")
    return dict(found)


def _check_item(item: Json, index: int, memory: Memory) -> None:
    kind = item.get("type")
    if kind == "message" and item.get("role") not in _ROLES:
        raise openai_shapes.refusal(
            400,
            f"Invalid value: '{item.get('role')}'. Supported values are: 'assistant', 'system', 'developer', "
            "and 'user'.",
            "invalid_value",
            f"input[{index}].role",
        )
    if kind == "reasoning":
        _check_reasoning(item, index, memory)
    if kind == "compaction" and seals.open_seal(COMPACTED, "", item.get("encrypted_content")) is None:
        raise openai_shapes.refusal(
            400,
            f"The encrypted content for item {item.get('id')} could not be verified.",
            "invalid_encrypted_content",
            f"input[{index}].encrypted_content",
        )


def _check_reasoning(item: Json, index: int, memory: Memory) -> None:
    identifier, sealed = str(item.get("id", "")), item.get("encrypted_content")
    if sealed is None and memory.items.get(identifier) is None:
        raise openai_shapes.refusal(
            404,
            f"Item with id '{identifier}' not found. Items are not persisted when `store` is set to false. Try "
            "again with `store` set to true, or remove this item from your input.",
            None,
            "input",
        )
    opened = None if sealed is None else seals.open_seal(ENCRYPTED, "", sealed)
    # What is encrypted is bound to its item, unless the item comes without an id.
    if sealed is not None and (opened is None or identifier not in ("", opened.partition(" ")[0])):
        raise openai_shapes.refusal(
            400,
            f"The encrypted content for item {identifier} could not be verified.",
            "invalid_encrypted_content",
            f"input[{index}].encrypted_content",
        )


def _check_calls(items: Sequence[Json]) -> None:
    called = {item.get("call_id") for item in items if str(item.get("type")).endswith("_call")}
    answered = {item.get("call_id") for item in items if item.get("type") in _OUTPUTS}
    for item in items:
        call_id = item.get("call_id")
        if item.get("type") in _OUTPUTS and call_id not in called:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise openai_shapes.refusal(400, message, None, "input")
        if item.get("type") in _CALLS and call_id not in answered:
            message = f"No tool output found for function call {call_id}."
            raise openai_shapes.refusal(400, message, None, "input")


def ask(body: Json, items: Sequence[Json]) -> ModelRequest:
    """Builds the question to the model from a conversation."""
    last_user = max((i for i, item in enumerate(items) if item.get("role") == "user"), default=-1)
    since = items[last_user + 1 :]
    rounds = sum(is_call for is_call, _ in itertools.groupby(since, lambda item: item.get("type") in _CALLS))
    results = tuple(text_of(item["output"]) for item in since if item.get("type") in _OUTPUTS)
    effort = (body.get("reasoning") or {}).get("effort")
    question = text_of(items[last_user].get("content")) if last_user >= 0 else ""
    return ModelRequest(
        model=body["model"],
        question=question,
        results=results if since and since[-1].get("type") in _OUTPUTS else (),
        rounds_done=rounds,
        tools=tools(body),
        choice=_choice(body.get("tool_choice") or "auto"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema((body.get("text") or {}).get("format") or {}, question),
        media=tuple(_MEDIA[part["type"]] for item in items for part in _parts(item) if part["type"] in _MEDIA),
        reasoning_tokens=openai_shapes.reasoning_tokens(body["model"], effort),
        max_tokens=body.get("max_output_tokens"),
    )


def tools(body: Json) -> tuple[Tool, ...]:
    """Lists the caller's own tools. Those of a namespace follow the plain ones."""
    plain = [tool for tool in body.get("tools") or () if tool.get("type") in {"function", "custom"}]
    return tuple(
        Tool(tool["name"], None if tool["type"] == "custom" else tool.get("parameters") or {"type": "object"})
        for tool in [*plain, *namespaced(body).values()]
    )


def namespaced(body: Json) -> dict[str, Json]:
    """Maps the tools inside namespaces by name, each with its namespace."""
    spaces = [tool for tool in body.get("tools") or () if tool.get("type") == "namespace"]
    return {tool["name"]: tool | {"namespace": space["name"]} for space in spaces for tool in space["tools"]}


def check(body: Json) -> None:
    """Refuses parameters of another API, and invalid tools and formats."""
    for name, home in _MOVED.items():
        if name in body:
            moved = f" In the Responses API, this parameter has moved to '{home}'." if home else ""
            message = f"Unsupported parameter: '{name}'.{moved}"
            raise openai_shapes.refusal(400, message, "unsupported_parameter", name)
    _check_tools(body)
    _check_format((body.get("text") or {}).get("format") or {})


def _check_format(wanted: Json) -> None:
    if wanted.get("type") != "json_schema":
        return
    if not wanted.get("name"):
        at = "text.format.name"
        raise openai_shapes.refusal(400, f"Missing required parameter: '{at}'.", "missing_required_parameter", at)
    fault = schemas.strict_fault(wanted.get("schema")) if wanted.get("strict") else None
    if fault:
        message = f"Invalid schema for response_format '{wanted['name']}': {fault}"
        raise openai_shapes.refusal(400, message, "invalid_json_schema", "text.format.schema")


def _check_tools(body: Json) -> None:
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") not in {"function", "custom"}:
            continue
        if not tool.get("name"):
            at = f"tools[{index}].name"
            raise openai_shapes.refusal(400, f"Missing required parameter: '{at}'.", "missing_required_parameter", at)
        fault = schemas.strict_fault(tool.get("parameters")) if tool.get("strict") else None
        if fault:
            message = f"Invalid schema for function '{tool['name']}': {fault}"
            at = f"tools[{index}].parameters"
            raise openai_shapes.refusal(400, message, "invalid_function_parameters", at)


def _choice(choice: JsonValue) -> ToolChoice:
    if isinstance(choice, str):
        return ToolChoice(choice)
    if choice.get("type") == "allowed_tools":
        return ToolChoice(choice["mode"], tuple(tool.get("name", "") for tool in choice["tools"]))
    if "name" in choice:
        return ToolChoice("required", (choice["name"],))
    return ToolChoice("none")


def _schema(wanted: Json, question: str) -> Json | None:
    if wanted.get("type") == "json_schema":
        return dict(wanted.get("schema") or {})
    if wanted.get("type") == "json_object":
        return schemas.free_form(question)
    return None


def _parts(item: Json) -> list[Json]:
    content = item.get("content")
    if not isinstance(content, list):
        return []
    return [{"type": "", **part} for part in content if isinstance(part, dict)]


def prompt_tokens(body: Json, items: Sequence[Json]) -> list[str]:
    """Lists the tokens of the prompt in the order in which they are cached."""
    prompt: list[str] = []
    for name in ("tools", "text", "instructions"):
        if body.get(name):
            prompt += tokens.split(orjson.dumps(body[name]).decode())
    for item in items:
        prompt += _item_tokens(item)
    return prompt


def _item_tokens(item: Json) -> list[str]:
    framing = [f"<{item.get('role') or item['type']}>", "<item>", "</item>"]
    if item["type"] != "message":
        sealed = (seals.open_seal(ENCRYPTED, "", item.get("encrypted_content")) or "").partition(" ")[2]
        texts = [str(item.get(name, "")) for name in ("name", "arguments", "input")]
        return framing + tokens.split(sealed + "".join(texts) + text_of(item.get("output")))
    counted = framing + tokens.split(text_of(item.get("content")))
    for part in _parts(item):
        if part["type"] in _MEDIA:
            digest = hashlib.sha256(orjson.dumps(part)).hexdigest()
            counted += [f"<{digest}>"] * _IMAGE_TOKENS.get(part.get("detail", ""), _IMAGE_TOKENS_HIGH)
    return counted
