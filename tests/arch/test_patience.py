"""Checks that HTTP calls of tests say how long they wait: httpx gives up after 5 s, which a busy machine takes."""

import ast

import pytest

from tests.arch.tree import python_files, syntax, text

WAITING = {"Client", "AsyncClient", "get", "head", "options", "post", "put", "patch", "delete", "request", "stream"}
# A client over a transport of its own has no socket to wait for.
PATIENT = {"timeout", "transport"}


def impatient_calls(module: ast.Module) -> list[int]:
    """Lists the lines that call httpx with its default timeout."""
    return [call.lineno for call in ast.walk(module) if isinstance(call, ast.Call) and _is_impatient(call)]


def _is_impatient(call: ast.Call) -> bool:
    function = call.func
    if not (
        isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "httpx"
    ):
        return False
    return function.attr in WAITING and not PATIENT & {keyword.arg for keyword in call.keywords}


def test_no_test_waits_by_the_default_of_httpx() -> None:
    tests = [path for path in python_files() if path.parts[0] == "tests" and "httpx." in text(path)]
    assert tests
    assert {str(path): lines for path in tests if (lines := impatient_calls(syntax(path)))} == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("httpx.get(url)", [1]),
        ("httpx.AsyncClient(base_url=url)", [1]),
        ("httpx.post(url, timeout=60)", []),
        ("httpx.AsyncClient(transport=app)", []),
        ("client.get(url)", []),
    ],
)
def test_a_call_that_names_no_timeout_is_seen(source: str, lines: list[int]) -> None:
    assert impatient_calls(ast.parse(source)) == lines
