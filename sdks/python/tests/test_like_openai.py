"""Tests of what users of OpenAI's SDK know: answers as they come, lists and streams without await, errors, waits."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from nexevo_ai import NOT_GIVEN, APIError, AsyncNexevo, JobFailedError, Nexevo, RateLimitError, WaitTimeoutError
from test_client import CHAT, HELLO, KEY, Script, answer, client, page, refused
from test_streams_and_waits import CHAT as CHUNKS
from test_streams_and_waits import DONE, events, job, step


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def async_client(script: Script) -> AsyncNexevo:
    made = httpx.AsyncClient(transport=httpx.MockTransport(script))
    return AsyncNexevo(api_key=KEY, base_url="http://gateway.test", http_client=made)


class AsyncPieces(httpx.AsyncByteStream):
    """A body that comes in pieces, and then waits for ever unless it ends."""

    def __init__(self, pieces: list[bytes], *, ends: bool = True) -> None:
        self.pieces, self.ends, self.is_closed = pieces, ends, False

    async def __aiter__(self) -> Any:
        for piece in self.pieces:
            yield piece
        if not self.ends:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.is_closed = True


def async_events(body: AsyncPieces) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body)


def test_an_answer_is_read_as_it_comes(tmp_path: Path) -> None:
    made = client(Script(httpx.Response(200, content=b"sound")))
    with made.audio.speech.with_streaming_response.create(model="tts-1", input="Hi", voice="alloy") as spoken:
        assert spoken.status_code == 200
        spoken.stream_to_file(tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == b"sound"
    assert spoken.http_response.is_closed
    with client(Script(answer(CHAT))).with_streaming_response.chat.completions.create("gpt-4o", HELLO) as response:
        assert response.parse().id == "chatcmpl-nxn-1"
    streaming = client(Script(events(CHUNKS))).chat.completions.with_streaming_response
    with streaming.create("gpt-4o", HELLO, stream=True) as response:
        assert not response.http_response.is_stream_consumed
        assert next(response.iter_lines()) == ": NX"


def test_an_answer_is_read_as_it_comes_by_the_async_client_too(tmp_path: Path) -> None:
    async def read() -> Any:
        made = async_client(Script(httpx.Response(200, content=b"sound"), answer(CHAT)))
        speech = made.audio.speech.with_streaming_response.create(model="tts-1", input="Hi", voice="alloy")
        async with speech as spoken:
            await spoken.stream_to_file(tmp_path / "a.mp3")
        async with made.chat.completions.with_streaming_response.create("gpt-4o", HELLO) as response:
            return await response.parse()

    assert asyncio.run(read()).id == "chatcmpl-nxn-1"
    assert (tmp_path / "a.mp3").read_bytes() == b"sound"


def test_a_raw_response_knows_streams_lists_and_all_methods() -> None:
    raw: Any = client(Script(events(CHUNKS))).chat.completions.with_raw_response.create("gpt-4o", HELLO, stream=True)
    assert raw.headers["content-type"] == "text/event-stream"
    assert len(list(raw.parse())) == 3
    made = client(Script(page(["a"], "a"), page(["b"], None)))
    assert [key.key_id for key in made.with_raw_response.keys.list().parse()] == ["a", "b"]
    script = Script(job("pending"), job("succeeded"))
    assert client(script).videos.with_raw_response.generate_and_wait(model="m", prompt="x").status == "succeeded"


def test_lists_and_streams_need_no_await() -> None:
    bodies = [AsyncPieces(CHUNKS), AsyncPieces([step(1), DONE])]
    script = Script(page(["a"], "a"), page(["b"], None), *map(async_events, bodies), page(["c"], None))

    async def read() -> list[Any]:
        made = async_client(script)
        found: list[Any] = [key.key_id async for key in made.keys.list(limit=1)]
        async with made.chat.completions.stream("gpt-4o", HELLO) as stream:
            found.append("".join([piece async for piece in stream.text()]))
        found += [each.type async for each in made.agents.run_stream(task="x")]
        return [*found, len(await made.keys.list())]

    assert asyncio.run(read()) == ["a", "b", "Hello", "step", "done", 1]


def test_pages_that_follow_keep_the_options_of_the_first() -> None:
    script = Script(page(["a"], "a"), page(["b"], None))
    assert len(list(client(script).keys.list(timeout=3, extra_headers={"x-a": "1"}))) == 2
    assert [request.extensions["timeout"]["read"] for request in script.requests] == [3, 3]
    assert [request.headers["x-a"] for request in script.requests] == ["1", "1"]


def test_an_argument_that_is_not_given_is_not_sent() -> None:
    script = Script(page(["a"], None), answer(CHAT))
    made: Any = client(script)
    made.keys.list(limit=NOT_GIVEN, max_retries=NOT_GIVEN)
    made.chat.completions.create("gpt-4o", HELLO, temperature=NOT_GIVEN)
    assert dict(script.requests[0].url.params) == {}
    assert set(json.loads(script.requests[1].content)) == {"model", "messages"}


def test_a_header_is_sent_once_however_it_is_written_and_none_leaves_it_out() -> None:
    script = Script(answer(CHAT))
    made = client(script, default_headers={"authorization": "Bearer other", "x-a": "1", "x-b": "1"})
    made.with_options(default_headers={"x-b": "2"}).chat.completions.create(
        "gpt-4o", HELLO, extra_headers={"idempotency-key": "mine", "X-A": None}
    )
    (sent,) = script.requests
    assert sent.headers.get_list("authorization") == ["Bearer other"]
    assert sent.headers.get_list("idempotency-key") == ["mine"]
    assert ("x-a" in sent.headers, sent.headers["x-b"]) == (False, "2")


class Pipe:
    """A file that cannot be wound back, as a socket's."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


