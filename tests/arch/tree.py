"""Lists the repository's own files, without installed or built ones."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OURS = {"__pycache__", "node_modules"}
HIDDEN_BUT_OURS = {".ci", ".gitignore"}
Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Where a statement holds statements.
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def _is_ours(part: str) -> bool:
    return part not in NOT_OURS and (not part.startswith(".") or part in HIDDEN_BUT_OURS)


@cache
def files() -> tuple[Path, ...]:
    """Lists every file that a commit may hold, relative to the root."""
    found = (path.relative_to(ROOT) for path in _walk(ROOT))
    return _some(tuple(sorted(found)), "files")


def _some(found: tuple[Path, ...], what: str) -> tuple[Path, ...]:
    """Refuses to return none: a rule over no files would hold for ever."""
    if not found:
        raise LookupError(f"no {what} below {ROOT}")
    return found


def _walk(folder: Path) -> list[Path]:
    inside = [path for path in folder.iterdir() if _is_ours(path.name)]
    deeper = [found for path in inside if path.is_dir() for found in _walk(path)]
    return [path for path in inside if path.is_file()] + deeper


def python_files() -> tuple[Path, ...]:
    return _some(tuple(path for path in files() if path.suffix == ".py"), "Python files")


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


@cache
def definitions(path: Path) -> tuple[Definition, ...]:
    """Lists a file's module, classes and functions. Walks through statements only: expressions, the most, hold none."""
    return tuple(node for node in statements(syntax(path)) if isinstance(node, Definition))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yields a statement, or a module, with all statements in it."""
    left = [node]
    while left:
        node = left.pop()
        yield node
        left += [inner for block in BLOCKS for inner in getattr(node, block, ())]
