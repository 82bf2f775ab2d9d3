"""Tests that a cold start loads nothing that the family's usual requests do not need, and how much code it loads.

Modules and their byte code are counted and not the time, which depends on the machine; `docs/performance.md` has what
they cost.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.arch.test_rooms import LIGHT
from tests.template.families import naming, streamed

ROOT = Path(__file__).resolve().parents[2]
# Those that have a provider answer, and hold no conversation.
ENDPOINTS = sorted(streamed().keys() - set(naming("ConversationPolicy")))
LATER = ("cryptography", "email", "gateway.providers.constraints", "gateway.jobs", "gateway.untrusted")
CONTROL_PLANE = ("cryptography", "gateway.operations", "gateway.canonical.events", "gateway.providers.constraints")


@pytest.mark.parametrize(
    ("family", "packages"),
    [
        ("chat", ("gateway.operations.count_tokens", "gateway.operations.compaction", *LATER)),
        ("messages", LATER),
        ("responses", ("gateway.responses.background", "gateway.operations.compaction", *LATER)),
        *((family, ("gateway.stores.signatures", *LATER)) for family in ENDPOINTS),
        ("notifier", ("gateway.pipeline", "gateway.providers.media", "gateway.canonical.events")),
        ("jobs", ("gateway.providers.media.veo", "gateway.protocols", "gateway.canonical.events")),
        ("sweeper", ("gateway.pipeline", "gateway.canonical.events")),
        ("videos", ("gateway.providers.media.veo", "gateway.protocols.gemini", "gateway.canonical.events")),
        ("callbacks", ("gateway.jobs.media.steps", "gateway.providers.media.veo", *CONTROL_PLANE)),
        ("files", ("gateway.catalog", "gateway.providers.media", *CONTROL_PLANE[2:])),
        ("webhooks", ("gateway.jobs", "gateway.people", "gateway.untrusted", *CONTROL_PLANE)),
        ("keys", ("gateway.people", *CONTROL_PLANE)),
        ("billing", ("gateway.people", *CONTROL_PLANE)),
        ("account", ("argon2", "pyotp", *CONTROL_PLANE)),
        ("models", ("gateway.jobs", "gateway.stores.s3.media", *CONTROL_PLANE)),
    ],
)
def test_a_function_does_not_load_at_its_start(family: str, packages: tuple[str, ...]) -> None:
    assert [name for name in packages if name in started(family).modules] == []


# Most modules, and most kilobytes of their byte code, until the first event can be taken: Python's own start taken off
# and its runtime's server included, with the packages of the layer alone: msgspec takes `typing_extensions` where it is
# installed, as it is for development. What is counted may be below by three modules and 2 % at most, so that no number
# is larger than what it is for. What needs more is loaded by the request that needs it, or raises a number here.
BUDGETS: dict[str, tuple[int, int]] = {
    "account": (321, 1185),
    "audio": (345, 1242),
    "agents": (319, 1220),
    "background": (389, 1343),
    "billing": (297, 1134),
    "callbacks": (330, 1214),
    "chat": (381, 1332),
    "console": (247, 1015),
    "conversations": (340, 1230),
    "embeddings": (346, 1238),
    "eraser": (206, 960),
    "files": (316, 1205),
    "gemini": (387, 1343),
    "generation": (360, 1278),
    "images": (351, 1255),
    "jobs": (300, 1180),
    "keys": (289, 1120),
    "learner": (197, 915),
    "messages": (384, 1331),
    "models": (344, 1190),
    "notifier": (278, 1135),
    "operator": (257, 1040),
    "organizations": (311, 1164),
    "realtime": (356, 1244),
    "reconciler": (246, 1018),
    "rerank": (344, 1227),
    "responses": (392, 1359),
    "runner": (413, 1426),
    "sandbox": (168, 880),
    "settlements": (216, 985),
    "sockets": (319, 1150),
    "sweeper": (218, 985),
    "tasks": (319, 1220),
    "usage": (206, 950),
    "videos": (361, 1278),
    "webhooks": (288, 1113),
}
# Of a family that is not named.
OTHERS = (333, 1213)
MODULES_ROOM, CODE_ROOM = 3, 0.98
FAMILIES = [path.parent.name for path in (ROOT / "functions").glob("*/app.py")]


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="each version of Python counts its own library otherwise")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_function_loads_no_more_code_than_its_budget(family: str) -> None:
    modules_max, code_kb_max = BUDGETS.get(family, OTHERS)
    # Not the names: a failure would print all of them.
    modules, code_kb = len(started(family).modules), started(family).code_kb
    assert modules_max - MODULES_ROOM <= modules <= modules_max
    assert CODE_ROOM * code_kb_max <= code_kb <= code_kb_max


@pytest.mark.parametrize("family", FAMILIES)
def test_a_function_loads_light_packages_only(family: str) -> None:
    packages = {name.partition(".")[0] for name in started(family).modules} - sys.stdlib_module_names
    assert "gateway" in packages
    # What Cython makes in memory is no package.
    packages = {name for name in packages if "cython_" not in name}
    assert packages - {"app", "gateway"} <= LIGHT


class Started(NamedTuple):
    """The names of the modules that a start has loaded, and the size of their byte code."""

    modules: set[str]
    code_kb: float


PROGRAM = """
import sys
sys.modules["typing_extensions"] = None
before = set(sys.modules)
import app
{server}
names = sorted(set(sys.modules) - before)

def size(code):
    return len(code.co_code) + sum(size(each) for each in code.co_consts if hasattr(each, "co_code"))

def of(name):
    loader = getattr(sys.modules[name], "__loader__", None)
    code = loader.get_code(name) if hasattr(loader, "path") else None
    return size(code) if code else 0

print(sum(map(of, names)), *names)
"""


@cache
def started(family: str) -> Started:
    """Starts a process as the family's function starts."""
    server = "import gateway.runtime.server" if family in streamed() else ""
    code_bytes, *modules = printed(family, PROGRAM.format(server=server))
    return Started(set(modules), int(code_bytes) / 1e3)


def printed(family: str, program: str, **environment: str) -> list[str]:
    """Returns the words that a program prints which starts as the family's function does."""
    found = os.pathsep.join(str(ROOT / folder) for folder in ("layers/shared", f"functions/{family}"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": found, "AWS_REGION": "us-east-1", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()
