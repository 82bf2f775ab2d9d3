"""JSON answers in a manner that a target has: enforced by schema, as JSON mode, or asked for in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.canonical.parts import Message, Text, ToolResult
from gateway.canonical.request import ChatRequest, OutputFormat
from gateway.providers.constraints.enforced import enforceable
from gateway.providers.constraints.refusals import refuse
from gateway.providers.constraints.schemas import is_closed, is_object_root, with_items
from gateway.providers.constraints.table import Constraints

JSON_ONLY = "Answer with one JSON object and nothing else."
_WITHIN_SCHEMA = "Answer with JSON alone that fits this JSON Schema, and nothing else:\n"


def fit_format(request: ChatRequest, limits: Constraints) -> ChatRequest:
    """The request with its answer's format in a manner that the target has."""
    wanted = request.output_format
    if wanted is None or wanted.kind == "text":
        return request
    if wanted.kind == "schema" and wanted.schema is None:
        wanted = OutputFormat("json")
    has_tools = bool(request.tools) and (request.tool_choice is None or request.tool_choice.mode != "none")
    manners = () if has_tools and not limits.answer_format_with_tools else limits.answer_formats
    if wanted.kind == "schema":
        return _within_schema(request, wanted, manners, limits)
    return _as_json(request, manners, limits)


def _within_schema(
    request: ChatRequest, wanted: OutputFormat, manners: tuple[str, ...], limits: Constraints
) -> ChatRequest:
    """A target without schemas is told this one in words; JSON mode answers objects only."""
    schema = wanted.schema or {}
    objects_only = is_object_root(schema)
    if "schema" in manners and (objects_only or limits.answer_root_any):
        return replace(request, output_format=_enforceable(request, _rooted(wanted, schema, limits), limits))
    refuse(request, "response_format", "this model's provider does not hold answers to this schema")
    worded = instructed(request, _WITHIN_SCHEMA + orjson.dumps(dict(schema)).decode())
    if "json" in manners and objects_only:
        return replace(worded, output_format=OutputFormat("json"))
    return replace(worded, output_format=None)


def _rooted(wanted: OutputFormat, schema: Mapping[str, Any], limits: Constraints) -> OutputFormat:
    """Names the object that a root means by a list of types, or by its members, where only objects are taken."""
    if limits.answer_root_any or schema.get("type") == "object":
        return wanted
    return replace(wanted, schema={**schema, "type": "object"})


def _enforceable(request: ChatRequest, wanted: OutputFormat, limits: Constraints) -> OutputFormat:
    """Strictness is for schemas that close every object and require every member (OpenAI)."""
    schema, is_less = enforceable(wanted.schema or {}, limits)
    if not limits.arrays_without_items:
        schema = with_items(schema)
    if is_less:
        refuse(request, "response_format", "this model's provider cannot hold an answer to all of its schema")
    wanted = wanted if schema is wanted.schema else replace(wanted, schema=schema)
    if not (wanted.strict and limits.strict_schemas_closed) or is_closed(wanted.schema):
        return wanted
    refuse(request, "response_format", "this model's provider is strict with closed schemas only")
    return replace(wanted, strict=None)


def _as_json(request: ChatRequest, manners: tuple[str, ...], limits: Constraints) -> ChatRequest:
    if "json" in manners:
        asked = replace(request, output_format=OutputFormat("json"))
        return asked if limits.json_unsaid or _says_json(request) else instructed(asked, JSON_ONLY)
    return replace(instructed(request, JSON_ONLY), output_format=None)


def instructed(request: ChatRequest, text: str) -> ChatRequest:
    """The request with one more instruction behind those that it opens with."""
    messages = request.messages
    place = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    added = Message("system", (Text(text),))
    return replace(request, messages=(*messages[:place], added, *messages[place:]))


def _says_json(request: ChatRequest) -> bool:
    return any("json" in text.lower() for message in request.messages for text in _texts(message))


def _texts(message: Message) -> list[str]:
    parts = [part for part in message.parts if isinstance(part, Text)]
    for result in message.parts:
        if isinstance(result, ToolResult):
            parts += [part for part in result.parts if isinstance(part, Text)]
    return [part.text for part in parts]
