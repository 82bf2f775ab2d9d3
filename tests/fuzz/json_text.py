"""Strategies for JSON texts near valid ones: members of wrong types, odd numbers and strings, twins, depth."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Raw:
    """A JSON text, perhaps a wrong one, that stands in a tree as it is."""

    text: str


class Members(list[tuple[str, Any]]):
    """An object's members in order; a name may come twice."""


Slot = tuple[list[Any], int]
NUMBERS = (
    "0", "-1", "1", "1.5", "-0.0", "1e999", "-1e999", "1E400", "1e-400", "NaN", "Infinity", "-Infinity", "1.", "00",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "2147483648",
    "1" + "0" * 30, "1" + "0" * 400, "0." + "3" * 40, "1e20", "1e15", "0.1e1", "4294967296", "253402300800",
)  # fmt: skip
STRINGS = (
    "", " ", "\\u0000", "a\\u0000b", "\\ud800", "\\udc00\\ud800", "\\uD83D\\uDE00", "\\u2028", "\\u202e",
    "\\ufeff", "\u00e9\u4e2d\U0001f600", "x" * 5_000, "NaN", "null", "1e999", "-1", "1" + "0" * 5_000, "gpt-4o",
    "auto", "none", "https://example.com/a.png", "https://[::1/", "http://127.0.0.1/", "//", "data:", "data:,",
    "data:image/png;base64,", "data:image/png;base64,!!!", "data:image/png;base64,iVBORw0KGgo=", "file-77",
    "gs://bucket/a", "resp_nxn-1", "2030-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59", "::1", "10.0.0.0/33", "%00", "../", "nexevo/auto", "nexevo/auto:cheap",
    "aws/claude-haiku-4-5", "custom/x/y", "gpt-4o:", ":", "\\", "\\x", "\n",
)  # fmt: skip
SHAPES = ("null", "true", "false", "[]", "{}", "[[]]", "[null]", "[{}]", '{"":""}', '{"type":null}', '{"type":"x"}',
          '[1,"a",null,{"a":[]}]', "", "'", "undefined", "[,]", '{"a"}')  # fmt: skip
DEPTHS = (3, 60, 128, 250, 260, 1_200)
BOOLEANS = st.booleans()
NAMES = ("", "__proto__", "type", "model", "stream", "n", "x" * 300, "\u00e9", "a.b", "a[0]", "$ref", "nexevo", "store")


@cache
def one_of(options: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Draws one of the options. A strategy takes longer to build than to draw from, so each is built once."""
    return st.sampled_from(options)


@cache
def below(count: int) -> st.SearchStrategy[int]:
    """Draws a place among so many."""
    return st.integers(0, count - 1)


def deep(levels: int, inner: str = "1") -> str:
    """Nests a text in arrays."""
    return "[" * levels + inner + "]" * levels


@cache
def odd_texts() -> st.SearchStrategy[str]:
    """Draws a value that a place of a request does not expect."""
    strings = tuple(f'"{text}"' for text in STRINGS)
    nested = tuple(deep(levels) for levels in DEPTHS) + tuple('{"a":' * n + "1" + "}" * n for n in DEPTHS)
    listed = one_of((*NUMBERS, *strings, *SHAPES, *nested))
    return st.one_of(
        listed,
        listed,
        st.text(max_size=12).map(lambda text: json.dumps(text, ensure_ascii=len(text) % 2 == 0)),
        st.integers().map(str),
        st.floats().map(json.dumps),
    )


def tree(sample: Any) -> Any:
    """Returns the sample as a tree whose objects can hold what JSON's objects can."""
    return json.loads(json.dumps(sample), object_pairs_hook=Members)


def text_of(node: Any) -> str:
    """Writes a tree as JSON."""
    if isinstance(node, Raw):
        return node.text
    if isinstance(node, Members):
        return "{" + ",".join(f"{json.dumps(name)}:{text_of(value)}" for name, value in node) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(text_of, node)) + "]"
    return json.dumps(node)


def slots(node: Any) -> list[Slot]:
    """Lists each place of a tree that holds a value."""
    found: list[Slot] = []
    if isinstance(node, list):
        for place, child in enumerate(node):
            found.append((node, place))
            found += slots(child[1] if isinstance(node, Members) else child)
    return found


