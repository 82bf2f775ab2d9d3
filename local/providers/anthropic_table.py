"""Refuses the requests that the constraint table forbids on the Messages API, with Anthropic's texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from local.providers import block_cache
from local.providers.anthropic_prompt import parts
from local.providers.block_cache import Block
from local.providers.json_value import Json
from local.providers.vendor_rules import (
    VendorRules,
    argument_faults,
    image_fault,
    is_refused_text,
    name_faults,
    repeated_ids,
    repeats,
    root_faults,
    rules_of,
    schema_faults,
)


def faults(body: Json) -> Iterator[str]:
    """Yields the table's objections to a request, in order."""
    rules = rules_of("anthropic_messages", str(body.get("model")))
    for rule in _RULES:
        yield from rule(body, rules)


def _bound(body: Json, rules: VendorRules) -> Iterator[str]:
    asked, most = body.get("max_tokens"), rules.output_tokens_max
    if isinstance(asked, int) and asked > most:
        yield (
            f"max_tokens: {asked} > {most}, which is the maximum allowed number of output tokens for {body['model']}"
        )


def _turns(body: Json, rules: VendorRules) -> Iterator[str]:
    spoken = [message for message in body["messages"] if message["role"] != "system"]
    if rules.limits.opens_with_user and spoken and spoken[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if not spoken or spoken[-1]["role"] != "assistant":
        return
    if rules.limits.closes_with_user:
        yield "This model does not support assistant message prefill. The conversation must end with a user message."
    said = parts(spoken[-1]["content"])
    text = str(said[-1].get("text", "")) if said else ""
    if not rules.limits.closes_with_blank and text != text.rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _thought_first(body: Json, rules: VendorRules) -> Iterator[str]:
    thinking = (body.get("thinking") or {}).get("type", "disabled")
    said = [part for last in body["messages"][-1:] if last["role"] == "assistant" for part in parts(last["content"])]
    if said and thinking != "disabled" and not rules.limits.thinks_from_answer and "thinking" not in said[0]["type"]:
        at = f"messages.{len(body['messages']) - 1}.content.0.type"
        yield (
            f"{at}: Expected `thinking` or `redacted_thinking`, but found `{said[0]['type']}`. When `thinking` is "
            "enabled, a final `assistant` message must start with a thinking block."
        )


def mark_faults(model: str, prompt: Sequence[Block]) -> Iterator[str]:
    """Yields the table's objections to the cache markers of a prompt."""
    return block_cache.mark_faults(rules_of("anthropic_messages", model).limits, prompt)


def _texts(body: Json, rules: VendorRules) -> Iterator[str]:
    for place, part in _blocks(body):
        # The real service accepts its own blank texts back, as recorded requests show, but not its own empty ones.
        text = part.get("text")
        if part.get("type") == "text" and is_refused_text(rules.limits, bool(text) if place == "assistant" else text):
            held = "contain non-whitespace text" if part.get("text") else "be non-empty"
            yield f"messages: text content blocks must {held}"


def _blocks(body: Json) -> Iterator[tuple[str, Json]]:
    """Yields the path and content of the blocks of instructions, turns and results."""
    yield from (("system", part) for part in parts(body.get("system")))
    for index, message in enumerate(body["messages"]):
        for position, part in enumerate(parts(message.get("content"))):
            yield "assistant" if message["role"] == "assistant" else "messages", part
            if part.get("type") == "tool_result":
                for inner in parts(part.get("content")):
                    yield f"messages.{index}.content.{position}.tool_result", inner


def _names(body: Json, rules: VendorRules) -> Iterator[str]:
    custom = [(at, tool) for at, tool in enumerate(body.get("tools") or ()) if tool.get("type") in {None, "custom"}]
    names = {f"tools.{at}.custom.name": str(tool.get("name")) for at, tool in custom}
    for path, _, _ in name_faults(rules.limits.tool_name, names):
        yield f"{path}: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
    if repeats(rules.limits, list(names.values())):
        yield "tools: Tool names must be unique."
    for at, tool in custom:
        schema = tool.get("input_schema") or {}
        if root_faults(rules.limits, schema):
            where = f"tools.{at}.custom.input_schema"
            yield f"{where}: input_schema does not support oneOf, allOf, or anyOf at the top level"
        if argument_faults(rules.limits, schema):
            where = f"tools.{at}.custom.input_schema.properties"
            yield f"{where}: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"


def _schemas(body: Json, rules: VendorRules) -> Iterator[str]:
    wanted = (body.get("output_config") or {}).get("format") or {}
    held = {"output_config.format.schema": wanted.get("schema")}
    for at, tool in enumerate(body.get("tools") or ()):
        held |= {f"tools.{at}.custom.input_schema": tool.get("input_schema")} if tool.get("strict") else {}
    for path, schema in held.items():
        yield from (f"{path}: {fault}" for fault in schema_faults(rules.limits, schema))


def _ids(body: Json, rules: VendorRules) -> Iterator[str]:
    ids = {
        f"messages.{index}.content.{position}.{part['type']}": str(part.get("id") or part.get("tool_use_id"))
        for index, message in enumerate(body["messages"])
        for position, part in enumerate(parts(message.get("content")))
        if part.get("type") in {"tool_use", "tool_result"}
    }
    for path, _, _ in name_faults(rules.limits.call_id, ids):
        yield f"{path}.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    for path in repeated_ids(rules.limits, {path: each for path, each in ids.items() if path.endswith(".tool_use")}):
        yield f"{path.removesuffix('.tool_use')}: `tool_use` ids must be unique"


def _others(body: Json, rules: VendorRules) -> Iterator[str]:
    user, most = (body.get("metadata") or {}).get("user_id"), rules.limits.user_characters_max
    if user is not None and most is not None and len(user) > most:
        yield f"metadata.user_id: String should have at most {most} characters"
    if not rules.limits.stops_blank and any(not str(stop).strip() for stop in body.get("stop_sequences") or ()):
        yield "stop_sequences: each stop sequence must contain non-whitespace"
    temperature = body.get("temperature")
    if isinstance(temperature, (int, float)) and temperature > rules.limits.temperature_max:
        yield "temperature: range: 0..1"


def _images(body: Json, rules: VendorRules) -> Iterator[str]:
    for place, part in _blocks(body):
        source = part.get("source") or {}
        if part.get("type") != "image" or source.get("type") != "base64":
            continue
        sent = str(source.get("media_type"))
        found = image_fault(rules.limits, sent, str(source.get("data")))
        if found == sent:
            known = ", ".join(f"'{kind}'" for kind in rules.limits.image_types)
            yield f"{place}.image.source.base64.media_type: Input should be one of {known}"
        elif found is not None:
            yield (
                f"{place}.image.source.base64: The image was specified using the {sent} media type, but the image "
                f"appears to be a {found} image"
            )


_RULES: tuple[Callable[[Json, VendorRules], Iterator[str]], ...] = (
    _bound, _turns, _thought_first, _texts, _names, _schemas, _ids, _others, _images,
)  # fmt: skip
