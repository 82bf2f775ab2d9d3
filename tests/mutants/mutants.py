"""Lists the mutants of a module: cosmic-ray's operators and our own, without what is only written and never runs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast

from tests.mutants.operators import OPERATORS

# Neighbours and opposites of each comparison and of each operation. The tool has each of the others too: they are
# killed by what kills these.
CORE = (
    *(f"ReplaceComparisonOperator_{pair}" for pair in (
        "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt", "Eq_NotEq", "NotEq_Eq",
        "Is_IsNot", "IsNot_Is",
    )),
    *(f"ReplaceBinaryOperator_{pair}" for pair in (
        "Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Mod_FloorDiv", "Div_Mul", "Pow_Mul", "LShift_RShift",
        "RShift_LShift", "BitAnd_BitOr", "BitOr_BitAnd",
    )),
    "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Not", "AddNot", "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer", "ZeroIterationForLoop",
)  # fmt: skip


Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place of a module.

    `text` is the whole changed module, `lines` are the statement's. `names` are the module's constants that the change
    concerns: those that it binds, and those made of them.
    """

    path: str
    operator: str
    line: int
    lines: range
    before: str
    after: str
    text: str
    number: int = 0
    names: frozenset[str] = frozenset()


def operators() -> dict[str, Any]:
    """All operators by their names."""
    return {name: cosmic_ray.plugins.get_operator(f"core/{name}") for name in CORE} | OPERATORS


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """All mutants of one module, from its first line to its last."""
    text = (root / path).read_text()
    tree, before = ast.parse(text), text.splitlines()
    compiled = compile(text, "-", "exec")
    never_run = list(_never_run(tree))
    found = []
    for name, (line, column), changed in _changes(text):
        if any(first <= (line, column) < last for first, last in never_run) or not _differs(compiled, changed):
            continue
        after = changed.splitlines()
        at = next(at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new)
        lines = _statement(tree, at + 1)
        names = _constants(tree, at + 1)
        found.append(Mutant(path, name, at + 1, lines, before[at].strip(), after[at].strip(), changed, names=names))
    ordered = sorted(found, key=lambda mutant: mutant.line)
    return [replace(mutant, number=number) for number, mutant in enumerate(ordered)]


def _changes(text: str) -> Iterator[tuple[str, Place, str]]:
    """Each operator's name, with the place and the whole changed text, for each of its places."""
    root = get_ast(text)
    applied = {name: operator() for name, operator in operators().items()}
    for node in list(ast_nodes(root)):
        for name, operator in applied.items():
            for index, (place, _) in enumerate(list(operator.mutation_positions(node))):
                # The operators change what they are given, so they are given a copy.
                parent, node.parent = node.parent, None
                copied = deepcopy(node)
                copied.parent = node.parent = parent
                try:
                    changed = operator.mutate(copied, index)
                except AttributeError:
                    # The tool cannot change an exception that is named with its module.
                    continue
                at = parent.children.index(node)
                parent.children[at] = changed
                yield name, place, root.get_code()
                parent.children[at] = node


def _differs(before: CodeType, changed: str) -> bool:
    try:
        return changed_codes(before, compile(changed, "-", "exec")) != []
    except SyntaxError:
        return False


def changed_codes(before: CodeType, after: CodeType) -> list[tuple[CodeType, CodeType] | None]:
    """The functions whose code differs, and `None` where a module's or a class's own code does."""
    found: list[tuple[CodeType, CodeType] | None] = []
    if _own(before) != _own(after):
        found.append(None)
    inner, inner_after = _inner(before), _inner(after)
    if len(inner) != len(inner_after):
        return [None]
    for one, other in zip(inner, inner_after, strict=True):
        if not one.co_flags & inspect.CO_OPTIMIZED:
            found += changed_codes(one, other)
        elif _whole(one) != _whole(other):
            found.append((one, other))
    return found


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _own(code: CodeType) -> tuple[object, ...]:
    constants = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return (code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable)


def _whole(code: CodeType) -> tuple[object, ...]:
    return (_own(code), *map(_whole, _inner(code)))


def _never_run(tree: ast.Module) -> Iterator[tuple[Place, Place]]:
    """Annotations, settings of decorators and of classes, what is only logged, and what only type checkers read."""
    for node in ast.walk(tree):
        yield from map(_span, getattr(node, "decorator_list", ()))
        match node:
            case ast.AnnAssign(annotation=note) | ast.arg(annotation=ast.expr() as note):
                yield _span(note)
            case ast.FunctionDef(returns=ast.expr() as note) | ast.AsyncFunctionDef(returns=ast.expr() as note):
                yield _span(note)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield _span(node)
            case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
                yield _span(node)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
                yield _span(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            yield _span(node)
        if isinstance(node, ast.ClassDef):
            is_protocol = any("Protocol" in ast.unparse(base) for base in node.bases)
            yield from [_span(node)] if is_protocol else map(_span, node.keywords)


def _span(node: Any) -> tuple[Place, Place]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _constants(tree: ast.Module, line: int) -> frozenset[str]:
    """The constants that a statement of the module binds, and those that later ones make of them."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            words = {each.id: each.ctx for each in ast.walk(node) if isinstance(each, ast.Name)}
            if node.lineno <= line <= (node.end_lineno or line) or found & words.keys():
                found |= {name for name, context in words.items() if isinstance(context, ast.Store)}
    return frozenset(found)


def _statement(tree: ast.Module, line: int) -> range:
    """The lines of the innermost statement; of a compound one, those of its head."""
    found = range(line, line + 1)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.ExceptHandler) and node.lineno <= line <= (node.end_lineno or line):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                last = node.lineno
            if last is not None and last >= line:
                found = range(node.lineno, max(last, node.lineno) + 1)
    return found
