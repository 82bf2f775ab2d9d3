"""The repository as a reader sees it: its own files, without what was installed or built."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OURS = {"__pycache__", "node_modules"}
HIDDEN_BUT_OURS = {".ci", ".gitignore"}


def _is_ours(part: str) -> bool:
    return part not in NOT_OURS and (not part.startswith(".") or part in HIDDEN_BUT_OURS)


@cache
def files() -> tuple[Path, ...]:
    """Every file that a commit may hold, relative to the root."""
    found = (path.relative_to(ROOT) for path in _walk(ROOT))
    return tuple(sorted(found))


def _walk(folder: Path) -> list[Path]:
    inside = [path for path in folder.iterdir() if _is_ours(path.name)]
    deeper = [found for path in inside if path.is_dir() for found in _walk(path)]
    return [path for path in inside if path.is_file()] + deeper


def python_files() -> tuple[Path, ...]:
    return tuple(path for path in files() if path.suffix == ".py")


@cache
def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))
