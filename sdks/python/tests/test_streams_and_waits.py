"""Tests of streams, waits and webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from nexevo_ai import (
    APIConnectionError,
    APIError,
    APIStreamError,
    APITimeoutError,
    AsyncNexevo,
    JobFailedError,
    Nexevo,
    WaitTimeoutError,
    WebhookVerificationError,
)
from test_client import HELLO, KEY, Script, answer, client, without_pauses  # noqa: F401  # a fixture


def chunk(**delta: Any) -> bytes:
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": delta.pop("ended", None)}]}  # fmt: skip
    return b"data: " + json.dumps(body).encode() + b"\n\n"


CHAT = [
    b": NX\n\n",
    chunk(role="assistant", content="Hel"),
    chunk(content="lo"),
    chunk(ended="stop"),
    b"data: [DONE]\n\n",
]


class Pieces(httpx.SyncByteStream):
    """A body that comes in pieces, and may break."""

    def __init__(self, pieces: list[bytes], *, breaks: bool = False) -> None:
        self.pieces, self.breaks, self.closed = pieces, breaks, False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.breaks:
            raise httpx.ReadError("cut")

    def close(self) -> None:
        self.closed = True


def events(pieces: list[bytes], *, breaks: bool = False) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(pieces, breaks=breaks))


def test_a_stream_gives_its_chunks_and_closes() -> None:
    script = Script(events(CHAT))
    with client(script).chat.completions.create("gpt-4o", HELLO, stream=True) as stream:
        assert "".join(each.choices[0].delta.content or "" for each in stream) == "Hello"
    assert stream.response.is_closed
    assert json.loads(script.requests[0].content)["stream"] is True


def test_a_stream_with_conveniences_tells_text_and_the_whole() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    tier = CHAT[1].replace(b'"model"', b'"service_tier": "flex", "model"')
    pieces = [CHAT[0], tier, CHAT[2], chunk(tool_calls=[call]), chunk(tool_calls=[rest], ended="tool_calls"), CHAT[-1]]
    with client(Script(events(pieces))).chat.completions.stream("gpt-4o", HELLO) as stream:
        assert "".join(stream.text()) == "Hello"
        whole = stream.final()
    assert whole.choices[0].message.content == "Hello"
    assert whole.choices[0].message.tool_calls[0].function.arguments == '{"a": 1}'
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.service_tier == "flex"


def test_an_error_in_a_stream_is_raised_and_a_cut_is_none_of_its_ends() -> None:
    failed = b'data: {"error": {"message": "late", "code": "upstream_timeout"}}\n\n'
    with pytest.raises(APIStreamError, match="late"):
        list(client(Script(events([CHAT[1], failed]))).chat.completions.create("gpt-4o", HELLO, stream=True))
    with pytest.raises(APIConnectionError):
        list(client(Script(events(CHAT[:2], breaks=True))).chat.completions.create("gpt-4o", HELLO, stream=True))


def step(number: int) -> bytes:
    body = {"type": "step", "step": {"type": "tool_call", "step": number, "tool_name": f"t{number}"}}
    return f"id: task_1:{number}\ndata: {json.dumps(body)}\n\n".encode()


DONE = b'id: task_1:3\ndata: {"type": "done", "job": {"id": "task_1", "status": "succeeded"}}\n\n'


def test_a_runs_stream_goes_on_behind_the_last_whole_event() -> None:
    script = Script(
        events([b"id: task_1:0\n\n", step(1), step(2), step(3)[:20]], breaks=True), events([]), events([step(3), DONE])
    )
    found = list(client(script).agents.run_stream(task="x"))
    assert [each["step"]["tool_name"] for each in found[:-1]] == ["t1", "t2", "t3"]
    assert found[-1]["job"]["status"] == "succeeded"
    assert [request.headers.get("last-event-id") for request in script.requests] == [None, "task_1:2", "task_1:2"]
    assert [request.method for request in script.requests] == ["POST", "GET", "GET"]


def test_a_runs_stream_that_was_left_can_be_gone_on_with_by_another_program() -> None:
    # One piece: its second event has come, and is not read.
    script = Script(events([b"id: task_1:0\n\n" + step(1) + step(2), DONE]), events([step(2), DONE]))
    with client(script).agents.run_stream(task="x") as left:
        assert (left.last_event_id, next(left).type, left.last_event_id) == (None, "step", "task_1:1")
    assert [each.type for each in client(script).agents.resume_stream(left.last_event_id or "")] == ["step", "done"]
    assert script.requests[1].headers["last-event-id"] == "task_1:1"


def test_a_runs_stream_that_is_always_cut_ends_with_an_error() -> None:
    with pytest.raises(APIConnectionError):
        list(client(Script(events([step(1)], breaks=True), lambda _: events([]))).agents.run_stream(task="x"))


def job(status: str, **more: Any) -> httpx.Response:
    body = {"id": "gen_1", "job_id": "gen_1", "kind": "video", "status": status, "results": [], **more}
    return answer(body, 202 if status == "pending" else 200)


def test_a_wait_tells_of_progress_and_gives_the_job() -> None:
    seen: list[Any] = []
    script = Script(job("pending"), job("running", progress=40), job("succeeded", results=[{"url": "http://x.test"}]))
    done = client(script).videos.generate_and_wait(
        model="sora-2", prompt="a cat", duration_sec=5, on_progress=lambda each: seen.append(each.progress)
    )
    assert done["results"][0]["url"] == "http://x.test"
    assert seen == [40, None]
    assert json.loads(script.requests[0].content) == {"model": "sora-2", "prompt": "a cat", "duration_sec": 5}


def test_a_wait_ends_with_its_time_and_with_a_failure() -> None:
    with pytest.raises(TimeoutError) as caught:
        client(Script(job("pending"), job("running"))).models3d.generate_and_wait(model="m", prompt="x", timeout_sec=0)
    assert isinstance(caught.value, WaitTimeoutError)
    assert caught.value.job.status == "running"
    failed = Script(job("pending"), job("failed", error={"code": "c", "message": "No cat.", "retryable": False}))
    with pytest.raises(JobFailedError, match="No cat"):
        client(failed).videos.generate_and_wait(model="m", prompt="x")


def test_an_async_run_is_begun_and_waited_for() -> None:
    script = Script(job("pending"), job("running"), job("succeeded", result="42"))

    async def waited() -> Any:
        made = httpx.AsyncClient(transport=httpx.MockTransport(script))
        async with AsyncNexevo(api_key=KEY, base_url="http://gateway.test", http_client=made) as on:
            return await on.agents.run_and_wait(task="x", poll_interval_sec=0)

    assert asyncio.run(waited())["result"] == "42"
    assert json.loads(script.requests[0].content) == {"task": "x", "wait": False}


SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


def signed(body: bytes, at_s: float) -> Any:
    moment = str(int(at_s))
    digest = hmac.new(b"s" * 24, b"msg_1." + moment.encode() + b"." + body, hashlib.sha256).digest()
    text = base64.b64encode(digest).decode()
    return {"Webhook-Id": "msg_1", "webhook-timestamp": moment, "webhook-signature": f"v1,AAAA v1,{text}"}


def test_a_webhook_is_verified() -> None:
    body, webhooks = b'{"type": "job.succeeded", "data": {"id": "gen_1"}}', Nexevo(api_key=KEY).webhooks
    assert webhooks.verify(body, signed(body, time.time()), SECRET)["data"]["id"] == "gen_1"
    for wrong, headers in (
        (body + b" ", signed(body, time.time())),
        (body, signed(body, time.time() - 900)),
        (body, {**signed(body, time.time()), "webhook-signature": "v1,AAAA"}),
        (body, {}),
    ):
        with pytest.raises(WebhookVerificationError):
            webhooks.verify(wrong, headers, SECRET)


def test_an_answer_that_is_no_stream_is_not_read_as_one_without_events() -> None:
    def plain(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/html", "x-request-id": "r"}, content=b"<p>Welcome")

    with pytest.raises(APIError, match="no stream") as caught:
        list(client(Script(plain)).chat.completions.create("gpt-4o", HELLO, stream=True))
    assert caught.value.request_id == "r"
    with pytest.raises(APIError, match="no stream"):
        client(Script(plain)).chat.completions.stream("gpt-4o", HELLO).final()

    async def read() -> list[Any]:
        made = httpx.AsyncClient(transport=httpx.MockTransport(Script(plain)))
        async with AsyncNexevo(api_key=KEY, http_client=made) as on:
            return [each async for each in await on.chat.completions.create("gpt-4o", HELLO, stream=True)]

    with pytest.raises(APIError, match="no stream"):
        asyncio.run(read())


def test_an_event_that_is_no_json_is_an_error_and_one_of_another_shape_is_kept() -> None:
    with pytest.raises(APIError, match="no JSON"):
        list(client(Script(events([b'data: {"id"\n\n']))).chat.completions.create("gpt-4o", HELLO, stream=True))
    odd = b'data: {"id": 7, "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
    with client(Script(events([odd, DONE]))).chat.completions.stream("gpt-4o", HELLO) as stream:
        assert stream.final().choices[0].message.content == "Hi"


def test_a_stream_is_read_alike_however_its_bytes_are_cut_and_with_other_line_separators_in_its_text() -> None:
    text = "a\u2028b\u0085cd\u00e9\U0001f600"
    told = json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)
    for end in ("\n", "\r\n", "\r"):
        sent = f": a comment{end}{end}data: {told}{end}{end}data: [DONE]{end}{end}".encode()
        for size in (1, 2, 3, 7, len(sent)):
            pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
            found = list(client(Script(events(pieces))).chat.completions.create("gpt-4o", HELLO, stream=True))
            assert [each["choices"][0]["delta"]["content"] for each in found] == [text]


def test_a_stream_that_stands_still_tells_of_its_time() -> None:
    class Still(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield CHAT[0]
            raise httpx.ReadTimeout("x")

    still = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Still())
    with pytest.raises(APITimeoutError):
        list(client(Script(still)).chat.completions.create("gpt-4o", HELLO, stream=True))


def test_a_webhook_is_not_verified_without_a_secret() -> None:
    body, moment = b"{}", str(int(time.time()))
    digest = hmac.new(b"", b"msg_1." + moment.encode() + b"." + body, hashlib.sha256).digest()
    forged = {"webhook-id": "msg_1", "webhook-timestamp": moment,
              "webhook-signature": "v1," + base64.b64encode(digest).decode()}  # fmt: skip
    unset: Any = None
    for secret in ("", "whsec_", unset):
        with pytest.raises(WebhookVerificationError, match="empty"):
            Nexevo(api_key=KEY).webhooks.verify(body, forged, secret)
