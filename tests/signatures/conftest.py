"""Real stores and simulated providers, each started once for the folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.stores.conftest import client, clock, endpoints

__all__ = ["client", "clock", "endpoints", "providers"]

ROOT = Path(__file__).resolve().parents[2]

Rows = dict[str, dict[str, str]]


@pytest.fixture(scope="session")
def providers() -> Iterator[Rows]:
    command = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield orjson.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(10) == 0
