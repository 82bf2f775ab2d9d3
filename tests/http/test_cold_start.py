"""Tests that a cold start loads nothing that the family's usual requests do not need."""

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
        ("chat", ("fastapi", "gateway.operations.count_tokens", "gateway.operations.compaction", *LATER)),
        ("messages", ("fastapi", *LATER)),
        ("responses", ("fastapi", "gateway.responses.background", "gateway.operations.compaction", *LATER)),
        *((family, ("fastapi", "gateway.stores.signatures", *LATER)) for family in ENDPOINTS),
        ("notifier", ("fastapi", "gateway.pipeline", "gateway.providers.media", "gateway.canonical.events")),
        ("jobs", ("fastapi", "gateway.providers.media.veo", "gateway.protocols", "gateway.canonical.events")),
        ("sweeper", ("fastapi", "gateway.pipeline", "gateway.canonical.events")),
        ("videos", ("gateway.providers.media.veo", "gateway.protocols.gemini", "gateway.canonical.events")),
        ("callbacks", ("gateway.jobs.media.steps", "gateway.providers.media.veo", *CONTROL_PLANE)),
        ("files", ("gateway.catalog", "gateway.providers.media", *CONTROL_PLANE[2:])),
        ("webhooks", ("gateway.jobs", "gateway.untrusted", *CONTROL_PLANE)),
        ("models", ("gateway.jobs", "gateway.stores.s3.media", *CONTROL_PLANE)),
    ],
)
def test_a_function_does_not_load_at_its_start(family: str, packages: tuple[str, ...]) -> None:
    program = f"import app, sys; print(*(name for name in {packages} if name in sys.modules))"
    found = os.pathsep.join(str(ROOT / folder) for folder in ("layers/shared", f"functions/{family}"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": found, "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
