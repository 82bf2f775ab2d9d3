"""Tests that a cold start loads nothing that the family's usual requests do not need, and how many modules it loads.

Modules are counted and not the time, which depends on the machine; `docs/performance.md` has what they cost.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    found = printed(family, f"import app, sys; print(*(name for name in {packages} if name in sys.modules))")
    assert found == []


# Most modules until the first event can be taken, Python's own start taken off and its runtime's server included, with
# the packages of the layer alone: msgspec takes `typing_extensions` where it is installed, as it is for development. A
# budget leaves room for three: what needs more is loaded by the request that needs it, or raises a number here. A
# family that is not named has the last one.
MODULES_MAX = {
    "account": 312,
    "audio": 343,
    "background": 387,
    "billing": 282,
    "callbacks": 335,
    "chat": 379,
    "embeddings": 347,
    "files": 318,
    "gemini": 385,
    "generation": 361,
    "images": 349,
    "jobs": 303,
    "keys": 288,
    "messages": 382,
    "models": 338,
    "notifier": 277,
    "reconciler": 249,
    "rerank": 345,
    "responses": 390,
    "settlements": 216,
    "sweeper": 218,
    "videos": 362,
    "webhooks": 289,
}
OTHERS_MAX = 331


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="each version of Python counts its own library otherwise")
@pytest.mark.parametrize("family", [path.parent.name for path in (ROOT / "functions").glob("*/app.py")])
def test_a_function_loads_no_more_modules_than_its_budget(family: str) -> None:
    started = "import app, gateway.runtime.server" if family in streamed() else "import app"
    program = (
        "import sys; sys.modules['typing_extensions'] = None; before = set(sys.modules); "
        f"{started}; print(len(set(sys.modules) - before))"
    )
    (count,) = printed(family, program)
    assert MODULES_MAX.get(family, OTHERS_MAX) - 10 < int(count) <= MODULES_MAX.get(family, OTHERS_MAX)


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
