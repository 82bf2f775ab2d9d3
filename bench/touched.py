"""Counts the bytes that the gateway's own code has copied or searched, by rewriting its modules as they are imported.

Counted are `+`, `+=`, slices, f-strings and displays with `*` by the size of what they make; `in` by what is searched;
and calls of C code by the bytes that it reads and makes, where `find` and patterns are counted from where they begin.
An entry of a list is 8 bytes, of a dict 16. Python code inside is counted as instructions are (`bench/counted.py`).
"""

import ast
import builtins
import re
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import Any, cast

PACKAGE = "gateway"
_BYTES = (bytes, bytearray, str)
_SEARCHING = {"find", "rfind", "index", "rindex", "count"}
_FREE = {"startswith", "endswith"}
_IN_PLACE = {"extend", "append"}
_METHOD = type(bytes.find)
_PER_ENTRY: dict[type, int] = {list: 8, tuple: 8, set: 8, frozenset: 8, dict: 16}
# Calls that read the caller's frame.
_LOOKS_AROUND = {"super", "locals", "vars"}


def size(value: Any) -> int:
    """The bytes of a value that is copied."""
    if isinstance(value, _BYTES):
        return len(value)
    entry: int = _PER_ENTRY.get(type(value), 0)
    return entry * len(value) if entry else 0


class Counter:
    """The functions that rewritten modules call."""

    def __init__(self, add: Callable[[int], None]) -> None:
        self._add = add

    def made(self, value: Any) -> Any:
        """Counts a value that was made."""
        self._add(size(value))
        return value

    def added(self, before: object, value: Any) -> Any:
        """Counts `before += value`: a value that cannot change is made anew."""
        self._add(size(value) + (len(before) if isinstance(before, bytes | str) else 0))
        return value

    def searched(self, value: Any) -> Any:
        """Counts a value that `in` searches."""
        if isinstance(value, _BYTES):
            self._add(len(value))
        return value

    def called(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """Calls, and counts what C code has read and made."""
        result = function(*arguments, **named)
        if type(function) is BuiltinFunctionType or type(function) is _METHOD:
            self._add(_of_call(function, arguments, result))
        elif function in (bytes, bytearray, str):
            self._add(size(result))
        return result


def _of_call(function: Any, arguments: tuple[Any, ...], result: object) -> int:
    owner, name = getattr(function, "__self__", None), function.__name__
    if owner is None and arguments:
        owner, arguments = arguments[0], arguments[1:]
    if isinstance(owner, ModuleType):
        return 0 if owner is builtins else sum(map(_length, arguments)) + _length(result)
    if isinstance(owner, re.Pattern):
        return _of_pattern(name, arguments, result)
    if isinstance(owner, _BYTES):
        return _of_method(owner, name, arguments, result)
    return _length(result) if isinstance(owner, re.Match) else 0


def _of_method(owner: bytes | bytearray | str, name: str, arguments: tuple[Any, ...], result: object) -> int:
    if name in _FREE:
        return 0
    if name in _SEARCHING:
        start = arguments[1] if len(arguments) > 1 else 0
        end = arguments[2] if len(arguments) > 2 else len(owner)
        found = result if isinstance(result, int) and result >= start and not name.startswith("r") else end
        return max(0, cast("int", found) - start)
    if name in _IN_PLACE:
        return sum(map(_length, arguments))
    return size(result) if name == "join" else len(owner)


def _of_pattern(name: str, arguments: tuple[Any, ...], result: object) -> int:
    start = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], int) else 0
    if isinstance(result, re.Match):
        return result.end() - start
    if name in {"match", "fullmatch"}:
        return 1
    return max(0, sum(map(_length, arguments)) - start)


def _length(value: object) -> int:
    return len(value) if isinstance(value, _BYTES) else value.nbytes if isinstance(value, memoryview) else 0


class _Rewriting(ast.NodeTransformer):
    """Passes what is copied through the counter's functions, which are builtins of these names."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _through("touched_made", node) if isinstance(node.op, ast.Add) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AugAssign:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name | ast.Attribute):
            before = ast.parse(ast.unparse(node.target), mode="eval").body
            node.value = _through("touched_added", before, node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        is_copied = isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load)
        return _through("touched_made", node) if is_copied else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                value.value = self.visit(value.value)
        return _through("touched_made", node)

    def visit_List(self, node: ast.List) -> ast.expr:
        self.generic_visit(node)
        is_copied = isinstance(node.ctx, ast.Load) and any(isinstance(each, ast.Starred) for each in node.elts)
        return _through("touched_made", node) if is_copied else node

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        self.generic_visit(node)
        return _through("touched_made", node) if None in node.keys else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            node.comparators = [_through("touched_searched", node.comparators[0])]
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _LOOKS_AROUND:
            return node
        return ast.Call(ast.Name("touched_called", ast.Load()), [node.func, *node.args], node.keywords)

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.MatchValue:
        return node


def _through(name: str, *values: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(values), [])


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = _Rewriting().visit(ast.parse(self.get_data(path)))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install(add: Callable[[int], None]) -> None:
    """Rewrites every module of the gateway that is imported from now on; `add` is given each count."""
    counter = Counter(add)
    for name in ("made", "added", "searched", "called"):
        setattr(builtins, f"touched_{name}", getattr(counter, name))
    sys.meta_path.insert(0, _Finder())
