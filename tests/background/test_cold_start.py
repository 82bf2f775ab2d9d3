"""A response that is answered at once pays nothing for those that run in the background."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_responses_function_loads_nothing_of_background_responses_until_one_is_asked_for() -> None:
    rooms = ("background", "jobs", "job_ports", "webhooks", "untrusted", "stores.executions_states")
    program = f"import app, sys; print(*(r for r in {rooms} if f'gateway.{{r}}' in sys.modules))"
    found = os.pathsep.join(str(ROOT / folder) for folder in ("layers/shared", "functions/responses"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": found, "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
