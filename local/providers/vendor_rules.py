"""Reads a simulated model's constraints from the gateway's own table, so that the two cannot differ unnoticed.

The catalog gives the longest answer of a model and its generation; the table gives the rest. A model
that is not for sale has the constraints of its wire alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.media_types import type_of_image
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import KNOWN
from gateway.providers.constraints import Alphabet, Constraints, constraints_of
from local.providers.json_value import Json, JsonValue
from local.providers.schemas import inner_schemas

_OUTPUT_TOKENS_ANY = 1_000_000


@dataclass(frozen=True, slots=True)
class VendorRules:
    """The constraints of one model. `efforts` and `context_window` are None if they are unknown.

    `sees` says that it takes pictures.
    """

    limits: Constraints
    output_tokens_max: int
    efforts: tuple[str, ...] | None
    context_window: int | None = None
    sees: bool = True


@cache
def rules_of(dialect: str, model: str) -> VendorRules:
    """Finds the rules of a model by the provider's name of it."""
    for sold in _sold():
        for target in sold.targets:
            if target.upstream_model == model:
                profile = PROFILES[target.profile]
                limits = constraints_of(dialect, profile.name)
                sees = "image" in sold.input_modalities
                return VendorRules(limits, sold.max_output_tokens, profile.efforts, sold.context_window, sees)
    return VendorRules(constraints_of(dialect, ""), _OUTPUT_TOKENS_ANY, None)


@cache
def _sold() -> list[ChatModel]:
    return [offer for offer in load(CHAT_MODELS, KNOWN).offers() if isinstance(offer, ChatModel)]


def name_faults(alphabet: Alphabet | None, names: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    """Yields the path and name of each refused name, and True if it is only too long. `names` maps paths to names."""
    for path, name in names.items():
        if alphabet is not None and not alphabet.takes(name):
            most = alphabet.length_max
            too_long = most is not None and len(name) > most and alphabet.takes(name[:most])
            yield path, name, too_long


def repeats(limits: Constraints, names: list[str]) -> bool:
    """True if a name stands twice where that is refused."""
    return not limits.tool_names_repeat and len(set(names)) < len(names)


def repeated_ids(limits: Constraints, ids: dict[str, str]) -> list[str]:
    """Lists the paths of calls with the id of an earlier call, if that is refused. `ids` maps paths to ids."""
    first = {identity: path for path, identity in reversed(ids.items())}
    return [] if limits.call_ids_repeat else [path for path, identity in ids.items() if first[identity] != path]


def arrays_without_items(limits: Constraints, schema: JsonValue, context: tuple[str, ...] = ()) -> Iterator[str]:
    """Yields the places of arrays that do not say of what they are, if that is refused."""
    if limits.arrays_without_items or not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if "items" not in schema and (kind == "array" or (isinstance(kind, list) and "array" in kind)):
        yield f"In context={context!r}, array schema missing items."
    for path, inner in inner_schemas(schema):
        yield from arrays_without_items(limits, inner, (*context, *path))


def root_faults(limits: Constraints, schema: Json) -> list[str]:
    """Lists the keywords that are forbidden at the root of a tool's schema."""
    outside = [name for name in schema if limits.tool_root_only and name not in limits.tool_root_only]
    return [name for name in limits.tool_root_refused if name in schema] + outside


def schema_faults(limits: Constraints, schema: JsonValue) -> Iterator[str]:
    """Yields what the schema of an answer or of a strict tool may not have, in Anthropic's words."""
    if not isinstance(schema, dict) or not limits.schema_keywords:
        return
    kind = schema.get("type", "any")
    if kind == "object" and schema.get("additionalProperties") is not False:
        yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
    for name, value in schema.items():
        if name == "format" and value not in limits.schema_formats:
            yield f"For 'string' type, format '{value}' is not supported"
        elif name not in (*limits.schema_keywords, "additionalProperties", "$schema"):
            yield f"For '{kind}' type, property '{name}' is not supported"
    if schema.get("minItems", 0) not in (0, 1):
        yield "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    for _, inner in inner_schemas(schema):
        yield from schema_faults(limits, inner)


def argument_faults(limits: Constraints, schema: Json) -> list[str]:
    """Lists the members of a tool's arguments whose names are refused."""
    alphabet, members = limits.argument_name, schema.get("properties")
    if alphabet is None or not isinstance(members, dict):
        return []
    return [name for name in members if not alphabet.takes(name)]


def is_refused_text(limits: Constraints, text: JsonValue) -> bool:
    """True if a text is shorter than the required minimum."""
    if limits.texts == "any":
        return False
    return not (text.strip() if limits.texts == "not blank" and isinstance(text, str) else text)


def image_fault(limits: Constraints, media_type: str, data_base64: str) -> str | None:
    """Returns the type to refuse: a declared type that the model does not take, or a different real type."""
    if limits.image_types and media_type not in limits.image_types:
        return media_type
    real_type = type_of_image(data_base64)
    return real_type if real_type is not None and real_type != media_type else None