def test_a_file_is_sent_whole_in_each_try() -> None:
    sound = b"sound"
    for file in (io.BytesIO(sound), ("a.wav", io.BytesIO(sound)), Pipe(sound), ("a.wav", Pipe(sound), "audio/wav")):
        script = Script(refused(503), answer({"text": "Hi"}))
        made: Any = client(script)
        assert made.audio.transcriptions.create(model="whisper-1", file=file).text == "Hi"
        assert [sound in request.content for request in script.requests] == [True, True]


def test_a_proxy_is_used_and_a_derived_client_may_have_another() -> None:
    made = Nexevo(api_key=KEY, proxy="http://127.0.0.1:9")
    other = client(Script(answer(CHAT))).with_options(proxy="http://127.0.0.1:9")
    assert all(any(each is not None for each in one._http._mounts.values()) for one in (made, other))


def test_errors_can_be_copied_and_sent_to_another_process_without_the_key() -> None:
    with pytest.raises(RateLimitError) as caught:
        client(Script(refused(429, "slow")), max_retries=0).models.list()
    for error in (caught.value, JobFailedError("No.", {"id": "gen_1"}), WaitTimeoutError("Late.", None)):
        for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            assert type(again) is type(error)
            assert str(again) == str(error)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.status_code, again.code, again.request_id) == (429, "slow", "req-1")
    assert again.response.json() == caught.value.body
    assert KEY.encode() not in pickle.dumps(caught.value)


def test_an_answer_can_be_copied_and_knows_its_request() -> None:
    found = client(Script(answer(CHAT, x_request_id="req-9"))).chat.completions.create("gpt-4o", HELLO)
    assert found._request_id == "req-9"
    for again in (copy.deepcopy(found), pickle.loads(pickle.dumps(found)), found.model_copy()):
        assert again == found
        assert again["vendor_member"]["a"][0]["b"] == 1


