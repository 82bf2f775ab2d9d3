"""Checks that only `tests/stack`, which `make test-stack` runs, starts a stack, so that `make test` needs none."""

import re
from pathlib import Path

import pytest

from tests.arch.tree import ROOT, python_files, text

STACK = Path("tests/stack")
# `make agents` and `make frameworks` are run by hand, and start their own stack.
BY_HAND = {Path("tests/agents"), Path("tests/frameworks")}
STARTS_A_STACK = re.compile(r"\"-m\", \"local\"|from tests\.stack")


def starts_a_stack(source: str) -> bool:
    return STARTS_A_STACK.search(source) is not None


def test_only_the_stack_half_starts_a_stack() -> None:
    tests = [path for path in python_files() if path.parts[0] == "tests" and path != Path(__file__).relative_to(ROOT)]
    starting = {path for path in tests if starts_a_stack(text(path))}
    assert any(STACK in path.parents for path in starting)
    assert {str(path) for path in starting if not {STACK, *BY_HAND} & set(path.parents)} == set()


@pytest.mark.parametrize("source", ['[sys.executable, "-m", "local"]', "from tests.stack.conftest import running"])
def test_a_start_of_a_stack_is_recognised(source: str) -> None:
    assert starts_a_stack(source)


def test_the_simulators_alone_are_no_stack() -> None:
    assert not starts_a_stack('[sys.executable, "-m", "local.providers"]')
