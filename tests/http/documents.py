"""Writes the OpenAPI document of a JSON family from the table of endpoints that serves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec.json import schema_components

from gateway.http.endpoints import Endpoint
from gateway.http.json_app import JsonApp
from gateway.protocols.shared.body import schema_of

REFERENCE = "#/components/schemas/{name}"


def documented(app: JsonApp) -> dict[str, Any]:
    """Returns the app's document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in app.endpoints:
        path = endpoint.path.replace("...}", "}")
        paths.setdefault(path, {}).setdefault(endpoint.method.lower(), operation(endpoint))
    bodies = [endpoint.body for endpoint in app.endpoints if endpoint.body]
    _, schemas = schema_components(bodies, schema_hook=schema_of, ref_template=REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {"title": "family", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def operation(endpoint: Endpoint) -> dict[str, Any]:
    """Describes one endpoint."""
    described: dict[str, Any] = {
        "summary": endpoint.answer.__doc__,
        "parameters": [*path_parameters(endpoint.path), *query_parameters(endpoint)],
        "responses": {str(endpoint.status): {"description": "Done"}},
    }
    if endpoint.body is not None:
        schema = {"$ref": REFERENCE.format(name=endpoint.body.__name__)}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def path_parameters(path: str) -> Iterator[dict[str, Any]]:
    """Describes the parts that the path names."""
    for name in re.findall(r"\{(\w+)", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def query_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    """Describes the members of the query's Struct."""
    if endpoint.query is not None:
        _, schemas = schema_components([endpoint.query], schema_hook=schema_of)
        for name, schema in schemas[endpoint.query.__name__]["properties"].items():
            yield {"name": name, "in": "query", "required": False, "schema": schema}
