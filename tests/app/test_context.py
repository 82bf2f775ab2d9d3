"""Tests of what becomes of a request, as its context tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.errors import GatewayError, UpstreamError
from gateway.pipeline.attempts import AT_ONCE, Attempts
from gateway.pipeline.beside import together
from gateway.pipeline.context import RequestContext
from gateway.pipeline.health import Health
from gateway.pipeline.pipeline import _within_a_minute
from gateway.pipeline.provider_client import StreamBody
from gateway.pipeline.stream import Relay
from gateway.routing.plan import Plan
from gateway.upstream.provider import HttpUpstreamResponse
from tests.app.harness import (
    ACCOUNT,
    KEY,
    RECORD,
    SSE_HEAD,
    Scripted,
    app_under_test,
    completion,
    delta,
    event,
    hello,
    sized,
    usage,
)
from tests.app.test_streams import DONE, doing
from tests.money.test_token_meter import meter
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio


def context(**known: Any) -> RequestContext[Any, Any]:
    """Builds the context of a request of which only these members matter."""
    nothing: Any = None
    return RequestContext(nothing, nothing, nothing, nothing, nothing, hold_id="", entered_s=0, **known)


@pytest.mark.parametrize(
    ("error", "delivered", "status"),
    [(None, 0, 200), (None, 5, 200), (UpstreamError("down"), 0, 502), (UpstreamError("down"), 5, 200)],
)
def test_a_failure_that_delivered_nothing_is_what_a_request_came_to(
    error: GatewayError | None, delivered: int, status: int
) -> None:
    assert context(error=error, delivered_bytes=delivered).outcome_status == status


@pytest.mark.parametrize(("delivered", "noted"), [(0, []), (3, [3])])
def test_a_stream_is_watched_from_its_first_content_on(delivered: int, noted: list[int]) -> None:
    progress: list[int] = []

    class Hold:
        def progress(self, _served_by: object, delivered_bytes: int, _uses: object) -> None:
            progress.append(delivered_bytes)

        def covers(self, _delivered_bytes: int) -> bool:
            return True

    hold: Any = Hold()
    served: Any = SimpleNamespace()
    assert context(open_hold=hold, served_by=served).covers(delivered, ())
    assert progress == noted


async def test_a_plan_without_candidates_is_an_error_of_the_gateways() -> None:
    nothing: Any = None
    attempts = Attempts(nothing, Health(LoopClock()), LoopClock())
    asked = context()
    asked.plan = Plan((), tries=3)
    with pytest.raises(GatewayError) as raised:
        await attempts.first_success(asked, nothing)
    assert raised.value.status == 500


async def test_a_generations_id_has_forty_random_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pipeline.pipeline.secrets.randbits", lambda bits: 2**bits - 1)
    async with app_under_test("http://127.0.0.1:9", balance_usd=0) as gateway:
        answer = await gateway.ask(hello())
    assert answer.headers["x-nexevo-generation-id"].endswith("zzzzzzzz")


async def test_a_stream_that_fails_is_settled_before_its_caller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    plain_fail = Relay.fail

    def fail(relay: Relay[Any], error: GatewayError) -> bytes:
        held.append(gateway.money._accounts[ACCOUNT].held_nanousd)
        return plain_fail(relay, error)

    monkeypatch.setattr(Relay, "fail", fail)
    script = doing(SSE_HEAD, event(delta("Hello!")), None)
    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(stream=True))
    assert (answer.text, held) == ("Hello!", [0])


@pytest.mark.parametrize("stream", [False, True])
async def test_the_providers_connection_is_given_back_once(monkeypatch: pytest.MonkeyPatch, *, stream: bool) -> None:
    given_back: list[HttpUpstreamResponse] = []
    plain_close = HttpUpstreamResponse.aclose

    async def aclose(response: HttpUpstreamResponse) -> None:
        given_back.append(response)
        await plain_close(response)

    monkeypatch.setattr(HttpUpstreamResponse, "aclose", aclose)
    chunks = (SSE_HEAD, event(delta("Hello!")), event(delta(finish="stop")), event(usage()), DONE)
    script = doing(*(chunks if stream else [sized(200, completion())]))
    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        assert (await gateway.ask(hello(stream=stream))).status == 200
    assert len(given_back) == 1
    given_back.clear()
    script = doing(sized(503, b'{"error": {"message": "Busy."}}'))
    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        assert (await gateway.ask(hello(stream=stream))).status == 503
        assert len(given_back) == len(provider.bodies) == 3


async def test_a_charge_has_the_names_of_its_request() -> None:
    async with Scripted(doing(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello())
        charge = (await gateway.look()).entries[-1].charge
    assert charge is not None
    assert (charge.generation_id, charge.request_id, charge.model_requested) == (
        answer.headers["x-nexevo-generation-id"],
        "req-1",
        "gpt-4o",
    )


@pytest.mark.parametrize("number", [1, 2, 3, 3 * AT_ONCE])
async def test_what_is_asked_together_is_answered_in_its_order_and_a_few_at_a_time(number: int) -> None:
    asked: list[int] = []
    most = 0

    async def answer(value: int) -> int:
        nonlocal most
        asked.append(value)
        most = max(most, len(asked))
        await asyncio.sleep(number - value)
        asked.remove(value)
        return value

    assert await together([partial(answer, value) for value in range(number)], AT_ONCE) == list(range(number))
    assert most == min(number, AT_ONCE)


async def test_the_hold_of_a_stream_within_a_keys_minute_is_raised_as_it_comes() -> None:
    held: list[int] = []

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        for chunk in (SSE_HEAD, event(delta("x" * 10_000))):
            held.extend(hold.amount_nanousd for hold in (await gateway.look()).holds)
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.1)
        held.extend(hold.amount_nanousd for hold in (await gateway.look()).holds)
        writer.write(event(delta(finish="stop")) + event(usage()) + DONE)
        await writer.drain()

    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        gateway.keys.records = {key_hash(KEY): replace(RECORD, tpm_limit=20_000)}
        assert (await gateway.ask(hello(stream=True))).status == 200
    assert held[0] == held[1] < held[2]


@pytest.mark.parametrize(("blanks", "refused"), [(1024 * 1024, False), (1024 * 1024 + 1, True)])
async def test_a_megabyte_of_blanks_may_stand_before_a_body(blanks: int, *, refused: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b" " * (blanks - 3)
        yield b"\n" * 3
        yield b"data: 1"

    response: Any = SimpleNamespace(chunks=chunks, headers={})
    body = StreamBody(response)
    if refused:
        with pytest.raises(UpstreamError) as raised:
            await body.in_its_place()
        assert raised.value.retryable is False
    else:
        assert await body.in_its_place() is None
        assert [chunk async for chunk in body] == [b"data: 1"]


@pytest.mark.parametrize(("tokens", "units"), [(4_130, None), (4_129, 1_998), (134, 1), (133, None), (100, None)])
def test_an_open_answer_is_bounded_by_half_of_what_its_keys_minute_has_beside_the_prompt(
    tokens: int, units: int | None
) -> None:
    asked = meter("large")
    operation: Any = SimpleNamespace(meter=lambda *_: asked, bounded=lambda _, most: most)
    nothing: Any = None
    assert _within_a_minute(operation, nothing, nothing, tokens) == units
    assert _within_a_minute(operation, nothing, nothing, None) is None


@pytest.mark.parametrize("last", [b"9", b"90"])
async def test_a_whole_answer_in_a_streams_place_is_read_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    monkeypatch.setattr("gateway.pipeline.provider_client.FRAME_BYTES_MAX", 10)

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"{1234", b"5678", last):
            yield chunk

    response: Any = SimpleNamespace(chunks=chunks, headers={})
    if last == b"9":
        assert await StreamBody(response).in_its_place() == b"{123456789"
        return
    with pytest.raises(UpstreamError) as raised:
        await StreamBody(response).in_its_place()
    assert raised.value.retryable is False
