"""Builds the smallest value that fits a JSON Schema, the same for the same prompt.

Numbers and names of the prompt are used if they fit, so that "the weather in Paris" gives Paris. A text in
single quotes counts as a name before any word that begins with a capital letter.
A `pattern` is met from a list of candidates; if none of them meets it, the value is the plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from local.providers.json_value import Json, JsonValue

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_NAME = re.compile(r"(?<=[a-z,:;] )[A-Z][\w-]+(?: [A-Z][\w-]+)*")
_WHOLE_TEXT = frozenset({"q", "query", "question", "text", "prompt", "message", "input", "task", "answer", "content"})
_DEPTH_SPARING = 4
_DEPTH_MAX = 24

_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "name@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_PATTERN_CANDIDATES = (
    "example", "Example", "EXAMPLE", "a", "A", "1", "12", "123", "1234", "12345", "123456", "abc123",
    "ABC123", "ABC-123", "abc-123", "a_b", "1.0", "1.0.0", "+12025550123", "123-45-6789", "555-1234",
    "(888)555-1212", "@example", "#aabbcc", *_FORMATS.values(),
)  # fmt: skip


def instance(schema: Json, prompt: str = "") -> JsonValue:
    """Builds a value that fits the schema. Optional members are left out."""
    return _Filler(schema, prompt).fill(schema, "", 0)


def free_form(prompt: str) -> Json:
    """Builds a schema for JSON mode, which has none: one text for each name that the prompt puts in quotes."""
    names = list(dict.fromkeys(_QUOTED.findall(prompt))) or ["answer"]
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}


class _Filler:
    def __init__(self, root: Json, prompt: str) -> None:
        self._root = root
        self._prompt = " ".join(prompt.split())
        self._numbers: Iterator[str] = iter(_NUMBER.findall(prompt))
        self._name = next(iter(_QUOTED.findall(prompt) or _NAME.findall(prompt)), "")
        self._by_type: dict[str, Callable[[Json, str, int], JsonValue]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _schema, _name, _depth: True,
            "null": lambda _schema, _name, _depth: None,
        }

    def fill(self, schema: JsonValue, name: str, depth: int) -> JsonValue:
        if not isinstance(schema, dict) or depth > _DEPTH_MAX:
            return name or None
        schema = self._merged(self._resolved(schema))
        for keyword in ("const", "default"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("enum", "examples"):
            if schema.get(keyword):
                return schema[keyword][0]
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return self.fill(self._option(options, depth), name, depth + 1)
        return self._by_type.get(self._type(schema, depth), self._string)(schema, name, depth)

    def _resolved(self, schema: Json) -> Json:
        for _ in range(_DEPTH_MAX):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            target: JsonValue = self._root
            for part in reference.removeprefix("#").strip("/").split("/"):
                target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if part else target
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        return {}

    def _merged(self, schema: Json) -> Json:
        parts = [self._merged(self._resolved(part)) for part in schema.get("allOf", ())]
        whole: Json = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            whole = {
                **part,
                **whole,
                "properties": {**part.get("properties", {}), **whole.get("properties", {})},
                "required": [*whole.get("required", ()), *part.get("required", ())],
            }
        return whole

    @staticmethod
    def _option(options: list[JsonValue], depth: int) -> JsonValue:
        null = [option for option in options if isinstance(option, dict) and option.get("type") == "null"]
        some = [option for option in options if option not in null]
        return null[0] if not some or (null and depth > _DEPTH_SPARING) else some[0]

    @staticmethod
    def _type(schema: Json, depth: int) -> str:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            spare = depth > _DEPTH_SPARING and "null" in kind
            kind = "null" if spare else next((each for each in kind if each != "null"), "null")
        return str(kind).lower()

    def _object(self, schema: Json, _name: str, depth: int) -> Json:
        members: Json = schema.get("properties", {})
        required = dict.fromkeys(schema.get("required", ()))
        return {key: self.fill(members.get(key, {}), key, depth + 1) for key in required}

    def _array(self, schema: Json, name: str, depth: int) -> list[JsonValue]:
        fixed = [self.fill(item, name, depth + 1) for item in schema.get("prefixItems", ())]
        least = int(schema.get("minItems", 0 if fixed or depth > _DEPTH_SPARING else 1))
        most = int(schema.get("maxItems", max(least, len(fixed))))
        free = range(max(0, min(least, most) - len(fixed)))
        return fixed + [self.fill(schema.get("items", {}), name, depth + 1) for _ in free]

    def _string(self, schema: Json, name: str, _depth: int) -> str:
        if "pattern" in schema:
            return self._matching(str(schema["pattern"]), name)
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = self._prompt[:80] if name.lower() in _WHOLE_TEXT else self._name
        text = text or name or "example"
        least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 1_000_000))
        return text.ljust(least, ".")[: max(most, 0)]

    def _matching(self, pattern: str, name: str) -> str:
        candidates = (self._name, name, *_PATTERN_CANDIDATES)
        return next((each for each in candidates if each and re.search(pattern, each)), name or "example")

    def _integer(self, schema: Json, _name: str, _depth: int) -> int:
        found = next(self._numbers, None)
        return int(_bounded(schema, float(found) if found else None, 1))

    def _number(self, schema: Json, _name: str, _depth: int) -> float:
        found = next(self._numbers, None)
        return _bounded(schema, float(found) if found else None, 0.5)


def _bounded(schema: Json, found: float | None, step: float) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    multiple = schema.get("multipleOf")
    if least is not None and "minimum" not in schema:
        least = least + (multiple or step)
    if most is not None and "maximum" not in schema:
        most = most - (multiple or step)
    value = found if found is not None else 1
    value = value if least is None else max(value, least)
    value = value if most is None else min(value, most)
    return value if multiple is None else -(-value // multiple) * multiple


def strict_fault(schema: JsonValue, context: tuple[str, ...] = ()) -> str | None:
    """Returns the reason why OpenAI's strict mode refuses a schema, in its words, or None.

    Every object must have `additionalProperties: false` and require all of its members
    (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
    """
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" or "properties" in schema:
        fault = _strict_object_fault(schema, context)
        if fault:
            return fault
    for path, inner in inner_schemas(schema):
        fault = strict_fault(inner, (*context, *path))
        if fault:
            return fault
    return None


def _strict_object_fault(schema: Json, context: tuple[str, ...]) -> str | None:
    if schema.get("additionalProperties") is not False:
        return f"In context={context!r}, 'additionalProperties' is required to be supplied and to be false."
    missing = [key for key in schema.get("properties", {}) if key not in schema.get("required", ())]
    if missing:
        return (
            f"In context={context!r}, 'required' is required to be supplied and to be an array including "
            f"every key in properties. Missing '{missing[0]}'."
        )
    return None


def inner_schemas(schema: Json) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    """Yields the schemas that a schema holds, each with its path."""
    for keyword in ("properties", "$defs", "definitions"):
        for key, inner in (schema.get(keyword) or {}).items():
            yield (keyword, key), inner
    for keyword in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for index, inner in enumerate(schema.get(keyword) or ()):
            yield (keyword, str(index)), inner
    if "items" in schema:
        yield ("items",), schema["items"]
