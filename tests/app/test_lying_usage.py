"""Tests that a provider's count of tokens is believed as far as the request can have caused it, and no further."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.events import Finished, UsageReported
from gateway.canonical.money import Charge, EntryKind
from gateway.ledger.bounds import FRAME_TOKENS
from gateway.logs.metrics import METRIC
from gateway.ports.upstream import Credential
from gateway.protocols.anthropic_messages.decode_stream import MessagesStreamDecoder
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from tests.app.harness import SSE_HEAD, Scripted, app_under_test, completion, delta, event, hello, sized, usage
from tests.app.test_streams import DONE, doing

pytestmark = pytest.mark.anyio

TEXT = "These are some words of an answer. " * 8
MODEL_MAX, WINDOW = 16_384, 128_000


def whole(**counts: Any) -> bytes:
    return sized(200, completion(TEXT, **counts))


def stream(*last: bytes) -> list[bytes]:
    half = len(TEXT) // 2
    return [SSE_HEAD, event(delta(TEXT[:half])), event(delta(TEXT[half:])), event(delta(finish="stop")), *last, DONE]


async def charged(*steps: bytes | None, **request: Any) -> Charge:
    """Returns the charge of one request whose provider sends these bytes."""
    async with Scripted(doing(*steps)) as provider, app_under_test(provider.base_url, balance_usd=20_000) as gateway:
        answer = await gateway.ask(hello(**request))
        assert answer.status == 200
        (entry,) = [entry for entry in (await gateway.look()).entries if entry.kind is EntryKind.CHARGE]
        assert entry.charge is not None
        return entry.charge


@pytest.mark.parametrize(
    ("asked", "output"),
    [({"max_tokens": 50}, 50), ({"max_tokens": 50, "n": 2}, 100), ({}, MODEL_MAX), ({"max_tokens": 99_999}, MODEL_MAX)],
)
@pytest.mark.parametrize("tokens", [100_000, 900_000_000])
async def test_more_output_than_was_asked_for_is_not_charged(asked: dict[str, Any], output: int, tokens: int) -> None:
    assert (await charged(whole(tokens=tokens), **asked)).usage.output == output
    assert (await charged(*stream(event(usage(10, tokens))), stream=True, **asked)).usage.output == output


@pytest.mark.parametrize(("asked", "output"), [({"max_tokens": 50}, 50), ({"max_tokens": 50, "n": 2}, 94), ({}, 94)])
@pytest.mark.parametrize("tokens", [2_000_000_000, 2**63 - 1])
async def test_a_count_that_no_bill_can_rest_on_is_none_and_the_answer_is_measured(
    asked: dict[str, Any], output: int, tokens: int
) -> None:
    for found in (
        await charged(whole(tokens=tokens), **asked),
        await charged(*stream(event(usage(10, tokens))), stream=True, **asked),
    ):
        assert (found.usage.output, found.estimated) == (output, True)


@pytest.mark.parametrize("prompt", [1_000, 10**8])
async def test_more_prompt_than_the_request_can_be_is_not_charged(prompt: int) -> None:
    # A token a byte, and the framing of a message and of the answer.
    most = len(orjson.dumps(hello(max_tokens=5))) + 2 * FRAME_TOKENS
    assert (await charged(whole(prompt=prompt), max_tokens=5)).usage.prompt == most


async def test_a_lie_costs_no_more_than_the_total_that_the_caller_allows() -> None:
    found = await charged(whole(prompt=10**9, tokens=10**9), max_tokens=5, max_price={"total": "0.001"})
    assert 0 < found.cost_nanousd <= 1_000_000


async def test_a_prompt_with_a_document_may_fill_the_models_window() -> None:
    book = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    found = await charged(whole(prompt=10**8), messages=[{"role": "user", "content": [book]}])
    assert found.usage.prompt == WINDOW


async def test_what_no_model_reads_is_not_in_the_estimate_of_a_prompt() -> None:
    body = orjson.loads(completion(TEXT))
    del body["usage"]
    plain = await charged(sized(200, orjson.dumps(body)))
    steered = await charged(
        sized(200, orjson.dumps(body)),
        models=["gpt-4o"] * 64,
        provider={"ignore": ["azure"] * 64},
        metadata={"team": "a" * 500},
        user="u" * 500,
    )
    assert (plain.estimated, steered.usage) == (True, plain.usage)


async def test_the_excess_is_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await charged(whole(tokens=51), max_tokens=50)
    assert {"UsageBeyondBounds": 1} in [record.__dict__.get(METRIC) for record in caplog.records]
    assert any("openai reported more usage" in record.getMessage() for record in caplog.records)


async def test_a_usage_within_its_bounds_is_charged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = await charged(whole(prompt=60, tokens=50), max_tokens=50)
    assert (found.usage.prompt, found.usage.output) == (60, 50)
    assert {"UsageBeyondBounds": 1} not in [record.__dict__.get(METRIC) for record in caplog.records]


@pytest.mark.parametrize(
    "details",
    [
        {"prompt_tokens_details": {"cached_tokens": 10**12, "audio_tokens": 10**12}},
        {"completion_tokens_details": {"reasoning_tokens": 10**12, "audio_tokens": 10**12}},
        {"prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 9}},
    ],
)
async def test_classes_that_do_not_add_up_settle_all_the_same(details: dict[str, Any]) -> None:
    body = orjson.loads(completion(TEXT))
    body["usage"] |= details
    found = await charged(sized(200, orjson.dumps(body)), max_tokens=50)
    assert 0 <= found.usage.output <= 50
    assert 0 <= found.usage.prompt <= WINDOW


async def test_an_answer_without_usage_costs_the_same_whole_and_streamed() -> None:
    body = orjson.loads(completion(TEXT))
    del body["usage"]
    unary = await charged(sized(200, orjson.dumps(body)))
    streamed = await charged(*stream(), stream=True)
    assert (unary.usage.output, unary.estimated) == (-(-len(TEXT) // 3), True)
    assert (streamed.usage.output, streamed.estimated) == (unary.usage.output, True)


@pytest.mark.parametrize(("reported", "output"), [(4_000, 4_000), (1, -(-len(TEXT) // 3))])
async def test_an_answer_that_is_cut_short_is_estimated_from_what_was_reported_too(reported: int, output: int) -> None:
    found = await charged(SSE_HEAD, event(usage(60, reported)), event(delta(TEXT)), None, stream=True)
    assert (found.usage.prompt, found.usage.output, found.estimated) == (60, output, True)


@pytest.mark.parametrize("prompt", [0, 60])
async def test_a_report_from_before_the_answer_does_not_count_it(prompt: int) -> None:
    first, *rest = stream()
    found = await charged(first, event(usage(prompt, 1)), *rest, stream=True)
    unreported = await charged(*stream(), stream=True)
    assert (found.usage.output, found.estimated) == (unreported.usage.output, True)
    assert found.usage.prompt == (prompt or unreported.usage.prompt)


HUGE = b"9" * 400


async def test_a_count_of_many_digits_costs_no_answer_on_geminis_wire() -> None:
    client = GeminiClient(Address("gemini-2.5-flash", "streamGenerateContent", True))
    candidate = b'{"content":{"parts":[{"text":"Hello"}]},"finishReason":"STOP"}'
    last = b'{"candidates":[%b],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":%b}}' % (candidate, HUGE)
    frame = b"data: %b\r\n\r\n" % last
    async with (
        Scripted(doing(SSE_HEAD, b"%x\r\n%b\r\n0\r\n\r\n" % (len(frame), frame))) as provider,
        app_under_test(
            provider.base_url, rows={"gemini": Credential("key", provider.base_url)}, wire_at=lambda *_: client
        ) as gateway,
    ):
        answer = await gateway.ask({"contents": [{"parts": [{"text": "Hi"}]}]})
    assert answer.status == 200
    assert candidate in answer.body


@pytest.mark.parametrize(
    "counts", [b'{"output_tokens":null}', b'{"output_tokens":7.5}', b'{"output_tokens":%b}' % HUGE, b"{}"]
)
def test_messages_that_end_without_a_count_are_not_counted_by_their_start(counts: bytes) -> None:
    decoder = MessagesStreamDecoder()
    opening = b'{"type":"message_start","message":{"id":"m","usage":{"input_tokens":5,"output_tokens":1}}}'
    closing = b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":%b}' % counts
    frames = b"".join(b"data: %b\n\n" % each for each in (opening, closing))
    events = [event for decoded in decoder.feed(frames) for event in decoded.events]
    assert not any(isinstance(one, UsageReported) for one in events)
    assert any(isinstance(one, Finished) for one in events)
