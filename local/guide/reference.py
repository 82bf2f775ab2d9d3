"""Writes the page of all endpoints from the OpenAPI document: parameters, answers, and the shapes that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from local.guide.meanings import MEANINGS

METHODS = ("get", "post", "put", "patch", "delete")
Json = Mapping[str, Any]
SCHEMAS = "#/components/schemas/"
BOUNDS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "minItems": "{} or more",
    "maxItems": "{} at most",
    "format": "{}",
}


def reference(document: Json) -> str:
    """Returns the page as Markdown."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Json) -> Iterator[str]:
    yield "# All endpoints"
    yield ""
    yield "This page is written from the [OpenAPI document](/openapi.json), and that from the code that serves."
    yield "A member in bold has to be given; one without a default is not sent on where you leave it out. What becomes"
    yield "of a parameter at each provider and model is in [what each model takes](parameters.md), every code of an"
    yield "error in [all errors](errors.md)."
    # A request's shape stands below the first endpoint that takes it, since it has the parameters that are looked for.
    shown, requests = set[str](), bodies(document)
    for tag in document["tags"]:
        operations = [found for found in _operations(document) if tag["name"] in found[2]["tags"]]
        if operations:
            yield f"\n## {tag['name']}"
        for method, path, operation in operations:
            yield from _operation(document, method, path, operation)
            for name in _asked_by(operation):
                if name not in shown:
                    shown.add(name)
                    yield from _shape(document, name, "####", is_request=True)
    yield "\n## Shapes"
    for name in document["components"]["schemas"]:
        if name not in shown:
            yield from _shape(document, name, "###", is_request=name in requests)


def _shape(document: Json, name: str, heading: str, *, is_request: bool) -> Iterator[str]:
    schema = document["components"]["schemas"][name]
    yield f"\n{heading} {name}\n"
    if schema.get("description"):
        yield f"{_cell(schema['description'])}\n"
    yield from _members(name, schema, is_request=is_request) if schema.get("properties") else [kind(schema)]


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, at in document["paths"].items():
        yield from ((method.upper(), path, at[method]) for method in METHODS if method in at)


def _operation(document: Json, method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"\n### {method} {path}\n"
    yield _cell(operation["summary"])
    if operation.get("x-sdk"):
        yield f"\nIn our SDKs: `client.{operation['x-sdk']}`."
    yield f"\nCallers: {_callers(operation)}."
    parameters = [_resolved(document, parameter) for parameter in operation.get("parameters", ())]
    if parameters:
        yield "\n| parameter | in | type | meaning |\n|---|---|---|---|"
    for each in parameters:
        cells = (_named(each["name"], needed=each.get("required")), each["in"], kind(each["schema"]))
        yield f"| {' | '.join(cells)} | {_cell(each.get('description', ''))} |"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"\nBody, `{media}`: {kind(content.get('schema', {}))}."
    for status, told in operation["responses"].items():
        if status[0] in "23":
            shapes = ", ".join(
                f"{kind(content['schema'])} (`{media}`)" if "schema" in content else f"`{media}`"
                for media, content in told.get("content", {}).items()
            )
            yield f"\nAnswers {status}" + (f": {shapes}." if shapes else ".")
    if "x-websocket" in operation:
        sent, received = (kind(operation["x-websocket"][side]) for side in ("sent", "received"))
        yield f"\nAnswers 101: a WebSocket, on which a client sends {sent} and is sent {received}."


def _callers(operation: Json) -> str:
    """Says who may ask, by the credentials that the operation takes."""
    taken = {name for each in operation["security"] for name in each}
    kinds = (("a key", "key" in taken), ("a signed-in person", "session" in taken))
    if kinds[0][1] and kinds[1][1]:
        return "a key that manages its account, or a signed-in person"
    return " or ".join(name for name, is_taken in kinds if is_taken) or "strangers too: no key is needed"


def _resolved(document: Json, parameter: Json) -> Json:
    named = parameter.get("$ref", "").rpartition("/")[2]
    found: Json = document["components"]["parameters"][named] if named else parameter
    return found


def _members(shape: str, schema: Json, *, is_request: bool) -> Iterator[str]:
    yield "| member | type | meaning |\n|---|---|---|"
    needed = schema.get("required", ())
    for name, member in schema["properties"].items():
        told = member.get("description") or (meaning(shape, name) if is_request else "")
        default = member.get("default")
        if is_request and default not in (None, [], {}, ""):
            told += f" Default: `{orjson.dumps(default).decode()}`."
        yield f"| {_named(name, needed=name in needed)} | {kind(member)} | {_cell(told)} |"


def meaning(shape: str, name: str) -> str:
    """Returns the meaning of a request's member, as far as the document does not say it."""
    return MEANINGS.get(f"{shape}.{name}") or MEANINGS.get(name, "")


def bodies(document: Json) -> set[str]:
    """Names the shapes of requests, and those within them."""
    found = set[str]()
    named = {name for _, _, operation in _operations(document) for name in _asked_by(operation)}
    while named:
        found |= named
        named = {each for name in named for each in _within(document["components"]["schemas"][name])} - found
    return found


def _within(schema: object) -> Iterator[str]:
    """Names the shapes that a schema refers to."""
    inner = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ()
    for each in inner:
        if isinstance(each, str) and each.startswith(SCHEMAS):
            yield each.removeprefix(SCHEMAS)
        else:
            yield from _within(each)


def _asked_by(operation: Json) -> list[str]:
    """Lists the shapes of an operation's bodies."""
    schemas = [content.get("schema", {}) for content in operation.get("requestBody", {}).get("content", {}).values()]
    return [schema["$ref"].removeprefix(SCHEMAS) for schema in schemas if "$ref" in schema]


def _named(name: str, *, needed: bool | None) -> str:
    return f"**`{name}`**" if needed else f"`{name}`"


def kind(schema: Json) -> str:
    """Says in words what a schema takes, with its bounds."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(SCHEMAS)
        return f"[{name}](#{name.lower()})"
    for members in ("anyOf", "oneOf", "allOf"):
        if members in schema:
            return " or ".join(kind(each) for each in schema[members] if each.get("type") != "null")
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{value}`" for value in values)
    return _plain(schema)


def _plain(schema: Json) -> str:
    named = schema.get("type", "any")
    names = " or ".join(named) if isinstance(named, list) else named
    if names == "array":
        return ", ".join([f"list of {kind(schema.get('items', {}))}", *_bounds(schema, "minItems", "maxItems")])
    inner = schema.get("additionalProperties")
    if names == "object" and isinstance(inner, Mapping) and inner:
        return f"object of {kind(inner)}"
    return ", ".join([names, *_bounds(schema, *BOUNDS)])


def _bounds(schema: Json, *names: str) -> list[str]:
    return [BOUNDS[name].format(schema[name]) for name in names if name in schema]


def _cell(text: str) -> str:
    """Writes a text so that it stays in one cell."""
    return " ".join(text.split()).replace("|", "\\|")
