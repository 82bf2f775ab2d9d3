"""Tests of the request log: one line per request, without prompts, answers or keys, for every end of a request."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.logs.lines import configure
from gateway.pipeline.pipeline import Pipeline
from tests.app.harness import (
    ACCOUNT,
    KEY,
    SSE_HEAD,
    Scripted,
    app_under_test,
    completion,
    delta,
    event,
    hello,
    piece,
    sized,
    usage,
)

pytestmark = pytest.mark.anyio

PROMPT, ANSWER, OTHER_KEY = "canary of the prompt", "canary of the answer", "sk-xc-canary-unknown"
PROVIDER_KEY = "canary of the providers key"
CANARIES = ("canary", KEY)
ANSWERED = completion().replace(b'"content":"', b'"content":"' + ANSWER.encode())

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Collects all logged lines. Fails if one contains a canary."""
    configure("nexgate-test")

    def read() -> list[dict[str, Any]]:
        written = capsys.readouterr()
        assert [canary for canary in CANARIES if canary in written.err + written.out] == []
        return [orjson.loads(line) for line in written.err.splitlines()]

    return read


async def served(reply: bytes, **request: Any) -> int:
    """Returns the status of a request whose provider sends this reply."""
    headers = request.pop("headers", {})

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()

    async with Scripted(script) as provider, app_under_test(provider.base_url, api_key=PROVIDER_KEY) as gateway:
        asked = hello(**request) | {"messages": [{"role": "user", "content": PROMPT}]}
        return (await gateway.ask(asked, headers=headers)).status


def the_request(lines: list[dict[str, Any]]) -> dict[str, Any]:
    (line,) = [line for line in lines if line.get("event") == "request"]
    return line


async def test_an_answer_is_one_line_of_ids_names_and_counts(lines: Lines) -> None:
    assert ANSWER.encode() in ANSWERED
    assert await served(sized(200, ANSWERED)) == 200
    line = the_request(lines())
    assert (line["level"], line["request_id"], line["status"], line["account_id"]) == ("INFO", "req-1", 200, ACCOUNT)
    assert (line["model"], line["input_tokens"], line["output_tokens"]) == ("gpt-4o", 10, 5)
    assert "error_type" not in line


async def test_a_providers_refusal_is_logged_without_its_words(lines: Lines) -> None:
    refusal = orjson.dumps({"error": {"message": f"not this: {PROMPT}", "type": "invalid_request_error"}})
    assert await served(sized(400, refusal)) == 400
    assert the_request(lines())["error_status"] == 400


async def test_an_answer_that_cannot_be_read_is_logged_without_its_words(lines: Lines) -> None:
    assert await served(sized(200, ANSWERED[:-30])) >= 500
    assert the_request(lines())["error_status"] >= 500


async def test_an_unknown_key_is_not_logged(lines: Lines) -> None:
    assert await served(sized(200, ANSWERED), headers={"authorization": f"Bearer {OTHER_KEY}"}) == 401
    assert the_request(lines())["error_code"] == "invalid_api_key"


async def test_an_unforeseen_error_is_logged_by_its_type_and_stack_without_its_words(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise KeyError(PROMPT)

    monkeypatch.setattr(Pipeline, "open", break_down)
    assert await served(sized(200, ANSWERED)) == 500
    line = the_request(lines())
    assert (line["error_status"], line["error_type"]) == (500, "KeyError")
    assert line["stack"][-1].endswith(" break_down")


async def test_each_failed_attempt_is_named_by_its_provider_and_code(lines: Lines) -> None:
    limited = sized(429, b'{"error": {"message": "canary", "type": "rate_limit"}}', "retry-after: 30")
    await served(limited, model="gpt-4o-2024-11-20")
    await served(sized(400, b'{"error": {"message": "No.", "type": "invalid_request_error", "param": "stop"}}'))
    failures = [line["failures"] for line in lines() if line.get("event") == "request"]
    assert failures == [["openai: 503 upstream_overloaded"], ["openai: 400 invalid_request_error"]]


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "once"}])
async def test_a_stream_whose_caller_left_says_so(lines: Lines, headers: dict[str, str]) -> None:
    """A stream under an Idempotency-Key goes on to its end all the same, for the next try."""
    streamed = [event(delta(word)) for word in ("Hel", "lo")]
    ending = [event(delta(finish="stop")), event(usage()), event(b"[DONE]"), piece(b"")]

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join([SSE_HEAD, *streamed, *ending]))
        await writer.drain()

    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        for takes_bytes in (1, None):
            keyed = {name: f"{value} {takes_bytes}" for name, value in headers.items()}
            await gateway.ask(hello(stream=True), headers=keyed, takes_bytes=takes_bytes)
    left = [line.get("caller_left") for line in lines() if line.get("event") == "request"]
    assert left == [True, None]
