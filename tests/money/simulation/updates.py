"""Applies DynamoDB's update expressions to a copy: SET with sums and if_not_exists, and REMOVE.

All values are read before any is written.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

from tests.money.simulation.expressions import (
    Context,
    Invalid,
    Item,
    Operand,
    Parser,
    Path,
    Value,
    number,
)

SIGNS = {"+": 1, "-": -1}
Action = tuple[Path, Operand | None]


class UpdateParser(Parser):
    """A parser of SET and REMOVE clauses, each at most once."""

    def actions(self) -> list[Action]:
        found: list[Action] = []
        clauses: dict[str, Callable[[], Action]] = {"SET": self.assignment, "REMOVE": self.removal}
        while self.peek():
            clause = clauses.pop(self.take("SET", "REMOVE"))
            found.append(clause())
            while self.peek() == ",":
                self.take()
                found.append(clause())
        return found

    def removal(self) -> Action:
        return self.path(), None

    def assignment(self) -> Action:
        path = self.path()
        self.take("=")
        left = self.term()
        if self.peek() in SIGNS:
            return path, _sum(left, SIGNS[self.take()], self.term())
        return path, left

    def term(self) -> Operand:
        if self.peek() != "if_not_exists":
            return self.operand()
        self.take()
        self.take("(")
        path = self.path()
        self.take(",")
        otherwise = self.operand()
        self.take(")")

        def value(context: Context) -> Value | None:
            return context.read(path) or otherwise(context)

        return value


def _sum(left: Operand, sign: int, right: Operand) -> Operand:
    def value(context: Context) -> Value:
        first, second = left(context), right(context)
        if first is None or second is None or "N" not in first or "N" not in second:
            raise Invalid("an operand in the update expression has an incorrect data type")
        return {"N": str(number(first) + sign * number(second))}

    return value


@cache
def _actions(text: str) -> tuple[Action, ...]:
    return tuple(UpdateParser(text).actions())


def updated(text: str, context: Context) -> Item:
    """Returns the item after the update. Raises `Invalid` if DynamoDB would refuse it."""
    actions = _actions(text)
    paths = [context.path(path) for path, _ in actions]
    for one, other in combinations(paths, 2):
        if one[: len(other)] == other[: len(one)]:
            raise Invalid(f"two document paths overlap: {one} and {other}")
    values = [None if operand is None else operand(context) for _, operand in actions]
    item: Item = dict(context.item)
    for path, (_, operand), value in zip(paths, actions, values, strict=True):
        if operand is not None and value is None:
            raise Invalid("the provided expression refers to an attribute that does not exist in the item")
        item = _placed(item, path, value)
    return item


def _placed(item: Item, path: Path, value: Value | None) -> Item:
    """Returns the item with the value at the path, or without it; unchanged parts are shared with the old item."""
    name, *deeper = path
    if deeper:
        if name not in item or "M" not in item[name]:
            raise Invalid("the document path provided in the update expression is invalid for update")
        return {**item, name: {"M": _placed(item[name]["M"], tuple(deeper), value)}}
    if value is None:
        return {kept: item[kept] for kept in item if kept != name}
    return {**item, name: value}
