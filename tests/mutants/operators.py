"""Mutations that cosmic-ray's own operators leave out, in the form of its operators.

They concern what money is made of: bounds taken by `min` and `max`, steps of which one may be missing, and conditions
in DynamoDB's expression language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import parso

Span = tuple[tuple[int, int], tuple[int, int]]

SWAPPED = {"min": "max", "max": "min"}
# What may be wrong in an expression of DynamoDB's, and looks right.
EXPRESSION = re.compile(r"[:#][a-z_]+\b|attribute_(not_)?exists")
REWORDED = (
    (" AND ", " OR "),
    (" OR ", " AND "),
    (" < ", " <= "),
    (" <= ", " < "),
    (" > ", " >= "),
    (" >= ", " > "),
    (" + ", " - "),
    (" - ", " + "),
    ("attribute_exists", "attribute_not_exists"),
    ("attribute_not_exists", "attribute_exists"),
)
CLAUSES = frozenset({"conditions", "sets", "removes"})
STEPS = frozenset({"atom_expr", "await_expr", "raise_stmt"})
LEAPS = frozenset({"return", "continue", "break"})


class SwapMinMax:
    """Takes the larger of two bounds for the smaller one, or the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Finds calls of `min` and `max`, also where they are handed to another function."""
        if node.type == "name" and node.value in SWAPPED:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """Puts the other name."""
        node.value = SWAPPED[node.value]
        return node


class DropStatement:
    """Leaves out one step: a call, a change of a variable, a refusal, an early return without a value."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Finds statements that can be missing."""
        if node.type == "simple_stmt" and _can_be_missing(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """Puts `pass` in its place, on as many lines."""
        first = node.children[0]
        lines = first.get_code(include_prefix=False).count("\n")
        node.children[0] = parso.python.tree.Name(
            "pass" + " \\\n" * lines, first.start_pos, first.get_first_leaf().prefix
        )
        return node


class NoArgument:
    """Passes `None` for a keyword argument."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Finds keyword arguments of calls that are not `None` already."""
        if node.type == "argument" and node.children[1] == "=" and node.children[2].get_code().strip() != "None":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """Puts `None` in the argument's place."""
        node.children[2] = parso.python.tree.Name("None", node.children[2].start_pos)
        return node


class DropClause:
    """Leaves out one condition or one step of a rule."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Finds each element of the tuples that a `Rule` has."""
        for clause in _clauses(node):
            yield clause.start_pos, clause.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Empties the clause's place: its neighbours and the lines stay."""
        clause = _clauses(node)[index]
        elements = clause.parent.children
        at = elements.index(clause)
        del elements[at : at + 2]
        return node


class RewordExpression:
    """Changes one word of an expression of DynamoDB's."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Finds each word that has an opposite or a neighbour."""
        for _ in _rewordings(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Puts the other word."""
        at, old, new = _rewordings(node)[index]
        node.value = node.value[:at] + new + node.value[at + len(old) :]
        return node


OPERATORS = {one.__name__: one for one in (SwapMinMax, DropStatement, NoArgument, DropClause, RewordExpression)}


def _can_be_missing(statement: Any) -> bool:
    code = statement.get_code(include_prefix=False)
    if code.startswith(("log.", "del ", "super()")):
        return False
    adds = statement.type == "expr_stmt" and statement.children[1].type == "operator" and statement.children[1] != "="
    return adds or statement.type in STEPS or code in LEAPS


def _clauses(node: Any) -> list[Any]:
    if node.type != "argument" or node.children[1] != "=" or node.children[0].value not in CLAUSES:
        return []
    atom = node.children[2]
    if atom.type != "atom" or len(atom.children) != 3:
        return []
    inside = atom.children[1]
    elements = inside.children if inside.type == "testlist_comp" else [inside]
    return [each for each in elements if each.type in {"string", "strings", "fstring"}]


def _rewordings(node: Any) -> list[tuple[int, str, str]]:
    if node.type not in {"string", "fstring_string"} or not EXPRESSION.search(node.value):
        return []
    text = node.value
    return [(found.start(), old, new) for old, new in REWORDED for found in re.finditer(re.escape(old), text)]
