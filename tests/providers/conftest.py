"""One process of simulated providers for the folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from gateway.ports import Credential

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def credentials() -> Iterator[dict[str, Credential]]:
    command = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        rows: dict[str, dict[str, str]] = orjson.loads(process.stdout.readline())
        yield {name: Credential(row.pop("api_key"), row.pop("base_url"), row) for name, row in rows.items()}
        process.terminate()
        assert process.wait(10) == 0
