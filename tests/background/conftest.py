"""One process of simulated providers for the folder, and rooms that do not wait longer than they must."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest

from gateway import responses
from gateway.background import events, running
from gateway.ports import Credential
from tests.background.harness import Place, Rows, place

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def rows() -> Iterator[Rows]:
    command = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told: dict[str, dict[str, str]] = orjson.loads(process.stdout.readline())
        yield {name: Credential(row.pop("api_key"), row.pop("base_url"), row) for name, row in told.items()}
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks again and again looks often."""
    monkeypatch.setattr(events, "GATHER_S", 0.01)
    monkeypatch.setattr(events, "LOOK_S", 0.01)
    monkeypatch.setattr(running, "LOOK_S", 0.01)


@pytest.fixture
async def home(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """The responses door, as `functions/responses` has it, over stores in memory."""
    async with place(rows) as made:
        monkeypatch.setattr(responses, "stored", lambda: made.turns)
        monkeypatch.setattr(responses, "in_background", lambda: made.background)
        monkeypatch.setattr(responses, "chat_services", lambda: made.services)
        made.door = responses.responses_door()
        yield made
