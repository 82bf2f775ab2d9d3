"""Tests of streams from the first event to the last, and of the errors that a caller sees when one breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.money import EntryKind
from gateway.operations.chat_stream import ChatTranscoder
from tests.app.harness import (
    KEY,
    RECORD,
    SSE_HEAD,
    Answer,
    AppUnderTest,
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
from tests.hangs import HANGS_AFTER_S

pytestmark = pytest.mark.anyio

Step = bytes | float | None
DONE = event(b"[DONE]") + piece(b"")


def doing(*steps: Step) -> Callable[[int, asyncio.StreamWriter], Awaitable[None]]:
    """Sends bytes, waits for the seconds that numbers give, and cuts the connection at `None`."""

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        for step in steps:
            if step is None:
                writer.close()
                return
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            else:
                await asyncio.sleep(step)

    return script


async def spent(gateway: AppUnderTest) -> int:
    look = await gateway.look()
    assert look.holds == ()
    return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


async def streamed(*steps: Step, **request: object) -> tuple[Answer, int, int]:
    """Returns the answer, the number of requests to the provider, and the account's spending."""
    async with Scripted(doing(*steps)) as provider, app_under_test(provider.base_url, idle_s=1.0) as gateway:
        answer = await gateway.ask(hello(stream=True, **request))
        return answer, len(provider.bodies), await spent(gateway)


def comments(answer: Answer) -> int:
    return answer.body.count(b": NX\n\n")


async def test_a_stream_is_the_providers_chunk_for_chunk_and_settled() -> None:
    answer, asks, charged = await streamed(
        SSE_HEAD, event(delta("Hel")), event(delta("lo")), event(delta(finish="stop")), event(usage()), DONE
    )
    assert (answer.status, answer.text, asks, charged) == (200, "Hello", 1, 78_750)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {chunk["model"] for chunk in answer.chunks} == {"gpt-4o"}
    assert {chunk["id"][:13] for chunk in answer.chunks} == {"chatcmpl-nxn-"}
    assert len({chunk["id"] for chunk in answer.chunks}) == 1
    assert [chunk["nexevo"]["cost_usd"] for chunk in answer.chunks if "nexevo" in chunk] == ["0.00007875"]
    assert "nexevo" in answer.chunks[-1]
    assert answer.data[-1] == b"[DONE]"
    assert all("usage" not in chunk for chunk in answer.chunks)


async def test_usage_is_always_asked_of_the_provider_and_shown_only_if_asked() -> None:
    steps = (SSE_HEAD, event(delta("Hi")), event(delta(finish="stop")), event(usage()), DONE)
    async with Scripted(doing(*steps)) as provider, app_under_test(provider.base_url) as gateway:
        await gateway.ask(hello(stream=True))
        shown = await gateway.ask(hello(stream=True, stream_options={"include_usage": True}))
        assert all(b'"include_usage":true' in body.replace(b" ", b"") for body in provider.bodies)
        assert shown.chunks[-1]["choices"] == []
        assert shown.chunks[-1]["usage"]["total_tokens"] == 15
        assert "nexevo" in shown.chunks[-1]


async def test_nothing_is_buffered() -> None:
    steps: list[Step] = [SSE_HEAD]
    for number in range(10):
        steps += [event(delta(f"{number} ")), 0.1]
    answer, _, _ = await streamed(*steps, event(delta(finish="stop")), event(usage()), DONE)
    arrivals = [at for at, data in answer.pieces if b'"content"' in data]
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    assert len(gaps) == 9
    assert all(0.05 < gap < 0.2 for gap in gaps)


async def test_silence_is_filled_before_the_first_token_and_between_tokens() -> None:
    async with (
        Scripted(
            doing(SSE_HEAD, 3.0, event(delta("a")), 3.0, event(delta(finish="stop")), event(usage()), DONE)
        ) as provider,
        app_under_test(provider.base_url) as gateway,
    ):
        answer = await gateway.ask(hello(stream=True))
        first = next(number for number, (_, data) in enumerate(answer.pieces) if b"data:" in data)
        before, after = answer.pieces[:first], answer.pieces[first + 1 : -1]
        assert all(data == b": NX\n\n" for _, data in before + after)
        assert 8 <= len(before) <= 10
        assert 8 <= len(after) <= 10
        assert answer.text == "a"


async def test_a_provider_that_fails_at_once_gives_a_real_status() -> None:
    answer, asks, charged = await streamed(sized(500, b"{}"))
    assert (answer.status, answer.error["code"], asks, charged) == (502, "upstream_error", 3, 0)


async def test_a_provider_that_fails_late_gives_the_error_event() -> None:
    answer, _, charged = await streamed(0.5, sized(503, b"{}", "retry-after: 3"))
    assert (answer.status, charged) == (200, 0)
    assert comments(answer) >= 1
    assert answer.chunks[-1]["error"]["code"] == "upstream_overloaded"
    assert b"[DONE]" not in answer.data


