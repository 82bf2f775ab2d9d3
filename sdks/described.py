"""Reads the OpenAPI document for the generators of the SDKs, and writes the files that they make of it.

A generator has its own types and its own text of methods: `sdks/python/generate.py`, `sdks/typescript/generate.py`.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import orjson

DOCUMENT = Path(__file__).parents[1] / "functions" / "models" / "openapi.json"
JSON, FORM, EVENTS = "application/json", "multipart/form-data", "text/event-stream"
# Methods that each SDK has by hand.
BY_HAND = {"agents.run_stream", "agents.resume_stream", "generation.uploads.upload"}
Schema = dict[str, Any]


class Types(ABC):
    """A language's types of the document's schemas; it remembers the schemas that it has named."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas
        self.answers: dict[str, None] = {}
        self.params: dict[str, None] = {}

    def of(self, schema: Schema, *, sent: bool) -> str:
        """The type of a schema, in what is sent or in what is answered."""
        if "$ref" in schema:
            name = name_of(schema)
            (self.params if sent else self.answers)[name] = None
            return f"{name}Param" if sent else name
        if "anyOf" in schema:
            return self.union(schema["anyOf"], sent=sent)
        if "enum" in schema or "const" in schema:
            return self.words(schema.get("enum", [schema.get("const")]), sent=sent)
        return self.plain(schema, sent=sent)

    @abstractmethod
    def union(self, choices: list[Schema], *, sent: bool) -> str:
        """The type of one of several."""

    @abstractmethod
    def words(self, words: list[Any], *, sent: bool) -> str:
        """The type of fixed values."""

    @abstractmethod
    def plain(self, schema: Schema, *, sent: bool) -> str:
        """The type of any other schema."""

    def all_named(self, write: Callable[[str], str], *, sent: bool) -> dict[str, str]:
        """Writes all that has been named, and what these name."""
        done: dict[str, str] = {}
        names = self.params if sent else self.answers
        while len(done) < len(names):
            for name in [each for each in names if each not in done]:
                done[name] = write(name)
        return done


class Described:
    """One operation that is a method of the SDKs."""

    def __init__(self, verb: str, path: str, entry: dict[str, Any], types: Types) -> None:
        self.verb, self.path, self.entry, self.types = verb.upper(), path, entry, types
        self.id: str = entry["x-sdk"]
        self.resource, _, self.name = self.id.rpartition(".")
        good = next(each for status, each in entry["responses"].items() if status[0] in "23")
        self.content = good.get("content", {})
        body = entry.get("requestBody", {}).get("content", {})
        self.is_form = next(iter(body), "") == FORM
        media: dict[str, Any] = next(iter(body.values()), {})
        self.body: Schema | None = types.schemas[name_of(media["schema"])] if media else None
        self.in_path = [each for each in entry["parameters"] if each.get("in") == "path"]
        self.in_query = [each for each in entry["parameters"] if each.get("in") == "query"]

    @property
    def members(self) -> dict[str, Schema]:
        """Members of the body."""
        return {} if self.body is None else self.body["properties"]

    @property
    def required(self) -> list[str]:
        """Members of the body that it cannot do without."""
        return [] if self.body is None else list(self.body.get("required", ()))

    @property
    def element(self) -> str:
        """The type of the elements, where the answer is a page of a list."""
        schema = self.content.get(JSON, {}).get("schema", {})
        members = self.types.schemas[name_of(schema)]["properties"] if "$ref" in schema else {}
        return self.types.of(members["data"]["items"], sent=False) if {"data", "has_more"} <= members.keys() else ""

    @property
    def accepted(self) -> str:
        """The type of the answer to what was begun, where it is another."""
        begun = self.entry["responses"].get("202", {}).get("content", {}).get(JSON)
        return self.ref(begun) if begun != self.content.get(JSON) else ""

    @property
    def event(self) -> str:
        """The type of an event of its stream."""
        return self.ref(self.content.get(EVENTS))

    @property
    def secrets(self) -> list[str]:
        """Members of the answer, however deep, that are not to be shown where it is printed."""
        schema = self.content.get(JSON, {}).get("schema", {})
        return [] if "$ref" not in schema else secrets_of(name_of(schema), self.types.schemas)

    def ref(self, media: dict[str, Any] | None) -> str:
        """The type of an answer in one media type; empty where it has no shape."""
        return self.types.of(media["schema"], sent=False) if media else ""


M = TypeVar("M", bound=Described)


def name_of(schema: Schema) -> str:
    """The name of the schema that is referred to."""
    return str(schema["$ref"]).rpartition("/")[2]


def is_secret(schema: Schema) -> bool:
    """True for what opens something, alone, in a list, or as one of several."""
    inner = [*schema.get("anyOf", ()), *([schema["items"]] if schema.get("items") else [])]
    return schema.get("format") == "password" or any(is_secret(each) for each in inner)


def secrets_of(name: str, schemas: dict[str, Schema]) -> list[str]:
    """Names of the secret members of a schema and of those that it refers to."""
    found: dict[str, None] = {}
    names = [name]
    for each in names:
        members = schemas[each].get("properties", {})
        found |= {member: None for member, schema in members.items() if is_secret(schema)}
        below = re.findall(r'#/components/schemas/(\w+)"', orjson.dumps(schemas[each]).decode())
        names += [other for other in dict.fromkeys(below) if other not in names]
    return list(found)


def document() -> dict[str, Any]:
    """Reads the document."""
    found: dict[str, Any] = orjson.loads(DOCUMENT.read_bytes())
    return found


def methods_of(paths: dict[str, Any], kind: Callable[[str, str, dict[str, Any], Any], M], types: Types) -> list[M]:
    """Makes the SDK's method of each operation that has one."""
    return [
        kind(verb, path, entry, types)
        for path, entries in paths.items()
        for verb, entry in entries.items()
        if entry["x-sdk"]
    ]


def grouped_by(methods: list[M]) -> dict[str, list[M]]:
    """The methods by their resource, those that hold others included."""
    grouped: dict[str, list[M]] = {}
    for method in methods:
        grouped.setdefault(method.resource, []).append(method)
    for name in list(grouped):
        parts = name.split(".")
        for end in range(1, len(parts)):
            grouped.setdefault(".".join(parts[:end]), [])
    return grouped


def below(name: str, grouped: dict[str, list[M]]) -> list[str]:
    """The resources that a resource holds itself; the client's are those of the empty name."""
    return sorted(each for each in grouped if each and each.rpartition(".")[0] == name)


def write(made: dict[Path, str]) -> None:
    """Writes the files; with `--check` it writes nothing, and ends with the names of those that differ."""
    if "--check" in sys.argv:
        stale = [path.name for path, text in made.items() if not path.exists() or path.read_text() != text]
        sys.exit(f"run `make openapi`: {stale}" if stale else 0)
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
