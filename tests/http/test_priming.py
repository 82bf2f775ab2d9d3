"""Tests that a snapshot holds all modules that functions of its code import when they are called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.arch.tree import definitions, statements
from tests.environments import ROOT
from tests.http.test_cold_start import printed
from tests.template.families import routed

PROGRAM = """
import asyncio, sys, types
runtime = types.ModuleType("snapshot_restore_py")
runtime.register_before_snapshot = runtime.register_after_restore = lambda hook: None
sys.modules["snapshot_restore_py"] = runtime
import app
from gateway.runtime.hooks import run_before_snapshot
asyncio.run(run_before_snapshot())
print(*sys.modules)
"""


@pytest.mark.drawn
@pytest.mark.parametrize("family", sorted({route.family for route in routed()}))
def test_no_function_of_a_snapshot_imports_what_is_not_loaded(family: str) -> None:
    loaded = set(printed(family, PROGRAM, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start"))
    ours = [source for name in loaded if (source := _source(name)) is not None]
    assert len(ours) > 50
    needed = set().union(*map(_deferred, ours), _deferred(ROOT / "functions" / family / "app.py"))
    assert sorted(needed - loaded) == []


def _source(name: str) -> Path | None:
    if name.partition(".")[0] != "gateway":
        return None
    path = ROOT / "layers/shared" / name.replace(".", "/")
    # A folder of data may stand beside the module that reads it.
    return module if (module := path.with_suffix(".py")).exists() else path / "__init__.py"


@cache
def _deferred(source: Path) -> frozenset[str]:
    """The modules that functions of a file import, by its source, where the code that primes reads byte code."""
    # An import is a statement, and so are functions that hold one: the most of a file is expressions.
    functions = [each for each in definitions(source.relative_to(ROOT)) if not isinstance(each, ast.Module)]
    return frozenset(
        name
        for function in functions
        if not isinstance(function, ast.ClassDef)
        for node in statements(function)
        for name in _named(node)
        if find_spec(name.partition(".")[0]) is not None
    )


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names if _is_module(node.module, alias.name))


def _is_module(package: str, name: str) -> bool:
    """Returns whether a name that is imported from a package of ours is a module there."""
    if package.partition(".")[0] != "gateway":
        return False
    path = ROOT / "layers/shared" / package.replace(".", "/") / name
    return path.is_dir() or path.with_suffix(".py").is_file()
