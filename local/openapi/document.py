"""Builds the document: a path for each row of the table of callers, from the endpoint that serves it and its operation.

A path that also answers without `/v1` has one entry, which names the other in `x-also-at`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec.json import schema, schema_components

from gateway import VERSION
from gateway.http.callers import TABLE, Callers
from gateway.http.endpoints import Endpoint
from gateway.http.json_app import JsonApp
from gateway.protocols.shared.body import schema_of
from local.openapi import sockets
from local.openapi.operation import EVENTS, FORM, JSON, Operation
from local.openapi.operations import OPERATIONS
from local.openapi.shapes.base import Error, Json

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "#/components/schemas/{name}"
NAMED_PARTS = re.compile(r"\{(\w+)(\.\.\.)?\}")
KEY, SESSION = "key", "session"
# By status: the name of the shared answer, and what it says.
ERRORS: Mapping[str, tuple[str, str]] = {
    "400": ("InvalidRequest", "The request is wrong; `param` says where."),
    "401": ("NotAuthenticated", "The key or the session is not known, or no longer good."),
    "402": ("InsufficientBalance", "The balance does not cover the request."),
    "403": ("PermissionDenied", "The caller may not do this."),
    "404": ("NotFound", "There is no such thing."),
    "409": ("Conflict", "It is in conflict with what was done before."),
    "429": ("RateLimited", "Too many requests, or too much spent; Retry-After says when to try again."),
    "default": ("Failed", "Any other failure."),
}
HEADERS: Mapping[str, str] = {
    "Idempotency-Key": "Makes a repeat within 24 hours harmless: it gets the same answer again.",
    "X-Nexevo-Organization": "Chooses the organization that a session acts for.",
    "Last-Event-ID": "Id of the last event that the caller has, from which the stream goes on.",
}
DESCRIPTION = """\
Amounts of money are decimal text. Every answer has `X-Trace-ID` and the `X-RateLimit-*` headers. An `Idempotency-Key`
on a POST that costs money or creates something is good for 24 hours: the same answer again, another body is a 409.
"""
SECURITY: Mapping[str, Any] = {
    KEY: {"type": "http", "scheme": "bearer", "description": "An API key: sk-xc-…"},
    SESSION: {"type": "http", "scheme": "bearer", "description": "The access token of a signed-in person."},
    "x_api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "x_goog_api_key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
}


def document() -> dict[str, Any]:
    """Writes the document of the whole API."""
    paths: dict[str, dict[str, Any]] = {}
    for row, operation in OPERATIONS.items():
        method, _, path = row.partition(" ")
        shown = NAMED_PARTS.sub(r"{\1}", path)
        paths.setdefault(shown, {})[method.lower()] = _entry(row, operation)
    for row, socket in sockets.SOCKETS.items():
        paths.setdefault(row.partition(" ")[2], {})["get"] = sockets.entry(socket, _errors(), REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Nexgate",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        # Beside the document itself: under the stage's path, where there is one.
        "servers": [{"url": "."}],
        "tags": [{"name": name} for name in dict.fromkeys(each.id.split(".")[0] for each in OPERATIONS.values())],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": _error_answers(),
            "parameters": {
                name: {
                    "name": name,
                    "in": "header",
                    "required": False,
                    "description": said,
                    "schema": {"type": "string"},
                }
                for name, said in HEADERS.items()
            },
            "securitySchemes": {**SECURITY, **sockets.SECURITY},
        },
    }


def methods() -> dict[str, dict[str, str | None]]:
    """Maps each operation to its method in the Python SDK and in the TypeScript SDK; `None` where it has none."""
    return {
        each.id: {"python": each.sdk or None, "typescript": _camel(each.sdk) or None} for each in OPERATIONS.values()
    }


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


@cache
def served() -> Mapping[str, list[Endpoint]]:
    """Finds the endpoints of JSON families by their rows in the table of callers, in the order of their names."""
    found: dict[str, list[Endpoint]] = {}
    for family in sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")):
        app = getattr(import_module(f"functions.{family}.app"), "app", None)
        for endpoint in app.endpoints if isinstance(app, JsonApp) else ():
            plain = f"{endpoint.method} {endpoint.path}"
            row = plain if plain in TABLE else f"{endpoint.method} /v1{endpoint.path}"
            found.setdefault(row, []).append(endpoint)
    return found


def _endpoint(row: str) -> Endpoint | None:
    return next(iter(served().get(row, ())), None)


def _entry(row: str, operation: Operation) -> dict[str, Any]:
    first = _endpoint(row)
    path = row.partition(" ")[2]
    said = (first.answer.__doc__ or "") if first else operation.summary
    summary, _, description = said.strip().partition("\n\n")
    entry: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.id.split(".")[0]],
        "summary": " ".join(summary.split()),
        **({"description": " ".join(description.split())} if description else {}),
        "parameters": [*_path_parameters(path), *_query(operation, first), *_headers(row, operation)],
        **_body(operation, first),
        "responses": {**_answers(operation), **_errors("" if operation.wire == "openai" else "OtherWire")},
        "security": _security(TABLE[row], operation),
        "x-sdk": operation.sdk or None,
    }
    also = sorted({each.path for each in served().get(row, ())} - {path})
    return (
        entry
        | ({"x-also-at": also} if also else {})
        | ({"x-why-not-sdk": operation.why_none} if not operation.sdk else {})
    )


def _path_parameters(path: str) -> Iterator[Json]:
    for name, rest in NAMED_PARTS.findall(path):
        more = {"description": "May hold slashes, raw or as %2F."} if rest else {}
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **more}


def _query(operation: Operation, endpoint: Endpoint | None) -> Iterator[Json]:
    kinds = [each for each in operation.query.values() if hasattr(each, "__struct_fields__")]
    kinds += [endpoint.query] if endpoint is not None and endpoint.query is not None else []
    for kind in kinds:
        _, schemas = schema_components([kind], schema_hook=schema_of)
        for name, described in schemas[kind.__name__]["properties"].items():
            if described.get("default", "") in (None, ()):
                del described["default"]
            yield {"name": name, "in": "query", "required": False, "schema": described}
    for name, kind in operation.query.items():
        if not hasattr(kind, "__struct_fields__"):
            yield {"name": name, "in": "query", "required": False, "schema": schema(kind)}


def _headers(row: str, operation: Operation) -> Iterator[Json]:
    names = [*operation.headers]
    if row.startswith("POST ") and "stranger" not in TABLE[row]:
        names.append("Idempotency-Key")
    if "session" in TABLE[row]:
        names.append("X-Nexevo-Organization")
    for name in names:
        yield {"$ref": f"#/components/parameters/{name}"}


def _body_shape(operation: Operation, endpoint: Endpoint | None) -> Any:
    return operation.body or (endpoint.body if endpoint is not None else None)


def _body(operation: Operation, endpoint: Endpoint | None) -> Json:
    kind = _body_shape(operation, endpoint)
    if kind is None:
        return {}
    described = _reference(kind)
    return {
        "requestBody": {"required": True, "content": {name: {"schema": described} for name in operation.body_types}}
    }


def _answers(operation: Operation) -> Json:
    content = {
        name: {"schema": _reference(kind)} if kind is not None else {} for name, kind in operation.answers.items()
    }
    described: Json = {"description": "Done.", **({"content": content} if content else {})}
    if operation.status == 302:
        described = {"description": "The content is at the address in Location.", "headers": {"Location": _TEXT}}
    found = {str(operation.status): described}
    if operation.begun is not None:
        shape = {"schema": _reference(operation.begun)}
        found["202"] = {"description": "Begun; ask for its state.", "content": {JSON: shape}}
    return found


_TEXT = {"schema": {"type": "string"}}


def _errors(suffix: str = "") -> Json:
    return {status: {"$ref": f"#/components/responses/{name}{suffix}"} for status, (name, _) in ERRORS.items()}


def _error_answers() -> Json:
    """Writes what operations share: the errors of our wire, and of others', whose shapes are their vendors'."""
    shapes = {"": _reference(Error), "OtherWire": {"type": "object"}}
    return {
        f"{name}{suffix}": {"description": said, "content": {JSON: {"schema": shape}}}
        for name, said in ERRORS.values()
        for suffix, shape in shapes.items()
    }


def _security(callers: Callers, operation: Operation) -> list[dict[str, list[str]]]:
    if "stranger" in callers:
        return []
    names = [KEY] if callers & {"key", "manager"} else []
    names += ["x_api_key", *(["x_goog_api_key"] if operation.wire == "gemini" else [])] if names else []
    return [{name: []} for name in [*names, *([SESSION] if "session" in callers else [])]]


def _reference(kind: Any) -> Json:
    if kind is Json:
        return {"type": "object"}
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _schemas() -> Json:
    kinds: dict[Any, None] = dict.fromkeys([Error, *sockets.shapes()])
    for row, operation in OPERATIONS.items():
        named = (_body_shape(operation, _endpoint(row)), *operation.answers.values(), operation.begun)
        kinds |= dict.fromkeys(each for each in named if each not in (None, Json))
    _, found = schema_components(list(kinds), schema_hook=schema_of, ref_template=REFERENCE)
    return dict(sorted(found.items()))


__all__ = ["EVENTS", "FORM", "document", "methods", "served"]