def read(slot: Slot) -> Any:
    """Returns the value in a place."""
    holder, place = slot
    return holder[place][1] if isinstance(holder, Members) else holder[place]


def write(slot: Slot, value: Any) -> None:
    """Puts a value in a place."""
    holder, place = slot
    holder[place] = (holder[place][0], value) if isinstance(holder, Members) else value


Draw = Callable[[st.SearchStrategy[Any]], Any]
Change = Callable[[Draw, Slot, list[Slot]], None]


def _odd(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    write(slot, Raw(draw(odd_texts())))


def _alike(draw: Draw, slot: Slot, every: list[Slot]) -> None:
    """Changes a value into another of its type, which is read further than one of a wrong type."""
    value = read(slot)
    if isinstance(value, str):
        write(slot, Raw(f'"{draw(one_of(STRINGS))}"'))
    elif isinstance(value, bool):
        write(slot, not value)
    elif isinstance(value, int | float):
        write(slot, Raw(draw(one_of(NUMBERS))))
    elif isinstance(value, list) and value:
        inner = (value, draw(below(len(value))))
        draw(one_of((_dropped, _twin, _moved)))(draw, inner, every)


def _dropped(_draw: Draw, slot: Slot, _: list[Slot]) -> None:
    holder, place = slot
    del holder[place]


def _twin(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    holder, place = slot
    other = Raw(draw(odd_texts()) if draw(BOOLEANS) else text_of(read(slot)))
    holder.insert(place, (holder[place][0], other) if isinstance(holder, Members) else other)


def _stranger(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    holder, place = slot
    value = Raw(draw(odd_texts() if draw(BOOLEANS) else fragments()))
    holder.insert(place, (draw(names()), value) if isinstance(holder, Members) else value)


def _moved(draw: Draw, slot: Slot, every: list[Slot]) -> None:
    write(slot, Raw(text_of(read(every[draw(below(len(every)))]))))


def _fragment(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    write(slot, Raw(draw(fragments())))


def _wrapped(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    write(slot, Raw(deep(draw(one_of((1, 2, *DEPTHS))), text_of(read(slot)))))


def _renamed(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    holder, place = slot
    if isinstance(holder, Members):
        holder[place] = (draw(names()), holder[place][1])


def _many(draw: Draw, slot: Slot, _: list[Slot]) -> None:
    text = text_of(read(slot))
    write(slot, Raw("[" + ",".join([text] * draw(one_of((2, 30, 300 if len(text) < 100 else 30)))) + "]"))


# How many places of a body are changed.
COUNTS = (0, 0, 1, 1, 2, 5, 3, 2, 1, 1, 0)
CHANGES: tuple[Change, ...] = (
    _alike, _alike, _alike, _odd, _odd, _dropped, _dropped, _twin, _stranger, _moved, _fragment, _wrapped,
    _renamed, _many,
)  # fmt: skip

_VOCABULARY: dict[str, None] = dict.fromkeys(NAMES)
_FRAGMENTS: dict[str, None] = {}


def learn(sample: Any) -> None:
    """Takes the names of a sample's members and its small parts, to be put where they do not belong."""
    root = tree(sample)
    for slot in slots(root):
        holder, place = slot
        if isinstance(holder, Members):
            _VOCABULARY[holder[place][0]] = None
        text = text_of(read(slot))
        if len(text) < 300:
            _FRAGMENTS[text] = None


@cache
def names() -> st.SearchStrategy[str]:
    """Draws the name of a member."""
    return st.sampled_from(tuple(_VOCABULARY))


@cache
def fragments() -> st.SearchStrategy[str]:
    """Draws a part of a valid request."""
    return st.sampled_from(tuple(_FRAGMENTS))


@st.composite
def changed(draw: Draw, samples: Sequence[Any]) -> str:
    """Draws a sample and changes it in a few places; sometimes in none."""
    node = [tree(samples[draw(below(len(samples)))])]
    for _ in range(draw(one_of(COUNTS))):
        # The whole body is replaced elsewhere, by any bytes.
        every = slots(node)[1:]
        if every:
            slot = every[draw(below(len(every)))]
            draw(one_of(CHANGES))(draw, slot, every)
    return ",".join(map(text_of, node))
