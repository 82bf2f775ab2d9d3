"""Tests that a restored copy of a streaming function opens its connections again before its first request."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.canonical.wire import Wire
from gateway.http.app import only
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import openai_chat
from gateway.runtime import hooks
from gateway.wiring import process
from tests.transport.scripted_server import Peer, serving


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hooks, "_before_snapshot", [])
    monkeypatch.setattr(hooks, "_after_restore", [])
    process.process.cache_clear()
    yield
    process.process.cache_clear()


def started() -> StreamingApp:
    def none() -> None:
        raise NotImplementedError

    wire: Wire = openai_chat.CLIENT
    return StreamingApp(none, wire, only({}))  # type: ignore[arg-type]  # no request is served


@pytest.mark.parametrize(("initialization", "connections"), [("snap-start", 1), ("on-demand", 0)])
def test_the_way_to_the_store_is_open_before_the_first_request(
    initialization: str, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def table(peer: Peer) -> None:
        await peer.gone()

    async def restored() -> int:
        async with serving(table) as store:
            monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", initialization)
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://{store.origin.authority}")
            started()
            await hooks.run_after_restore()
            await asyncio.sleep(0.05)
            await process.process().client.close()
            return store.connections

    assert asyncio.run(restored()) == connections


def test_a_store_that_is_not_there_fails_no_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    started()
    asyncio.run(hooks.run_after_restore())
