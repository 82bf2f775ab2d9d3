"""Evaluates the part of DynamoDB's expression language that this repository uses, and refuses the rest.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html Items
are in DynamoDB's JSON: {"name": {"N": "1"}}. A missing attribute is `None`; comparing it is false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

Value = dict[str, Any]
Item = dict[str, Value]
Path = tuple[str, ...]


class Invalid(Exception):
    """The error that DynamoDB calls a ValidationException."""


@dataclass(frozen=True, slots=True)
class Context:
    """The names and values with which an expression is evaluated."""

    item: Mapping[str, Value]
    names: Mapping[str, str]
    values: Mapping[str, Value]

    def path(self, written: Path) -> Path:
        return tuple([self.names[part] if part[0] == "#" else part for part in written])

    def read(self, written: Path) -> Value | None:
        here: Mapping[str, Value] = self.item
        if len(written) == 1 and written[0][0] != "#":
            return here.get(written[0])
        *parents, last = self.path(written)
        for part in parents:
            here = here.get(part, {}).get("M", {})
        return here.get(last)


Operand = Callable[[Context], Value | None]
Condition = Callable[[Context], bool]

TOKEN = re.compile(r"\s*(<=|>=|<>|[()=<>,+.\-]|[:#]?\w+)")
RESERVED = {
    "AND", "OR", "NOT", "BETWEEN", "SET", "REMOVE", "ADD", "BASE", "FREE", "LEFT", "MINUTE", "MONTH", "OFF", "USED",
}  # fmt: skip


def number(value: Value) -> int:
    return int(value["N"])


def size(value: Value) -> int:
    kind, content = next(iter(value.items()))
    if kind == "N":
        raise Invalid("size of a number")
    return len(content)


def _ordered(left: Value | None, right: Value | None) -> tuple[Any, Any] | None:
    if left is None or right is None:
        return None
    for kind, one in left.items():
        other = right.get(kind)
        # A value has one type.
        return None if other is None else (int(one), int(other)) if kind == "N" else (one, other)
    return None


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class Parser:
    """A recursive-descent parser of one expression. Its result is evaluated on an item."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        if "".join(self.tokens) != re.sub(r"\s", "", text):
            raise Invalid(f"cannot read {text!r}")
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token not in expected):
            raise Invalid(f"{token!r} where {expected} was expected")
        self.at += 1
        return token

    def path(self) -> Path:
        parts = [self.name()]
        while self.peek() == ".":
            self.take(".")
            parts.append(self.name())
        return tuple(parts)

    def name(self) -> str:
        token = self.take()
        if token.upper() in RESERVED or token.startswith(":"):
            raise Invalid(f"{token!r} is no attribute name, or a reserved one")
        return token

    def operand(self) -> Operand:
        if self.peek().startswith(":"):
            value = self.take()
            return lambda context: context.values[value]
        if self.peek() == "size":
            sized = self.arguments(1)[0]
            return lambda context: _size_of(context.read(sized))
        path = self.path()
        return lambda context: context.read(path)

    def arguments(self, count: int) -> list[Path]:
        self.take()
        self.take("(")
        paths = [self.path()]
        for _ in range(count - 1):
            self.take(",")
            paths.append(self.path())
        self.take(")")
        return paths

    def condition(self) -> Condition:
        left = self.conjunction()
        while self.peek() == "OR":
            self.take()
            left = _either(left, self.conjunction())
        return left

    def conjunction(self) -> Condition:
        left = self.primary()
        while self.peek() == "AND":
            self.take()
            left = _both(left, self.primary())
        return left

    def primary(self) -> Condition:
        match self.peek():
            case "(":
                self.take("(")
                inner = self.condition()
                self.take(")")
                return inner
            case "attribute_exists":
                existing = self.arguments(1)[0]
                return lambda context: context.read(existing) is not None
            case "attribute_not_exists":
                missing = self.arguments(1)[0]
                return lambda context: context.read(missing) is None
            case "begins_with":
                return self.begins_with()
        return self.comparison()

    def begins_with(self) -> Condition:
        self.take()
        self.take("(")
        path = self.path()
        self.take(",")
        prefix = self.operand()
        self.take(")")

        def holds(context: Context) -> bool:
            value, start = context.read(path), prefix(context)
            return value is not None and start is not None and value["S"].startswith(start["S"])

        return holds

    def comparison(self) -> Condition:
        left = self.operand()
        if self.peek() == "BETWEEN":
            self.take()
            low = self.operand()
            self.take("AND")
            high = self.operand()

            def in_order(context: Context) -> bool:
                ends = _ordered(low(context), high(context))
                if ends is None or ends[0] > ends[1]:
                    raise Invalid("BETWEEN needs an upper bound that is not below the lower one")
                return True

            return _both(in_order, _both(_compare(left, ">=", low), _compare(left, "<=", high)))
        return _compare(left, self.take(*COMPARE), self.operand())

    def end(self) -> None:
        if self.peek():
            raise Invalid(f"{self.peek()!r} after the end")


def _size_of(value: Value | None) -> Value | None:
    return None if value is None else {"N": str(size(value))}


def _compare(left: Operand, sign: str, right: Operand) -> Condition:
    def holds(context: Context) -> bool:
        pair = _ordered(left(context), right(context))
        return pair is not None and COMPARE[sign](*pair)

    return holds


def _both(left: Condition, right: Condition) -> Condition:
    return lambda context: left(context) and right(context)


def _either(left: Condition, right: Condition) -> Condition:
    return lambda context: left(context) or right(context)


@cache
def condition(text: str) -> Condition:
    """Parses the condition in `text`."""
    parser = Parser(text)
    judged = parser.condition()
    parser.end()
    return judged
