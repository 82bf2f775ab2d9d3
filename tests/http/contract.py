"""Judges answers by the OpenAPI document that is served.

The document's own shapes name every member of an answer; on wires of other vendors providers may add some.
"""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import orjson

from local.openapi.document import document
from local.openapi.shapes import account, base, catalog, kept, money, runs

FILE = Path(__file__).parents[2] / "functions/models/openapi.json"
# Modules whose shapes are the gateway's own.
OWN = (account, money, kept, runs, catalog, base)
# An item of a conversation is a provider's, and the facts of a model depend on its kind.
OPEN = {"Item", "Model"}


class Misfit(AssertionError):
    """An answer that the document does not describe."""


@cache
def written() -> dict[str, Any]:
    """Reads the document as it is served."""
    found: dict[str, Any] = orjson.loads(FILE.read_bytes())
    return found


@cache
def _strict() -> dict[str, Any]:
    """Builds the document in which our own shapes have no other members."""
    own = {name for module in OWN for name, kind in vars(module).items() if hasattr(kind, "__struct_fields__")}
    strict = deepcopy(document())
    for name, schema in strict["components"]["schemas"].items():
        if name in own - OPEN:
            schema["additionalProperties"] = False
    return strict


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Lists patterns of paths with what they stand for; ones with fewer parts that may be anything come first."""
    found: list[tuple[re.Pattern[str], str]] = []
    for path, entry in written()["paths"].items():
        greedy = {each["name"] for method in entry.values() for each in method["parameters"] if "description" in each}
        for shown in {path, *(other for method in entry.values() for other in method.get("x-also-at", ()))}:
            parts = re.split(r"\{(\w+)\}", shown.replace("...}", "}"))
            texts = [re.escape(part) if place % 2 == 0 else (".+" if part in greedy else "[^/]+")
                     for place, part in enumerate(parts)]  # fmt: skip
            found.append((re.compile("".join(texts)), path))
    return sorted(found, key=lambda one: (".+" in one[0].pattern, one[0].pattern.count("[^/]+")))


def operation_at(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Finds the document's path and operation of a request; `None` where it has none."""
    for pattern, shown in _paths():
        if pattern.fullmatch(unquote(path)) and method.lower() in written()["paths"][shown]:
            return shown, written()["paths"][shown][method.lower()]
    return None


@cache
def _validator(shown: str, method: str, status: str, media: str) -> jsonschema_rs.Draft202012Validator | None:
    entry = written()["paths"][shown][method]
    if status not in entry["responses"]:
        raise Misfit(f"{method} {shown} answers {status}, which the document does not know")
    content = entry["responses"][status].get("content", {})
    if media not in content:
        raise Misfit(f"{method} {shown} answers {status} with {media!r}; the document knows {list(content)}")
    schema = content[media].get("schema")
    if schema is None:
        return None
    return jsonschema_rs.Draft202012Validator({**schema, "components": _strict()["components"]})


def judge_answer(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Raises `Misfit` for a good answer that the document does not describe."""
    found = operation_at(method, path)
    if found is None:
        raise Misfit(f"the document has no {method} {path}")
    media = {each.partition(";")[0]: each for each in _media(found[1], status)}.get(content_type.partition(";")[0])
    if not body and not _media(found[1], status):
        return
    validator = _validator(found[0], method.lower(), str(status), media or content_type)
    if validator is None:
        return
    values = [orjson.loads(body)] if media == "application/json" else events_in(body)
    for value in values:
        wrong = next(iter(validator.iter_errors(value)), None)
        if wrong is not None:
            raise Misfit(f"{method} {path}: {wrong.message} at {wrong.instance_path} of {str(value)[:500]}")


def _media(operation: dict[str, Any], status: int) -> dict[str, Any]:
    content: dict[str, Any] = operation["responses"].get(str(status), {}).get("content", {})
    return content


def events_in(body: bytes) -> list[Any]:
    """Reads the events of a stream; those that end it or tell of an error have shapes of their own."""
    texts = re.findall(rb"^data: (.*)$", body, re.MULTILINE)
    values = [orjson.loads(text) for text in texts if text != b"[DONE]"]
    return [value for value in values if not (isinstance(value, dict) and "error" in value)]
