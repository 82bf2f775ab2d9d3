"""Tests that the layer ships byte code which Lambda uses as it is: no cold start compiles a module."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from tests.template.translated import ROOT

LAYER = ROOT / "layers/shared"
# Hash-based, and not compared with a source: https://peps.python.org/pep-0552/
UNCHECKED_HASH = 0b01
# In place of the build's Python: it installs nothing, and is Python for all else.
PYTHON = f"""#!/bin/sh
if test "$2" = pip; then exit 0; fi
exec "{sys.executable}" "$@"
"""

# What the layer carries. What these want in turn is in the lock, and slows no start: it is loaded with them.
PACKAGES = {
    "argon2-cffi",
    "cryptography",
    "httptools",
    "jinja2",
    "msgspec",
    "multipart",
    "orjson",
    "pyotp",
    "websockets",
}
WANTED = {"argon2-cffi-bindings", "cffi", "markupsafe", "pycparser"}
# The second layer's, of the functions that reach Stripe.
STRIPES = {"certifi", "charset-normalizer", "idna", "requests", "stripe", "typing-extensions", "urllib3"}

# The third layer's, of the function in which agents' programs run.
SANDBOXES = {"pydantic-monty", "pydantic-monty-client", "pydantic-monty-runtime", "typing-extensions"}


def test_the_layer_carries_the_packages_that_it_names_and_no_other() -> None:
    locked = set(re.findall(r"(?m)^([a-z0-9-]+)==", (LAYER / "requirements.txt").read_text()))
    assert locked == PACKAGES | WANTED
    payments = (LAYER / "payments/requirements.txt").read_text()
    assert set(re.findall(r"(?m)^([a-z0-9-]+)==", payments)) == STRIPES
    sandbox = (LAYER / "sandbox/requirements.txt").read_text()
    assert set(re.findall(r"(?m)^([a-z0-9-]+)==", sandbox)) == SANDBOXES


def build(folder: Path, python: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Builds the layer where this is the only Python."""
    copied, found = folder / "layer", folder / "bin"
    shutil.copytree(LAYER, copied, ignore=shutil.ignore_patterns("__pycache__"))
    found.mkdir()
    for name in ("python3", "python3.13"):
        (found / name).write_text(python)
        (found / name).chmod(0o755)
    path = {"PATH": f"{found}:{os.environ['PATH']}", "PYENV_ROOT": str(folder)}
    return subprocess.run(
        ["make", "--silent", "build-SharedLayer"],
        cwd=copied,
        env={**path, "ARTIFACTS_DIR": str(folder / "built"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("variables", "is_built"), [({}, False), ({"BYTE_CODE": "optional"}, True)])
def test_a_layer_without_byte_code_is_built_only_where_that_is_asked_for(
    tmp_path: Path, *, variables: dict[str, str], is_built: bool
) -> None:
    none = """#!/bin/sh
if test "$2" = pip; then exit 0; fi
exit 1
"""
    built = build(tmp_path, none, **variables)
    assert (built.returncode == 0) is is_built
    assert "No Python 3.13 is here" in built.stderr


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="only Lambda's version of Python compiles for it")
def test_every_module_of_the_layer_has_byte_code_that_is_not_checked(tmp_path: Path) -> None:
    built = build(tmp_path, PYTHON)
    assert built.returncode == 0, built.stderr
    sources = sorted((tmp_path / "built/python/gateway").rglob("*.py"))
    assert len(sources) > 200
    for source in sources:
        data = source.with_name("__pycache__").joinpath(f"{source.stem}.cpython-313.pyc").read_bytes()
        assert (data[:4], data[4]) == (MAGIC_NUMBER, UNCHECKED_HASH), source
        assert len(data) > 16
