"""Tests of what happens to programs: broken connections, files of all kinds, loops that end, callbacks that wait."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
import threading
import traceback
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import httpx
import pytest
from nexevo_ai import APIConnectionError, AsyncNexevo, InternalServerError, Nexevo, NexevoError
from nexevo_ai._request import Call, Key
from nexevo_ai._streaming import EventDecoder
from test_client import CHAT, HELLO, KEY, Script, answer, client, page, refused, without_pauses  # noqa: F401  # a fixture
from test_like_openai import AsyncPieces, async_client, async_events
from test_streams_and_waits import CHAT as CHUNKS
from test_streams_and_waits import events, job


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks after its first byte."""

    def __iter__(self) -> Any:
        yield b"a"
        raise httpx.ReadError("cut")

    async def __aiter__(self) -> Any:
        yield b"a"
        raise httpx.ReadError("cut")


def cut(status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, stream=Cut())


def test_a_refusal_whose_body_is_cut_is_tried_again_and_then_an_error_of_the_connection() -> None:
    script = Script(cut(500), events(CHUNKS))
    assert len(list(client(script).chat.completions.create("m", HELLO, stream=True))) == 3
    with pytest.raises(APIConnectionError):
        client(Script(cut(500)), max_retries=0).chat.completions.create("m", HELLO, stream=True)


@pytest.mark.parametrize("read", ["iter_bytes", "iter_lines", "read", "parse"])
def test_an_answer_that_is_read_as_it_comes_and_cut_is_an_error_of_the_connection(read: str) -> None:
    asked: Any = {"model": "tts-1", "input": "Hi", "voice": "alloy"}
    streaming = client(Script(cut(200))).audio.speech.with_streaming_response
    with streaming.create(**asked) as response, pytest.raises(APIConnectionError):
        list(getattr(response, read)())

    async def read_by_async() -> Any:
        async with async_client(Script(cut(200))).audio.speech.with_streaming_response.create(**asked) as response:
            found = getattr(response, read)()
            return [each async for each in found] if read.startswith("iter") else await found

    with pytest.raises(APIConnectionError):
        asyncio.run(read_by_async())


PNG = b"\x89PNG"


class Pipe:
    """A file that cannot be wound back, as a socket's."""

    def __init__(self) -> None:
        self.read = io.BytesIO(PNG).read


