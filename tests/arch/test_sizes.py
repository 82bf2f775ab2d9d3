"""Checks the size limits. They may only go down, and there is no list of exemptions."""

import ast
import re
from pathlib import Path

from tests.arch.tree import definitions, files, python_files, text

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
APP_LINES_MAX = 80
BANNED_NAMES = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
# Written with brackets, so that this file does not contain the text that it looks for.
SUPPRESSION = re.compile(r"#\s*(no[q]a|type:\s*ignore|pragma:)(?P<rest>.*)")


def functions(path: Path) -> list[tuple[str, int]]:
    """Lists each function of a file with its length in lines, without decorators."""
    return [
        (f"{path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in definitions(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_no_file_is_longer_than_500_lines() -> None:
    lengths = {str(path): len(text(path).splitlines()) for path in python_files()}
    assert {path: n for path, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_70_lines() -> None:
    lengths = dict(found for path in python_files() for found in functions(path))
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}


def test_a_functions_app_is_routes_only() -> None:
    apps = [path for path in python_files() if path.parts[0] == "functions" and path.name == "app.py"]
    assert apps
    assert {str(path): n for path in apps if (n := len(text(path).splitlines())) > APP_LINES_MAX} == {}


def test_no_file_is_named_for_a_heap_of_things() -> None:
    named = {str(path) for path in files() for part in path.parts if set(re.split(r"[_.-]", part)) & BANNED_NAMES}
    assert named == set()


def test_what_a_tool_is_told_to_overlook_has_a_code_and_a_reason() -> None:
    unexplained = [
        f"{path}:{number}"
        for path in python_files()
        for number, line in enumerate(text(path).splitlines(), 1)
        if (found := SUPPRESSION.search(line)) and not re.match(r"(: [A-Z]+\d+|\[[\w, -]+\])\s+#? ?\w", found["rest"])
    ]
    assert unexplained == []


def test_no_limit_is_overlooked() -> None:
    limits = re.compile(r"no[q]a: .*(C901|PLR09|E501)")
    assert [str(path) for path in python_files() if limits.search(text(path))] == []