async def test_an_attempt_that_breaks_before_its_first_content_is_made_again_unseen() -> None:
    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        preamble = SSE_HEAD + event(delta(""))
        broken = (preamble, preamble + event(b"{garbage"))[number % 2]
        whole = preamble + event(delta("Hi")) + event(delta(finish="stop")) + event(usage()) + DONE
        await doing(*((broken, None) if number < 3 else (whole,)))(number, writer)

    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(stream=True))
        assert (answer.status, answer.text, len(provider.bodies)) == (200, "Hi", 3)
        assert (
            sum(chunk["choices"][0]["delta"].get("content") == "" for chunk in answer.chunks if chunk["choices"]) == 1
        )


@pytest.mark.parametrize(
    ("breakage", "code"),
    [
        ((None,), "upstream_error"),
        ((event(b"{garbage"),), "upstream_error"),
        ((piece(b""),), "upstream_error"),
        ((3.0,), "upstream_timeout"),
        ((event({"error": {"message": "boom at 10.0.0.7", "type": "server_error"}}),), "upstream_error"),
    ],
)
async def test_a_break_after_content_ends_with_the_error_event_and_pays_for_what_came(
    breakage: tuple[Step, ...], code: str
) -> None:
    answer, asks, charged = await streamed(SSE_HEAD, event(delta("Hel")) + event(delta("lo")), *breakage)
    assert (answer.status, answer.text, asks) == (200, "Hello", 1)
    assert answer.chunks[-1]["error"]["code"] == code
    assert "10.0.0.7" not in answer.body.decode()
    assert b"[DONE]" not in answer.data
    assert charged > 0


async def test_a_caller_who_leaves_pays_for_what_was_delivered_and_its_provider_is_let_go() -> None:
    let_go = asyncio.Event()

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + event(delta("Hello, ")))
        while not writer.is_closing():
            await asyncio.sleep(0.01)
            writer.write(event(delta("and so on. ")))
        let_go.set()

    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(stream=True), takes_bytes=1)
        async with asyncio.timeout(HANGS_AFTER_S):
            await let_go.wait()
        look = await gateway.look()
        (charge,) = (each.charge for each in look.entries if each.charge is not None)
        assert (answer.text, look.holds, charge.estimated) == ("Hello, ", (), True)
        # The seven bytes that it has taken, at three a token, and not the piece that found it gone.
        assert charge.usage.output == 3


async def test_an_unforeseen_failure_at_the_end_is_the_error_event_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise KeyError("a secret")

    monkeypatch.setattr(ChatTranscoder, "finish", broken)
    answer, _, charged = await streamed(
        SSE_HEAD, event(delta("Hello")), event(delta(finish="stop")), event(usage()), DONE
    )
    assert (answer.text, charged) == ("Hello", 78_750)
    assert (answer.chunks[-1]["error"]["code"], b"secret" in answer.body) == ("internal_error", False)


async def test_content_that_comes_in_one_piece_with_garbage_is_not_lost() -> None:
    together = event(delta("Hello"))[:-2].split(b"\r\n", 1)[1] + b"data: {garbage\n\n"
    answer, _, _ = await streamed(SSE_HEAD, piece(together), None)
    assert answer.text == "Hello"


async def test_half_a_character_costs_no_stream() -> None:
    half = orjson.dumps(delta("Hi ?")).replace(b"?", rb"\ud83d")
    foreign = orjson.dumps(delta("?")).replace(b"?", b"\xff")
    whole = event(delta(finish="stop")) + event(usage()) + DONE
    answer, asks, _ = await streamed(SSE_HEAD, event(half) + event(foreign) + event(delta("there")), whole)
    assert (answer.status, answer.text, asks) == (200, "Hi \ufffd\ufffdthere", 1)


async def test_a_whole_answer_in_a_streams_place_is_streamed_and_paid() -> None:
    answer, asks, charged = await streamed(sized(200, completion()))
    assert (answer.status, answer.text, asks, answer.data[-1]) == (200, "Hello!", 1, b"[DONE]")
    assert charged == (await streamed(SSE_HEAD, event(delta("Hello!", "stop")), event(usage()), DONE))[2] > 0


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"<html>oops</html>", 502, "it is not JSON"),
        (b"Service Unavailable", 502, "it is not JSON"),
        (b'{"detail": "oops"}', 502, "it has no choices"),
        (b'{"error": {"message": "oops"}}', 502, "The provider failed"),
        (b'\n {"error": {"message": "maximum context length is 5", "code": 400}}', 400, "maximum context length is 5"),
    ],
)
async def test_what_is_no_stream_is_read_once(body: bytes, status: int, said: str) -> None:
    answer, asks, charged = await streamed(sized(200, body))
    assert (answer.status, asks, charged) == (status, 1, 0)
    assert said in answer.error["message"]


