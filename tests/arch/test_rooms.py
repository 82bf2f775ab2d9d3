"""Checks what import-linter cannot: decisions by a provider's name, what functions load, rooms without a layer."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateway.providers.chat.registry import PROVIDERS
from tests.arch.tree import ROOT, python_files, syntax

LAYER = Path("layers/shared")
GATEWAY = LAYER / "gateway"
# The registry's rows and the vendors that will become rows.
PROVIDER_NAMES = set(PROVIDERS) | {
    "anthropic", "azure", "bedrock", "cerebras", "cohere", "deepseek", "gemini", "groq", "mistral", "openai",
    "openrouter", "together", "vertex", "xai",
}  # fmt: skip
OUTSIDE_PROVIDERS = [
    path
    for path in python_files()
    if path.parts[0] in {"layers", "functions"} and not path.is_relative_to(GATEWAY / "providers")
]
# The only packages that a function may load at its start beside Python's own library; the last one is not in the layer.
LIGHT = {"httptools", "msgspec", "orjson", "typing_extensions"}


def names_provider(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Constant) and n.value in PROVIDER_NAMES for n in ast.walk(node))


def decides_by_provider(node: ast.AST) -> bool:
    """True if a comparison, a `case` or a prefix test names a provider."""
    match node:
        case ast.Compare() | ast.MatchValue():
            return names_provider(node)
        case ast.Call(func=ast.Attribute(attr="startswith" | "endswith")):
            return any(names_provider(argument) for argument in node.args)
        case _:
            return False


def imported_by(statement: str, *folders: Path) -> set[str]:
    """Lists the top-level packages outside Python's own library that a new interpreter loads for a statement."""
    program = (
        f"import sys; before = set(sys.modules); {statement}; "
        "loaded = {name for name, m in sys.modules.items() if name not in before and getattr(m, '__file__', '')}; "
        "print(*{name.partition('.')[0] for name in loaded} - sys.stdlib_module_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(str(ROOT / folder) for folder in folders), "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_nothing_outside_providers_decides_by_a_providers_name() -> None:
    assert OUTSIDE_PROVIDERS
    found = [
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path in OUTSIDE_PROVIDERS
        for node in ast.walk(syntax(path))
        if decides_by_provider(node)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'x == "openai"',
        'x in ("a", "gemini")',
        'x.startswith("bedrock")',
        'match x:\n    case "anthropic":\n        pass',
    ],
)
def test_a_decision_by_a_providers_name_is_recognised(code: str) -> None:
    assert any(decides_by_provider(node) for node in ast.walk(ast.parse(code)))


def test_the_first_seal_loads_cryptography() -> None:
    sealing = "from gateway.accounts.sealing import sealed"
    assert "cryptography" not in imported_by(sealing, LAYER)
    assert "cryptography" in imported_by(f"{sealing}; sealed(b'', 'secret', 'context')", LAYER)


def test_the_streaming_runtime_loads_light_packages_only() -> None:
    assert imported_by("import gateway.runtime", LAYER) - {"gateway"} <= LIGHT


def test_every_room_has_its_place_in_the_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (layers,) = (c["layers"] for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    placed = {name for layer in layers for name in re.findall(r"gateway\.(\w+)", layer)}
    rooms = {
        path.relative_to(GATEWAY).parts[0].removesuffix(".py") for path in python_files() if GATEWAY in path.parents
    }
    assert rooms - {"__init__"} - placed == set()