@pytest.mark.parametrize("kind", ["path", "open", "bytes", "bytearray", "memoryview", "BytesIO", "pipe"])
def test_a_file_of_any_kind_is_sent_whole_in_each_try(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "char.png"
    path.write_bytes(PNG)
    with path.open("rb") as opened:
        files: dict[str, Any] = {
            "path": path, "open": opened, "bytes": PNG, "bytearray": bytearray(PNG), "memoryview": memoryview(PNG),
            "BytesIO": io.BytesIO(PNG), "pipe": Pipe(),
        }  # fmt: skip
        script = Script(refused(503), answer({"id": "up_1", "url": "http://x.test"}))
        client(script).generation.uploads.upload(files[kind])
        assert [b'name="file"' in sent.content and PNG in sent.content for sent in script.requests] == [True, True]
        named = [b"image/png" in sent.content and b'filename="char.png"' in sent.content for sent in script.requests]
        assert named == [kind in ("path", "open")] * 2


def test_a_path_stands_for_its_file_in_every_form(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}")
    made = client(script := Script(answer({"id": "file-1", "object": "file"})))
    made.files.create(file=path, purpose="batch")
    made.files.create(file=("b.jsonl", path), purpose="batch")
    made.files.create(file=memoryview(b"{}"), purpose="batch")
    names = [b'filename="a.jsonl"', b'filename="b.jsonl"', b'filename="file"']
    assert [name in sent.content and b"\r\n\r\n{}\r\n" in sent.content for name, sent in zip(names, script.requests)]


def test_what_no_request_can_carry_is_refused_before_it_is_sent() -> None:
    made: Any = client(script := Script(answer(CHAT)))
    with pytest.raises(TypeError, match="pathlib"):
        made.generation.uploads.upload("char.png")
    with pytest.raises(TypeError, match="file"):
        made.files.create(file=(each for each in [b"a"]), purpose="batch")
    with pytest.raises(TypeError, match="bytes"):
        made.chat.completions.create("m", [{"role": "user", "content": b"Hello!"}])
    assert script.requests == []


def test_a_forms_numbers_are_written_out() -> None:
    script = Script(answer({"text": "Hi"}))
    made: Any = client(script)
    made.audio.transcriptions.create(model="m", file=b"s", temperature=Decimal("1E-7"), extra_body={"x": False})
    assert b"\r\n\r\n0.0000001\r\n" in script.requests[0].content
    assert b"\r\n\r\nfalse\r\n" in script.requests[0].content


@pytest.mark.parametrize("more", [(), ("image/webp",)])
def test_an_upload_may_be_a_tuple_that_names_its_file(tmp_path: Path, more: Any) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG")
    contents: list[Any] = [path.read_bytes(), io.BytesIO(path.read_bytes()), path]
    for content in contents:
        client(script := Script(answer({"url": "u"}))).generation.uploads.upload(("char.png", content, *more))
        sent = script.requests[0].content
        assert b'filename="char.png"\r\nContent-Type: ' + (more[0] if more else "image/png").encode() in sent
        assert b"\r\n\r\n\x89PNG\r\n" in sent


def test_waits_take_the_options_of_their_looks() -> None:
    own: Any = {"timeout": 3, "extra_headers": {"x-a": "1", "Idempotency-Key": "mine"}, "extra_query": {"q": "own"}}
    task = answer({"id": "task_1", "status": "succeeded"})
    waits: list[tuple[httpx.Response, Callable[[Nexevo], Any]]] = [
        (job("succeeded"), lambda on: on.jobs.wait("gen_1", **own)),
        (job("succeeded"), lambda on: on.videos.generate_and_wait("m", "x", extra_body={"seed": 1}, **own)),
        (task, lambda on: on.tasks.wait("task_1", **own)),
        (task, lambda on: on.agents.run_and_wait("task_1", **own)),
    ]
    for found, wait in waits:
        wait(client(script := Script(job("pending", task_id="task_1"), found)))
        look = script.requests[-1]
        assert (look.method, look.content, look.extensions["timeout"]["read"]) == ("GET", b"", 3)
        assert (look.headers["x-a"], look.url.params["q"]) == ("1", "own")
        assert "idempotency-key" not in look.headers


@pytest.mark.parametrize("times", [{"poll_interval_sec": -1}, {"timeout_sec": float("nan")}, {"timeout_sec": None}])
def test_times_that_no_wait_can_have_are_refused_before_anything_is_paid(times: Any) -> None:
    waits: list[Callable[[Nexevo], Any]] = [
        lambda on: on.videos.generate_and_wait("m", "x", **times),
        lambda on: on.models3d.generate_and_wait("m", "x", **times),
        lambda on: on.agents.run_and_wait(task="a", **times),
        lambda on: on.jobs.wait("gen_1", **times),
        lambda on: on.tasks.wait("task_1", **times),
    ]
    for wait in waits:
        script = Script(job("pending", task_id="task_1"))
        with pytest.raises((ValueError, TypeError)):
            wait(client(script))
        assert script.requests == []


def test_an_async_callback_of_a_wait_is_awaited() -> None:
    seen: list[str] = []

    async def note(found: Any) -> None:
        await asyncio.sleep(0)
        seen.append(found.status)

    async def waited() -> Any:
        on = async_client(Script(job("running"), job("succeeded")))
        return await on.jobs.wait("gen_1", poll_interval_sec=0, on_progress=note)

    assert asyncio.run(waited()).status == "succeeded"
    assert seen == ["running", "succeeded"]


class Answering(BaseHTTPRequestHandler):
    """Answers and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = json.dumps({"object": "list", "data": [], "path": self.path}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def test_an_async_client_is_used_in_one_loop_after_another_and_so_are_those_that_are_derived() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = AsyncNexevo(api_key=KEY, base_url=f"http://127.0.0.1:{server.server_port}", max_retries=0)

    async def ask(on: AsyncNexevo) -> Any:
        found = [(await on.models.list())["path"] for _ in range(2)]
        await on.close()
        return found

    try:
        for on in (made, made.with_options(timeout=3), made):
            assert asyncio.run(ask(on)) == ["/v1/models"] * 2
    finally:
        server.shutdown()
        server.server_close()


def test_many_requests_run_at_once() -> None:
    pool = Nexevo(api_key=KEY)._http._transport._pool
    assert pool._max_connections == 1000


def test_a_page_can_be_copied_and_sent_to_another_process() -> None:
    found = client(Script(page(["a"], "a"), page(["b"], None))).keys.list()
    again = pickle.loads(pickle.dumps(found))
    assert type(again) is type(found)
    assert (again.to_dict(), [key["key_id"] for key in again]) == (found.to_dict(), ["a"])
    assert [key["key_id"] for key in found] == ["a", "b"]


def test_an_async_page_says_how_it_is_read() -> None:
    async def read() -> None:
        for _ in await async_client(Script(page(["a"], None))).keys.list():
            pass

    with pytest.raises(TypeError, match="async for"):
        asyncio.run(read())


@pytest.mark.parametrize("url", ["http://[::1", "http://", "http:///v1", "ftp://a.test"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(NexevoError, match="base URL"):
        Nexevo(api_key=KEY, base_url=url)


def test_a_password_in_the_address_is_not_shown() -> None:
    shown = repr(Nexevo(api_key=KEY, base_url="http://me:sesame@gateway.test:81/v1"))
    assert "sesame" not in shown
    assert "http://gateway.test:81/v1" in shown


def test_a_traceback_with_the_values_of_its_frames_shows_no_key_and_no_content() -> None:
    made = client(Script(refused(500), httpx.ReadError("cut")), max_retries=0)
    for ask in (
        lambda: made.chat.completions.create("m", HELLO, extra_headers={"X-Note": "a\nb"}),
        lambda: made.chat.completions.create("m", HELLO, extra_headers={"x-team": KEY}),
        lambda: made.chat.completions.create("m", HELLO),
    ):
        with pytest.raises(NexevoError) as caught:
            ask()
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
        ours = [frame for frame in frames if frame.filename.endswith(("_client.py", "transport.py", "_request.py"))]
        assert ours
        assert not [frame for frame in ours if KEY in str(frame.locals) or "Hello!" in str(frame.locals)]
    assert repr(Key(KEY)) == "'sk-xc-…'"
    assert "Hello!" not in repr(Call("POST", "/", body={"messages": HELLO}))


def test_a_large_event_is_read_once_however_many_pieces_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    class Ends:
        """Counts what is searched for the ends of lines."""

        @staticmethod
        def split(content: bytes) -> list[bytes]:
            searched.append(len(content))
            return content.split(b"\n")

    monkeypatch.setattr("nexevo_ai._streaming.LINE_ENDS", Ends)
    decoder, picture = EventDecoder(), b"x" * 4096
    lines = [line for piece in [b"data: ", *[picture] * 1000, b"\n\n"] for line in decoder.lines(piece)]
    assert lines == ["data: " + "x" * 4_096_000, ""]
    assert sum(searched) < 5_000_000


def test_the_whole_answer_of_a_stream_that_was_left_is_not_known() -> None:
    left = client(Script(events(CHUNKS))).chat.completions.stream("gpt-4o", HELLO)
    with left:
        assert next(left.text()) == "Hel"
    with pytest.raises(NexevoError, match="before its end"):
        left.final()
    with client(Script(events(CHUNKS))).chat.completions.stream("gpt-4o", HELLO) as read:
        next(read)
        next(read.text())
        assert read.final().choices[0].message.content == "Hello"
    assert read.final().choices[0].message.content == "Hello"


def test_leaving_an_async_stream_gives_its_connection_back() -> None:
    body = AsyncPieces(CHUNKS[:2], ends=False)

    async def leave() -> None:
        async with async_client(Script(async_events(body))).chat.completions.stream("gpt-4o", HELLO) as stream:
            async for _ in stream:
                break

    asyncio.run(leave())
    assert body.is_closed


def test_the_type_of_an_answer_is_read_in_any_case() -> None:
    odd = httpx.Response(200, headers={"content-type": "Application/JSON ; charset=utf-8"}, content=json.dumps(CHAT))
    assert client(Script(odd)).chat.completions.create("m", HELLO).id == CHAT["id"]
    told = httpx.Response(200, headers={"content-type": "Text/Event-Stream"}, content=b"".join(CHUNKS))
    assert len(list(client(Script(told)).chat.completions.create("m", HELLO, stream=True))) == 3


def test_a_refusal_without_a_body_is_an_error_by_its_status() -> None:
    with pytest.raises(InternalServerError, match="HTTP 502"):
        client(Script(httpx.Response(502)), max_retries=0).models.list()
