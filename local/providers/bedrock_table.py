"""Refuses the requests that the constraint table forbids on Converse, with the service's or the model's texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson

from local.providers.json_value import Json
from local.providers.vendor_rules import (
    VendorRules,
    argument_faults,
    is_refused_text,
    name_faults,
    repeated_ids,
    repeats,
    root_faults,
    rules_of,
    schema_faults,
)

_PREFACE = "The model returned the following errors: "


def faults(body: Json, model: str) -> Iterator[str]:
    """Yields the table's objections to a request, in order."""
    rules = rules_of("bedrock_converse", model)
    for rule in _RULES:
        yield from rule(body, rules)


def _inference(body: Json, rules: VendorRules) -> Iterator[str]:
    config, most = body.get("inferenceConfig") or {}, rules.output_tokens_max
    if (config.get("maxTokens") or 0) > most:
        yield (
            f"The maximum tokens you requested exceeds the model limit of {most}. Try again with a maximum tokens "
            f"value that is lower than {most}."
        )
    if (config.get("temperature") or 0) > rules.limits.temperature_max:
        yield (
            f"1 validation error detected: Value '{config['temperature']}' at 'inferenceConfig.temperature' failed to "
            f"satisfy constraint: Member must have value less than or equal to {rules.limits.temperature_max:g}"
        )
    if not rules.limits.stops_blank and any(not stop.strip() for stop in config.get("stopSequences") or ()):
        yield f"{_PREFACE}stop_sequences: each stop sequence must contain non-whitespace"
    if "schema" not in rules.limits.answer_formats and (body.get("outputConfig") or {}).get("textFormat"):
        yield "This model doesn't support the outputConfig.textFormat field. Remove it and try again."


def _turns(body: Json, rules: VendorRules) -> Iterator[str]:
    messages = body["messages"]
    if rules.limits.opens_with_user and messages[0]["role"] != "user":
        yield (
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    if messages[-1]["role"] == "assistant":
        if rules.limits.closes_with_user:
            yield (
                f"{_PREFACE}This model does not support assistant message prefill. The conversation must end with a "
                "user message."
            )
        text = str(messages[-1]["content"][-1].get("text", ""))
        if not rules.limits.closes_with_blank and text != text.rstrip():
            yield f"{_PREFACE}messages: final assistant content cannot end with trailing whitespace"
    for message in messages:
        kinds = {kind for block in message["content"] for kind in block}
        if not rules.limits.document_alone and "document" in kinds and "text" not in kinds:
            yield "A text block must be included when using documents. Add a text block and retry your request."


def _thought_first(body: Json, rules: VendorRules) -> Iterator[str]:
    thinking = ((body.get("additionalModelRequestFields") or {}).get("thinking") or {}).get("type", "disabled")
    last = body["messages"][-1]
    if last["role"] == "assistant" and thinking != "disabled" and not rules.limits.thinks_from_answer:
        kind = next(iter(last["content"][0]))
        if kind != "reasoningContent":
            at = f"messages.{len(body['messages']) - 1}.content.0.type"
            yield (
                f"{_PREFACE}{at}: Expected `thinking` or `redacted_thinking`, but found `{kind}`. When `thinking` is "
                "enabled, a final `assistant` message must start with a thinking block."
            )


def _texts(body: Json, rules: VendorRules) -> Iterator[str]:
    system = [("system", block) for block in body.get("system") or ()]
    said = [
        (f"messages.{at}.content.{place}", block)
        for at, message in enumerate(body["messages"])
        for place, block in enumerate(message["content"])
    ]
    for path, block in (*system, *said):
        if "text" in block and is_refused_text(rules.limits, block["text"]):
            yield (
                f"The text field in the ContentBlock object at {path} is blank. Add text to the text field, and try "
                "again."
            )


def _names(body: Json, rules: VendorRules) -> Iterator[str]:
    specs = [tool["toolSpec"] for tool in (body.get("toolConfig") or {}).get("tools") or () if "toolSpec" in tool]
    uses = [block["toolUse"] for message in body["messages"] for block in message["content"] if "toolUse" in block]
    names = {f"toolConfig.tools.{at + 1}.member.toolSpec.name": spec["name"] for at, spec in enumerate(specs)}
    names |= {f"messages.{at + 1}.member.content.member.toolUse.name": use["name"] for at, use in enumerate(uses)}
    member = "member.content.member.toolUse.toolUseId"
    ids = {f"messages.{at + 1}.{member}": use["toolUseId"] for at, use in enumerate(uses)}
    for path in repeated_ids(rules.limits, ids):
        yield f"{_PREFACE}{path.partition('.member')[0]}: `tool_use` ids must be unique"
    for alphabet, named in ((rules.limits.tool_name, names), (rules.limits.call_id, ids)):
        for path, name, too_long in name_faults(alphabet, named):
            bound = "have length less than or equal to 64" if too_long else "satisfy regular expression pattern"
            yield (
                f"1 validation error detected: Value '{name}' at '{path}' failed to satisfy constraint: Member must "
                f"{bound}: [a-zA-Z0-9_-]+"
            )


def _schemas(body: Json, rules: VendorRules) -> Iterator[str]:
    specs = [tool["toolSpec"] for tool in (body.get("toolConfig") or {}).get("tools") or () if "toolSpec" in tool]
    if repeats(rules.limits, [str(spec["name"]) for spec in specs]):
        yield f"{_PREFACE}tools: Tool names must be unique."
    for at, spec in enumerate(specs):
        schema = (spec.get("inputSchema") or {}).get("json") or {}
        found = root_faults(rules.limits, schema)
        if found and rules.limits.tool_root_only:
            yield (
                f"{_PREFACE}Malformed input request: #/toolConfig/tools/{at}/toolSpec/inputSchema/json: extraneous key "
                f"[{found[0]}] is not permitted, please reformat your input and try again."
            )
        elif found:
            where = f"tools.{at}.custom.input_schema"
            yield f"{_PREFACE}{where}: input_schema does not support oneOf, allOf, or anyOf at the top level"
        for fault in (
            schema_faults(rules.limits, schema) if spec.get("strict") and not rules.limits.tool_root_only else ()
        ):
            yield f"{_PREFACE}tools.{at}.custom.input_schema: {fault}"
        if argument_faults(rules.limits, schema):
            where = f"tools.{at}.custom.input_schema.properties"
            yield f"{_PREFACE}{where}: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"


def _answer(body: Json, rules: VendorRules) -> Iterator[str]:
    wanted = (body.get("outputConfig") or {}).get("textFormat") or {}
    text = ((wanted.get("structure") or {}).get("jsonSchema") or {}).get("schema")
    for fault in schema_faults(rules.limits, orjson.loads(text)) if text else ():
        yield f"{_PREFACE}output_config.format.schema: {fault}"


_RULES: tuple[Callable[[Json, VendorRules], Iterator[str]], ...] = (
    _inference, _turns, _thought_first, _texts, _names, _schemas, _answer,
)  # fmt: skip
