"""Tests of streams over real sockets that are dropped: they go on without a lost or a doubled event."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from nexevo_ai import APIConnectionError, APIStreamError, AsyncNexevo, Nexevo
from test_client import KEY

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
RESET = struct.pack("ii", 1, 0)
ENDED = b"0\r\n\r\n"


class Dropping:
    """A server that answers each connection by the next script of bytes, and then resets it unless the bytes end it."""

    def __init__(self, *scripts: list[bytes]) -> None:
        self.scripts = list(scripts)
        self.requests: list[tuple[str, str]] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            said, _, body = received.partition(b"\r\n\r\n")
            head = said.decode()
            # To close with a part of the request unread resets the connection, and the client loses what was sent.
            size = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0] or 0)
            while len(body) < size:
                body += connection.recv(65536)
            self.requests.append((" ".join(head.split(" ")[:2]), head.lower()))
            pieces = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            for piece in [HEAD, *pieces]:
                connection.sendall(piece)
            if not pieces or pieces[-1] != ENDED:
                # A client that has read what was sent is told of nothing but the reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                threading.Event().wait(0.05)
            connection.close()

    def close(self) -> None:
        # To close it alone would not wake the thread that accepts.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def chunked(text: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text.encode()), text.encode())


def event(number: int, kind: str = "response.output_text.delta", **more: Any) -> bytes:
    data = {"type": kind, "sequence_number": number, **more}
    return chunked(f"event: {kind}\ndata: {json.dumps(data)}\n\n")


CREATED = event(0, "response.created", response={"id": "resp_nxn-1", "status": "queued"})
COMPLETED = event(4, "response.completed", response={"id": "resp_nxn-1", "status": "completed"})
HALF = chunked('event: response.output_text.delta\ndata: {"type": "response.output_te')
# Cut within an event, then before one, then a gateway that repeats what was had; at last the end.
CUTS = (
    [CREATED, event(1), HALF],
    [],
    [event(1), event(2)],
    [event(3), COMPLETED, ENDED],
)


@pytest.fixture
def dropping(request: pytest.FixtureRequest) -> Iterator[Dropping]:
    server = Dropping(*request.param)
    yield server
    server.close()


def read(url: str, *, is_async: bool, **asked: Any) -> list[int]:
    if not is_async:
        with Nexevo(api_key=KEY, base_url=url) as client, client.responses.create(stream=True, **asked) as stream:
            return [each.sequence_number or 0 for each in stream]

    async def numbers() -> list[int]:
        client = AsyncNexevo(api_key=KEY, base_url=url)
        async with client, await client.responses.create(stream=True, **asked) as stream:
            return [each.sequence_number or 0 async for each in stream]

    return asyncio.run(numbers())


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("dropping", [CUTS], indirect=True)
def test_a_response_in_the_background_goes_on_behind_its_last_event(dropping: Dropping, is_async: bool) -> None:
    own = {"extra_headers": {"x-own": "1"}, "extra_query": {"q": "own"}}
    asked = {"model": "gpt-4o", "input": "Hi", "background": True, **own}
    assert read(dropping.url, is_async=is_async, **asked) == [0, 1, 2, 3, 4]
    again = "GET /v1/responses/resp_nxn-1?q=own&stream=true&starting_after="
    assert [line for line, _ in dropping.requests] == [
        "POST /v1/responses?q=own",
        f"{again}1",
        f"{again}1",
        f"{again}2",
    ]
    assert all("x-own: 1" in head for _, head in dropping.requests)
    assert ["idempotency-key" in head for _, head in dropping.requests] == [True, False, False, False]


@pytest.mark.parametrize("dropping", [([event(2)], [event(3), COMPLETED, ENDED])], indirect=True)
def test_a_look_at_a_response_goes_on_too(dropping: Dropping) -> None:
    with Nexevo(api_key=KEY, base_url=dropping.url) as client:
        found = [each.sequence_number for each in client.responses.get("resp_nxn-1", stream=True, starting_after=1)]
    assert found == [2, 3, 4]
    assert [line.rpartition("=")[2] for line, _ in dropping.requests] == ["1", "2"]


@pytest.mark.parametrize("dropping", [([CREATED, event(1)],)], indirect=True)
def test_a_response_that_runs_in_its_request_alone_is_not_asked_for_again(dropping: Dropping) -> None:
    with pytest.raises(APIConnectionError):
        read(dropping.url, is_async=False, model="gpt-4o", input="Hi")
    assert len(dropping.requests) == 1


@pytest.mark.parametrize("dropping", [([CREATED, event(1)],)], indirect=True)
def test_a_response_of_which_nothing_more_comes_is_given_up(
    dropping: Dropping, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(APIConnectionError):
        read(dropping.url, is_async=False, model="gpt-4o", input="Hi", background=True)
    assert len(dropping.requests) == 6
    assert pauses == [0, 0.1, 0.2, 0.4, 0.8]


@pytest.mark.parametrize("dropping", [([CREATED, event(1, "error", message="Lost.", code="x"), ENDED],)], indirect=True)
def test_a_response_that_fails_is_not_gone_on_with(dropping: Dropping) -> None:
    assert read(dropping.url, is_async=False, model="gpt-4o", input="Hi", background=True) == [0, 1]
    assert len(dropping.requests) == 1


def step(number: int) -> bytes:
    return chunked(f'id: task_1:{number}\ndata: {{"type": "step", "step": {{"step": {number}}}}}\n\n')


DONE = chunked('id: task_1:3\ndata: {"type": "done", "job": {"id": "task_1", "status": "succeeded"}}\n\n')


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("dropping", [([step(1)], [step(2), HALF], [DONE, ENDED])], indirect=True)
def test_a_run_goes_on_behind_its_last_event(dropping: Dropping, is_async: bool) -> None:
    async def types() -> list[str]:
        async with AsyncNexevo(api_key=KEY, base_url=dropping.url) as client:
            return [each.type async for each in client.agents.run_stream(task="x", extra_query={"q": "own"})]

    if is_async:
        found = asyncio.run(types())
    else:
        with Nexevo(api_key=KEY, base_url=dropping.url) as client:
            found = [each.type for each in client.agents.run_stream(task="x", extra_query={"q": "own"})]
    assert all(line.endswith("/v1/agents/run/stream?q=own") for line, _ in dropping.requests)
    assert found == ["step", "step", "done"]
    assert ["last-event-id: task_1:" in head for _, head in dropping.requests] == [False, True, True]


@pytest.mark.parametrize("dropping", [([chunked('data: {"error": {"message": "No."}}\n\n')],)], indirect=True)
def test_an_error_that_a_stream_tells_of_ends_it(dropping: Dropping) -> None:
    with pytest.raises(APIStreamError):
        read(dropping.url, is_async=False, model="gpt-4o", input="Hi", background=True)
    assert len(dropping.requests) == 1