async def test_an_unreadable_answer_in_a_streams_place_is_paid_as_its_provider_bills_it() -> None:
    _, asks, charged = await streamed(sized(200, completion().replace(b'"Hello!"', b"1")))
    assert (asks, charged) == (1, (await streamed(sized(200, completion())))[2])


@pytest.mark.parametrize(
    "body", [b"", b"\n\n", b'{"error": {"message": "Busy.", "code": 503}}', b": still here\n\n", b"[]"]
)
async def test_nothing_and_a_word_of_load_in_a_streams_place_are_asked_again(body: bytes) -> None:
    _, asks, _ = await streamed(sized(200, body))
    assert asks == 3


async def test_blanks_before_a_stream_are_no_part_of_it() -> None:
    answer, asks, _ = await streamed(
        SSE_HEAD, piece(b"\n" * 70_000), piece(b" \n"), event(delta("Hello!", "stop")), event(usage()), DONE
    )
    assert (answer.text, asks) == ("Hello!", 1)


async def test_a_megabyte_of_blanks_is_the_providers_failure_and_costs_nothing() -> None:
    answer, _, charged = await streamed(
        SSE_HEAD, *[piece(b"\n" * 60_000)] * 20, event(delta("Hello!", "stop")), event(usage()), DONE
    )
    assert (answer.status, charged) == (502, 0)
    assert "blanks" in answer.error["message"]


async def test_a_stream_without_usage_is_charged_by_what_was_delivered() -> None:
    answer, _, charged = await streamed(SSE_HEAD, event(delta("x" * 300)), event(delta(finish="stop")), DONE)
    assert answer.data[-1] == b"[DONE]"
    # 100 tokens of output at 10.50 USD a million, and the prompt's.
    assert charged >= 100 * 10_500


async def test_a_stream_ends_and_settles_before_its_functions_deadline() -> None:
    async with (
        Scripted(doing(SSE_HEAD, event(delta("Hello")), 30.0)) as provider,
        app_under_test(provider.base_url) as gateway,
    ):
        answer = await gateway.ask(hello(stream=True), seconds_left=10.6)
        finishes = [choice["finish_reason"] for chunk in answer.chunks for choice in chunk["choices"]]
        assert (answer.text, finishes[-1], answer.data[-1]) == ("Hello", "length", b"[DONE]")
        assert await spent(gateway) > 0


async def test_refusals_are_real_statuses_on_streams_too() -> None:
    async with app_under_test("http://127.0.0.1:1/v1", balance_usd=0) as gateway:
        answer = await gateway.ask(hello(stream=True))
        assert (answer.status, answer.error["code"]) == (402, "account_suspended")


async def test_what_comes_in_one_read_is_paid_for_as_it_is_passed_on() -> None:
    whole = b"".join(event(delta("word " * 100)) for _ in range(300))
    script = doing(SSE_HEAD + whole, 30.0)
    async with Scripted(script) as provider, app_under_test(provider.base_url, balance_usd=0) as gateway:
        await gateway.money.credit("acct_test", 60_000_000, once="little", now_s=0)
        answer = await gateway.ask(hello(stream=True))
        look = await gateway.look()
    assert answer.chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert len(answer.text) > 10_000
    assert [entry.kind for entry in look.entries if entry.kind is not EntryKind.CREDIT] == [EntryKind.CHARGE]
    assert look.free_nanousd >= 0


async def test_a_stream_that_the_balance_no_longer_carries_ends_with_length() -> None:
    words = [event(delta("word " * 2000)) for _ in range(10)]
    script = doing(SSE_HEAD, *[step for word in words for step in (word, 0.01)], 30.0)
    async with Scripted(script) as provider, app_under_test(provider.base_url, balance_usd=0) as gateway:
        await gateway.money.credit("acct_test", 50_000_000, once="little", now_s=0)
        answer = await gateway.ask(hello(stream=True))
        finishes = [choice["finish_reason"] for chunk in answer.chunks for choice in chunk["choices"]]
        look = await gateway.look()
        assert finishes[-1] == "length"
        assert answer.data[-1] == b"[DONE]"
        assert look.holds == ()
        assert look.free_nanousd >= 0


async def test_a_stream_that_the_keys_cap_no_longer_carries_ends_with_length_and_within_it() -> None:
    words = [event(delta("word " * 2000)) for _ in range(10)]
    script = doing(SSE_HEAD, *[step for word in words for step in (word, 0.01)], 30.0)
    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        capped = replace(RECORD, monthly_spend_cap_nanousd=50_000_000)
        gateway.keys.records = {key_hash(KEY): capped}
        answer = await gateway.ask(hello(stream=True))
        assert [choice["finish_reason"] for chunk in answer.chunks for choice in chunk["choices"]][-1] == "length"
        assert 0 < await spent(gateway) <= 50_000_000
