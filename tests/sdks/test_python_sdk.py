"""Tests that the Python SDK is what the document gives: files, methods, and its own suite on this Python."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdks" / "python"
METHODS = {
    row["python"] for row in orjson.loads((ROOT / "sdks/operations.json").read_bytes()).values() if row["python"]
}
# What the SDK has beside single operations.
BESIDE = {
    *("agents.run_and_wait", "chat.completions.stream", "jobs.wait", "models3d.generate_and_wait", "tasks.wait"),
    *("videos.generate_and_wait", "webhooks.verify"),
}


@pytest.fixture(scope="module")
def sdk() -> Any:
    """Imports the SDK from its sources."""
    sys.path.insert(0, str(SDK / "src"))
    try:
        return importlib.import_module("nexevo_ai")
    finally:
        sys.path.remove(str(SDK / "src"))


def test_both_sdks_bring_the_license() -> None:
    license_text = (ROOT / "LICENSE").read_text()
    assert [(ROOT / "sdks" / name / "LICENSE").read_text() for name in ("python", "typescript")] == [license_text] * 2


def test_written_files_are_what_the_document_gives() -> None:
    made = importlib.import_module("sdks.python.generate")
    written = made.formatted(made.files())
    assert [str(path) for path, text in written.items() if not path.exists() or path.read_text() != text] == []
    folders = {path.parent for path in written} - {SDK / "src/nexevo_ai"}
    assert {path for folder in folders for path in folder.glob("*.py")} <= written.keys()


@pytest.mark.parametrize("name", ["Nexevo", "AsyncNexevo"])
def test_a_client_has_a_method_for_each_operation_and_no_other(sdk: Any, name: str) -> None:
    client = getattr(sdk, name)(api_key="sk-xc-x")
    transport = next(each for each in type(client).__mro__ if each.__name__.endswith("Transport"))
    found = set(methods_of(client, "", set(dir(transport)) | {"with_raw_response"}))
    assert found == METHODS | BESIDE


def methods_of(resource: Any, path: str, other: set[str]) -> list[str]:
    found: list[str] = []
    for name in set(dir(type(resource))) - (other if not path else {"with_raw_response"}):
        if name.startswith("_"):
            continue
        value = getattr(resource, name)
        if inspect.isroutine(value):
            found.append(f"{path}{name}")
        elif hasattr(value, "_client"):
            found += methods_of(value, f"{path}{name}.", other)
    return found


def test_the_sdks_own_suite_passes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests"],
        cwd=SDK,
        env={"PYTHONPATH": "src:tests", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
