"""Tries each member of the constraint table at its bounds, and tells whether a target accepts what is expected."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from gateway.canonical.parts import (
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    Message,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling, Tool, ToolChoice
from gateway.errors import InvalidRequest
from tests.providers.constraints.asking import HI, said

Shape = Callable[..., ChatRequest]

_OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
_KEYWORDS: Mapping[str, Any] = {
    "oneOf": [],
    "anyOf": [],
    "allOf": [],
    "enum": [{}],
    "not": {},
    "title": "t",
    "required": ["a"],
}
_ENFORCED: Mapping[str, Any] = {
    "minItems": 1,
    "format": "date",
    **{name: {} for name in ("properties", "$defs", "definitions", "items")},
    **{name: [] for name in ("anyOf", "allOf", "enum", "required")},
}
_UNENFORCED = ("maxLength", "minimum", "pattern", "maxItems", "not")
_IMAGES = ("png", "jpeg", "gif", "webp", "heic", "heif", "bmp", "avif")
_LACKING: Mapping[str, dict[str, Any]] = {
    "top_k": {"sampling": Sampling(top_k=4)},
    "seed": {"sampling": Sampling(seed=4)},
    "stop": {"sampling": Sampling(stop=("x",))},
    "presence_penalty": {"sampling": Sampling(presence_penalty=1.0)},
    "frequency_penalty": {"sampling": Sampling(frequency_penalty=1.0)},
    "logit_bias": {"sampling": Sampling(logit_bias={"1": 2.0})},
    "logprobs": {"sampling": Sampling(logprobs=True)},
    "top_logprobs": {"sampling": Sampling(top_logprobs=2)},
    "user": {"user": "u"},
    "parallel_tool_calls": {"parallel_tool_calls": False},
}


def _names(takes: Callable[[str], bool], expected: tuple[str, str | None, int | None]) -> bool:
    """True if exactly the expected ASCII characters are accepted behind an `a` and in front of one, at any length."""
    characters, first, most = expected
    right = all(takes(f"a{each}") == (each in characters) for each in string.printable)
    if first is not None:
        right = right and all(takes(f"{each}a") == (each in first) for each in characters)
    if most is None:
        return right and takes("a" * 500)
    return right and takes("a" * most) and not takes("a" * (most + 1))


def _tool_name(shape: Shape, expected: Any) -> bool:
    return _names(lambda name: shape(tools=(Tool(name),)).tools[0].name == name, expected)


def _tool_names_repeat(shape: Shape, expected: bool) -> bool:
    return (len(shape(tools=(Tool("f"), Tool("f"))).tools) == 2) == expected


def _argument_name(shape: Shape, expected: Any) -> bool:
    def takes(name: str) -> bool:
        tool = shape(tools=(Tool("f", parameters={"type": "object", "properties": {name: {}}}),)).tools[0]
        return name in (tool.parameters or {})["properties"]

    return _names(takes, expected)


def _call_id(shape: Shape, expected: Any) -> bool:
    def takes(name: str) -> bool:
        sent = shape(HI, said("assistant", ToolCall(name, "f", "{}")), said("tool", ToolResult(name, (Text("x"),))))
        return sent.messages[1].parts[0] == ToolCall(name, "f", "{}")

    return _names(takes, expected)


def _call_id_digits(shape: Shape, expected: int) -> bool:
    """True if ids of so many letters and digits are kept, and others become some."""

    def sent(name: str) -> str:
        call, result = said("assistant", ToolCall(name, "f", "{}")), said("tool", ToolResult(name, (Text("x"),)))
        parts = [part for message in shape(HI, call, result).messages for part in message.parts]
        identity = {part.id for part in parts if isinstance(part, ToolCall)}
        identity |= {part.call_id for part in parts if isinstance(part, ToolResult)}
        return identity.pop() if len(identity) == 1 else ""

    others = ["aB3" * expected, "a" * (expected - 1), "a" * (expected + 1), "_" * expected, "\u00e9" * expected]
    fitting = [sent(name) for name in others]
    fits = all(len(name) == expected and name.isascii() and name.isalnum() for name in fitting)
    return sent("aB3cD5eF7"[:expected]) == "aB3cD5eF7"[:expected] and fits and len(set(fitting)) == len(others)


def _takes_thoughts(shape: Shape, expected: bool) -> bool:
    thoughts = (Thinking("so"), RedactedThinking("sealed"))
    sent = shape(HI, Message("assistant", (*thoughts, Text("a"))), HI)
    return (sent.messages[1].parts[:-1] == thoughts) == expected


def _names_speakers(shape: Shape, expected: bool) -> bool:
    return (shape(Message("user", (Text("hi"),), name="ann")).messages[0].name == "ann") == expected


def _tool_choices_refused(shape: Shape, expected: tuple[str, ...]) -> bool:
    def kept(mode: Any) -> bool:
        choice = ToolChoice(mode, "f" if mode == "tool" else None)
        sent = shape(tools=(Tool("f"),), tool_choice=choice)
        otherwise = (None, ()) if mode == "none" else (ToolChoice("auto"), (Tool("f"),))
        names = tuple(Tool(tool.name) for tool in sent.tools)
        return sent.tool_choice == choice or (sent.tool_choice, names) != otherwise

    return {mode for mode in ("none", "required", "tool") if not kept(mode)} == set(expected)


def _call_ids_repeat(shape: Shape, expected: bool) -> bool:
    turn = (said("assistant", ToolCall("c", "f", "{}")), said("tool", ToolResult("c", (Text("x"),))))
    sent = shape(HI, *turn, HI, *turn).messages
    return (sent[1:3] == sent[4:6]) == expected


def _texts(shape: Shape, expected: str) -> bool:
    taken = {"any": {"", " ", "x"}, "not empty": {" ", "x"}, "not blank": {"x"}}[expected]
    return all(
        (Text(text) in shape(said("user", text, "y")).messages[0].parts) == (text in taken) for text in ("", " ", "x")
    )


def _roles(request: ChatRequest) -> list[str]:
    return [message.role for message in request.messages]


def _instructions_between(shape: Shape, expected: bool) -> bool:
    return ("system" in _roles(shape(HI, said("assistant", "a"), said("system", "s")))) == expected


def _opens_with_user(shape: Shape, expected: bool) -> bool:
    return _roles(shape(said("assistant", "a"), HI))[0] == ("user" if expected else "assistant")


def _closes_with_user(shape: Shape, expected: bool) -> bool:
    return _roles(shape(HI, said("assistant", "a")))[-1] == ("user" if expected else "assistant")


def _closes_with_blank(shape: Shape, expected: bool) -> bool:
    return shape(HI, said("assistant", "a \n")).messages[1] == said("assistant", "a \n" if expected else "a")


def _document_alone(shape: Shape, expected: bool) -> bool:
    sent = shape(Message("user", (Document(InlineMedia("QUJD", "application/pdf")),)))
    return (len(sent.messages[0].parts) == 1) == expected


def _thinks_from_answer(shape: Shape, expected: bool) -> bool:
    sent = shape(HI, said("assistant", "So"), reasoning=Reasoning(adaptive=True))
    return (sent.reasoning is not None) == expected


def _marks(shape: Shape, *lifetimes: str) -> list[str]:
    sent = shape(Message("user", tuple(Text("x", cache=CacheLifetime(each)) for each in lifetimes)))
    return [part.cache for part in sent.messages[0].parts if isinstance(part, Text) and part.cache]


def _cache_marks_max(shape: Shape, expected: int) -> bool:
    return [len(_marks(shape, *["5m"] * count)) for count in (expected, expected + 1)] == [expected, expected]


def _cache_lifetimes_rise(shape: Shape, expected: bool) -> bool:
    return _marks(shape, "1h", "5m", "1h") == (["1h", "5m", "1h"] if expected else ["1h", "5m", "5m"])


def _tools_max(shape: Shape, expected: int) -> bool:
    tools = tuple(Tool(f"f{number}") for number in range(expected + 1))
    return [len(shape(tools=tools[:count]).tools) for count in (expected, expected + 1)] == [expected, expected]


def _tool_description_max(shape: Shape, expected: int) -> bool:
    def said_of(length: int) -> str:
        return shape(tools=(Tool("f", "d" * length),)).tools[0].description or ""

    return [len(said_of(length)) for length in (expected, expected + 1)] == [expected, expected]


def _arrays_without_items(shape: Shape, expected: bool) -> bool:
    schema = {"type": "object", "properties": {"a": {"type": "array"}}}
    return ("items" not in _root(shape, schema)["properties"]["a"]) == expected


def _root(shape: Shape, schema: dict[str, Any]) -> Mapping[str, Any]:
    return shape(tools=(Tool("f", parameters=schema),)).tools[0].parameters or {}


def _tool_root_refused(shape: Shape, expected: tuple[str, ...]) -> bool:
    return all(
        (name in _root(shape, _OBJECT | {name: value})) == (name not in expected) for name, value in _KEYWORDS.items()
    )


def _tool_root_only(shape: Shape, expected: tuple[str, ...]) -> bool:
    return set(_root(shape, _OBJECT | {"title": "t", "description": "d", "required": ["a"]})) == set(expected)


def _tool_root_without_properties(shape: Shape, expected: bool) -> bool:
    return ("properties" not in _root(shape, {"type": "object"})) == expected


def _strict_schemas_closed(shape: Shape, expected: bool) -> bool:
    closed = _OBJECT | {"required": ["a"], "additionalProperties": False}
    keeps = [shape(tools=(Tool("f", parameters=schema, strict=True),)).tools[0].strict for schema in (closed, _OBJECT)]
    return keeps == [True, None if expected else True]


def _enforced(shape: Shape, schema: dict[str, Any]) -> Mapping[str, Any]:
    wanted = shape(output_format=OutputFormat("schema", _OBJECT | {"properties": {"a": schema}})).output_format
    return {} if wanted is None or wanted.schema is None else wanted.schema.get("properties", {}).get("a", {})


def _schema_keywords(shape: Shape, expected: tuple[str, ...]) -> bool:
    values = {name: _ENFORCED.get(name, "x") for name in (*expected, *_UNENFORCED)}
    sent = {name for name, value in values.items() if _enforced(shape, {name: value}).get(name) == value}
    return sent == set(expected)


def _schema_formats(shape: Shape, expected: tuple[str, ...]) -> bool:
    named = (*expected, "phone", "regex")
    return {name for name in named if "format" in _enforced(shape, {"format": name})} == set(expected)


def _kind(request: ChatRequest) -> str | None:
    return None if request.output_format is None else request.output_format.kind


def _answer_formats(shape: Shape, expected: tuple[str, ...]) -> bool:
    json, schema = shape(output_format=OutputFormat("json")), shape(output_format=OutputFormat("schema", _OBJECT))
    return [_kind(json) == "json", _kind(schema) == "schema"] == ["json" in expected, "schema" in expected]


def _answer_root_any(shape: Shape, expected: bool) -> bool:
    return (_kind(shape(output_format=OutputFormat("schema", {"type": "array"}))) == "schema") == expected


def _answer_format_with_tools(shape: Shape, expected: bool) -> bool:
    return (_kind(shape(output_format=OutputFormat("json"), tools=(Tool("f"),))) == "json") == expected


def _json_unsaid(shape: Shape, expected: bool) -> bool:
    return (shape(output_format=OutputFormat("json")).messages == (HI,)) == expected


def _stops_max(shape: Shape, expected: int) -> bool:
    stops = tuple(f"s{number}" for number in range(expected + 1))
    return [shape(sampling=Sampling(stop=stops[:count])).sampling.stop for count in (expected, expected + 1)] == [
        stops[:-1],
        stops[:-1],
    ]


def _stops_blank(shape: Shape, expected: bool) -> bool:
    return (shape(sampling=Sampling(stop=("\n",))).sampling.stop == ("\n",)) == expected


def _temperature_max(shape: Shape, expected: float) -> bool:
    sent = [shape(sampling=Sampling(temperature=value)).sampling.temperature for value in (expected, expected + 0.1)]
    return sent == [expected, expected]


def _seed_bits(shape: Shape, expected: int) -> bool:
    half = 1 << (expected - 1)
    sent = [shape(sampling=Sampling(seed=seed)).sampling.seed for seed in (half - 1, half, -half, -half - 1)]
    return sent == [half - 1, 0, -half, half - 1]


def _user_characters_max(shape: Shape, expected: int) -> bool:
    short, long = shape(user="u" * expected).user, shape(user="u" * (expected + 1)).user
    return short == "u" * expected and long is not None and long != "u" * (expected + 1) and len(long) <= expected


def _image_types(shape: Shape, expected: tuple[str, ...]) -> bool:
    def sees(kind: str) -> bool:
        try:
            shape(Message("user", (Image(InlineMedia("QUJD", f"image/{kind}")),)))
        except InvalidRequest:
            return False
        return True

    return {f"image/{kind}" for kind in _IMAGES if sees(kind)} == set(expected)


def _lacks(shape: Shape, expected: tuple[str, ...]) -> bool:
    plain = shape()
    return {name for name, fields in _LACKING.items() if shape(**fields) == plain} == set(expected)


def _bound_in_context(shape: Shape, expected: bool) -> bool:
    """True if a prompt of 1,500 tokens leaves 500 of 2,000, and one of 2,000 none."""
    sent = [shape(max_output_tokens=900, source=b"x" * size).max_output_tokens for size in (30, 4_500, 6_000)]
    return sent == ([900, 500, None] if expected else [900, 900, 900])


def _output_tokens_min(shape: Shape, expected: int) -> bool:
    return [shape(max_output_tokens=bound).max_output_tokens for bound in (expected, expected - 1)] == [expected] * 2


_PROBES: Mapping[str, Callable[[Shape, Any], bool]] = {
    name.removeprefix("_"): probe for name, probe in list(globals().items()) if name.startswith("_") and callable(probe)
}


def is_just(shape: Shape, member: str, expected: object) -> bool:
    """True if a target accepts what `expected` says of a member of the table, and no more."""
    return _PROBES[member](shape, expected)


def at(shape: Callable[..., ChatRequest], dialect: str, generation: str, rules: Iterable[Any]) -> Shape:
    """Returns the shaping of one target by a table."""
    return partial(shape, dialect, generation=generation, rules=rules)