def test_a_response_tells_its_text() -> None:
    content = [{"type": "output_text", "text": "Hel"}, {"type": "refusal"}, {"type": "output_text", "text": "lo"}]
    output = [{"type": "reasoning"}, {"type": "message", "content": content}]
    body = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "error": None, "output": output}
    assert client(Script(answer(body))).responses.create("m", input="Hi").output_text == "Hello"


def test_a_page_of_html_is_no_answer() -> None:
    made = client(Script(httpx.Response(200, html="<html></html>")))
    with pytest.raises(APIError, match="is it the gateway's address"):
        made.chat.completions.create("gpt-4o", HELLO)


def test_a_wait_outlives_a_gateway_that_fails_for_a_while() -> None:
    failing = (refused(503), httpx.ConnectError("no"), refused(429))
    patient = client(Script(job("pending"), *failing, job("running"), job("succeeded")), max_retries=0)
    assert patient.videos.generate_and_wait(model="m", prompt="x", poll_interval_sec=0).status == "succeeded"
    dead = client(Script(job("pending"), refused(503)), max_retries=0)
    with pytest.raises(WaitTimeoutError) as caught:
        dead.videos.generate_and_wait(model="m", prompt="x", timeout_sec=0)
    assert caught.value.job.id == "gen_1"
    assert isinstance(caught.value.__cause__, APIError)
    with pytest.raises(APIError):
        client(Script(refused(404)), max_retries=0).jobs.wait("gen_1")


def test_a_wait_uses_all_of_its_time(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    now_s = [0.0]

    def slept(seconds: float) -> None:
        pauses.append(seconds)
        now_s[0] += seconds

    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    monkeypatch.setattr("time.sleep", slept)
    with pytest.raises(WaitTimeoutError):
        client(Script(lambda _: job("running"))).jobs.wait("gen_1", poll_interval_sec=5, timeout_sec=7)
    assert pauses == [5, 2]


def test_leaving_a_stream_gives_its_connection_back_and_ends_it() -> None:
    stream = client(Script(events(CHUNKS))).chat.completions.create("gpt-4o", HELLO, stream=True)
    next(stream)
    stream.close()
    assert stream.response.is_closed
    assert list(stream) == []


def test_a_canceled_task_gives_its_connection_back() -> None:
    body = AsyncPieces(CHUNKS[:2], ends=False)

    async def read() -> None:
        made, begun = async_client(Script(async_events(body))), asyncio.Event()

        async def listen() -> None:
            async for _ in await made.chat.completions.create("gpt-4o", HELLO, stream=True):
                begun.set()

        task = asyncio.create_task(listen())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(read())
    assert body.is_closed


def test_threads_share_a_client() -> None:
    made, found = client(Script(lambda _: answer(CHAT))), []

    def ask() -> None:
        found.append(made.chat.completions.create("gpt-4o", HELLO).id)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == ["chatcmpl-nxn-1"] * 16


# A process that was started in the background ignores the signal.
INTERRUPTED = """
import signal
import httpx, nexevo_ai
signal.signal(signal.SIGINT, signal.default_int_handler)
body = {"id": "gen_1", "job_id": "gen_1", "kind": "video", "status": "running", "results": []}
made = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
client = nexevo_ai.Nexevo(api_key="sk-xc-x", base_url="http://gateway.test", http_client=made)
try:
    client.jobs.wait("gen_1", poll_interval_sec=600, on_progress=lambda job: print(job.id, flush=True))
except KeyboardInterrupt:
    print(client.jobs.get("gen_1").status)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_control_c_ends_a_wait_at_once() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "gen_1\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "running\n"
    assert process.returncode == 0


def test_a_date_in_retry_after_that_is_over_is_no_wait(pauses: list[float]) -> None:
    long_ago = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(0))
    assert client(Script(refused(429, retry_after=long_ago), answer(CHAT))).chat.completions.create("gpt-4o", HELLO).id
    assert 0.375 <= pauses[0] <= 0.5
