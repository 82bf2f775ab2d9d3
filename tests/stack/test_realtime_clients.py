"""Tests a draw of what `make realtime-clients` plays: every official client with every provider's model."""

import shutil
import zlib

import pytest

from tests.drawn import SEED
from tests.stack.conftest import Stack
from tests.stack.realtime_clients.clients import sessions
from tests.stack.realtime_clients.scripts import MODELS, SCRIPTS, played

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


@pytest.mark.parametrize(
    "client", ["python", pytest.param("ws", marks=needs_npm), pytest.param("websocket", marks=needs_npm)]
)
def test_a_client_holds_its_sessions_as_it_does_with_openai(stack: Stack, client: str) -> None:
    scripts = {}
    for model in MODELS:
        ranked = {zlib.crc32(f"{SEED} {client} {model} {name}".encode()): name for name in played(model, SCRIPTS)}
        scripts[model] = played(model, [ranked[min(ranked)]])
    assert list(sessions(stack, client, scripts)) == []
