"""Tests of answers from the cache: who gets one, on which wire, at what price, and which answers are never kept."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.codec import ClientCodec
from gateway.canonical.money import EntryKind
from gateway.errors import ServiceUnavailable
from gateway.ports.answers import AnswerName, CachedAnswer, Running
from gateway.protocols import anthropic_messages, openai_chat, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from tests.app.harness import (
    CHAT,
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
from tests.fakes.answers import MemoryAnswers

pytestmark = pytest.mark.anyio

Script = Callable[[int, asyncio.StreamWriter], Awaitable[None]]

DONE = event(b"[DONE]") + piece(b"")
# 10 prompt tokens at 2.50 and 5 at 10 USD a million, and 5 % on top; a quarter of that, rounded half up.
PRICE, QUARTER = 78_750, 19_688
ASKS = {"x-nexevo-cache-control": "max-age=600"}
GEMINI = "/v1beta/models/gpt-4o:generateContent"
GEMINI_STREAM = "/v1beta/models/gpt-4o:streamGenerateContent"
WIRES: Mapping[str, ClientCodec] = {
    CHAT: openai_chat.CLIENT,
    "/v1/messages": anthropic_messages.CLIENT,
    "/v1/responses": openai_responses.CLIENT,
    GEMINI: GeminiClient(Address("gpt-4o", "generateContent")),
    GEMINI_STREAM: GeminiClient(Address("gpt-4o", "streamGenerateContent", is_sse=True)),
}
# One question on each wire: its path, and its body.
QUESTIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "chat": (CHAT, hello(max_tokens=99)),
    "messages": ("/v1/messages", hello(max_tokens=99)),
    "responses": ("/v1/responses", {"model": "gpt-4o", "input": "Hello!", "max_output_tokens": 99}),
    "gemini": (
        GEMINI,
        {"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}], "generationConfig": {"maxOutputTokens": 99}},
    ),
}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def called(arguments: str, **more: Any) -> list[dict[str, Any]]:
    return [{"index": 0, "function": {"arguments": arguments, **more}}]


TEXT_STREAM = (event(delta("Hel")), event(delta("lo!")), event(delta(finish="stop")), event(usage()), DONE)
CALL_STREAM = (
    event(delta("Let me", reasoning_content=None)),
    event(delta(tool_calls=[{"index": 0, "id": "call_7", "type": "function",
                             "function": {"name": "get_weather", "arguments": ""}}])),
    event(delta(tool_calls=called('{"city":'))),
    event(delta(tool_calls=called(' "Paris"}'))),
    event(delta(finish="tool_calls")),
    event(usage()),
    DONE,
)  # fmt: skip


RESPONSE_STREAM = (Path(__file__).parents[1] / "golden/openai_responses/text.sse").read_bytes()
RESPONSE = orjson.dumps(orjson.loads(RESPONSE_STREAM.strip().rpartition(b"data: ")[2])["response"])


def provider(*pieces: bytes, pause_s: float = 0.0, body: bytes | None = None) -> Scripted:
    """A provider that streams the pieces, or gives the whole answer where it is not asked for a stream."""

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        is_stream = orjson.loads(scripted.bodies[number - 1]).get("stream")
        if b"/responses " in scripted.heads[number - 1]:
            writer.write(SSE_HEAD + piece(RESPONSE_STREAM) + piece(b"") if is_stream else sized(200, RESPONSE))
        elif not is_stream:
            writer.write(sized(200, body or completion()))
        else:
            writer.write(SSE_HEAD)
            for each in pieces or TEXT_STREAM:
                await asyncio.sleep(pause_s)
                writer.write(each)
                await writer.drain()
        await writer.drain()

    scripted = Scripted(script)
    return scripted


@asynccontextmanager
async def cached(scripted: Scripted, **turned: Any) -> AsyncIterator[tuple[AppUnderTest, MemoryAnswers]]:
    """An app with a cache, for all four wires."""
    answers = turned.pop("answers", None) or MemoryAnswers()
    async with (
        scripted,
        app_under_test(scripted.base_url, answers=answers, wire_at=lambda path, _: WIRES[path], **turned) as app,
    ):
        yield app, answers


def as_exact(app: AppUnderTest) -> None:
    app.keys.records[key_hash(KEY)] = replace(RECORD, cache="exact")


async def charges(app: AppUnderTest) -> list[int]:
    """The charges, dearest first; nothing is held any more."""
    look = await app.look()
    assert look.holds == ()
    return sorted((-entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE), reverse=True)


def told(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.headers.get("x-nexevo-cache"), answer.headers.get("age")


async def test_an_equal_request_is_answered_from_the_cache_at_a_quarter_of_the_price() -> None:
    async with cached(provider()) as (app, _):
        as_exact(app)
        first, second = [await app.ask(hello(temperature=0)) for _ in range(2)]
        assert (told(first), told(second)) == ((200, "miss", None), (200, "exact", "0"))
        assert await charges(app) == [PRICE, QUARTER]
    one, other = first.json, second.json
    assert [other["nexevo"][name] for name in ("cache", "cost_usd", "model_used")] == ["exact", "0.000019688", "gpt-4o"]
    assert other["nexevo"]["models_tried"] == [{"model": "gpt-4o", "provider": "openai", "outcome": "cached"}]
    assert one["id"] != other["id"]
    for body in (one, other):
        del body["id"], body["nexevo"], body["created"]
    assert one == other
    assert second.headers["x-usage-output-tokens"] == "5"


@pytest.mark.parametrize(
    ("setting", "more", "header", "used"),
    [
        ("exact", {"temperature": 0}, None, True),
        ("exact", {"seed": 7}, None, True),
        ("exact", {}, None, False),
        ("exact", {"temperature": 0}, "no-store", False),
        ("exact", {"temperature": 0}, "no-cache", False),
        ("off", {"temperature": 0}, None, False),
        ("off", {}, "max-age=600", True),
        ("off", {}, "scope=key", True),
        ("off", {}, "max-age=600, no-cache", False),
    ],
)
async def test_the_cache_is_used_where_key_or_header_ask_for_it(
    setting: str, more: dict[str, Any], header: str | None, used: bool
) -> None:
    async with cached(provider()) as (app, _):
        app.keys.records[key_hash(KEY)] = replace(RECORD, cache=setting)
        headers = {} if header is None else {"x-nexevo-cache-control": header}
        answers = [await app.ask(hello(**more), headers=headers) for _ in range(2)]
        assert [told(answer)[1] for answer in answers] == ["miss", "exact" if used else "miss"]


async def test_a_request_that_does_not_ask_touches_no_cache() -> None:
    class Untouched:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    async with cached(provider(), answers=Untouched()) as (app, _):
        assert told(await app.ask(hello(temperature=0)))[:2] == (200, "miss")
        assert (await app.ask(hello(stream=True))).text == "Hello!"


async def test_a_wrong_directive_is_refused_before_anything_is_held() -> None:
    async with cached(provider()) as (app, _):
        refused = await app.ask(hello(), headers={"x-nexevo-cache-control": "max-age=soon"})
        assert (refused.status, refused.error["param"]) == (400, "X-Nexevo-Cache-Control")
        assert await charges(app) == []


async def test_an_answer_gets_old() -> None:
    async with cached(provider()) as (app, answers):
        await app.ask(hello(), headers=ASKS)
        ((name, kept),) = answers.standing.items()
        assert isinstance(kept, CachedAnswer)
        answers.standing[name] = replace(kept, kept_at_s=kept.kept_at_s - 100)
        assert told(await app.ask(hello(), headers=ASKS)) == (200, "exact", "100")
        young = {"x-nexevo-cache-control": "max-age=60"}
        assert told(await app.ask(hello(), headers=young)) == (200, "miss", None)
        # That answer has taken the old one's place.
        assert told(await app.ask(hello(), headers=young)) == (200, "exact", "0")


async def test_no_cache_asks_anew_and_no_store_keeps_nothing() -> None:
    async with cached(provider()) as (app, answers):
        await app.ask(hello(), headers={"x-nexevo-cache-control": "scope=account, no-store"})
        assert answers.standing == {}
        for _ in range(2):
            again = await app.ask(hello(), headers={"x-nexevo-cache-control": "scope=account, no-cache"})
            assert told(again)[1] == "miss"
        assert told(await app.ask(hello(), headers={"x-nexevo-cache-control": "no-store, scope=account"}))[1] == "exact"


@pytest.mark.parametrize("stored_as_stream", [False, True])
@pytest.mark.parametrize("stored_on", QUESTIONS)
async def test_an_answer_is_given_again_on_every_wire_whole_and_as_a_stream(
    stored_on: str, stored_as_stream: bool
) -> None:
    is_responses = stored_on == "responses"
    async with cached(provider()) as (app, _):
        await ask_on(app, stored_on, stream=stored_as_stream)
        for wire in QUESTIONS:
            for stream in (False, True):
                answer = await ask_on(app, wire, stream=stream)
                assert told(answer) == (200, "exact", "0"), wire
                assert said_on(wire, answer, stream=stream) == ("Hello there" if is_responses else "Hello!")
        paid = await charges(app)
        assert is_responses or paid == [PRICE] + [QUARTER] * 8
        assert (len(paid), len(set(paid[1:]))) == (9, 1)


async def ask_on(app: AppUnderTest, wire: str, *, stream: bool) -> Answer:
    path, body = QUESTIONS[wire]
    if wire == "gemini":
        return await app.ask(body, path=GEMINI_STREAM if stream else GEMINI, headers=ASKS)
    return await app.ask({**body, "stream": stream}, path=path, headers=ASKS)


def said_on(wire: str, answer: Answer, *, stream: bool) -> str:
    """The text of an answer."""
    if stream and wire == "chat":
        return answer.text
    events = [orjson.loads(data) for data in answer.data if data != b"[DONE]"] if stream else [answer.json]
    if wire == "chat":
        return str(events[0]["choices"][0]["message"]["content"])
    if wire == "gemini":
        parts = [part for each in events for part in each["candidates"][0].get("content", {}).get("parts", [])]
        return "".join(part.get("text", "") for part in parts)
    if wire == "messages":
        pieces = [each.get("delta", {}).get("text", "") for each in events]
        return "".join(pieces) if stream else str(events[0]["content"][0]["text"])
    response = events[-1]["response"] if stream else events[0]
    return str(response["output"][0]["content"][0]["text"])


async def test_a_stream_with_a_call_is_given_again_as_it_was() -> None:
    async with cached(provider(*CALL_STREAM)) as (app, _):
        asked = hello(stream=True, tools=[TOOL], stream_options={"include_usage": True})
        first, second = [await app.ask(asked, headers=ASKS) for _ in range(2)]
        assert told(second)[1] == "exact"
        assert joined(first) == joined(second)
        assert joined(second)["calls"] == [("call_7", "get_weather", '{"city": "Paris"}')]
        assert [chunk["nexevo"]["cost_usd"] for chunk in second.chunks if "nexevo" in chunk] == ["0.000019688"]
        whole = await app.ask(hello(tools=[TOOL]), headers=ASKS)
        assert whole.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Paris"}'
        assert await charges(app) == [PRICE, QUARTER, QUARTER]


def joined(answer: Answer) -> dict[str, Any]:
    """A stream's content, its end and its usage."""
    found: dict[str, Any] = {"text": answer.text, "calls": [], "end": None, "usage": None}
    for chunk in answer.chunks:
        counts = chunk.get("usage") or {}
        found["usage"] = [counts[name] for name in COUNTS if name in counts] or found["usage"]
        for choice in chunk["choices"]:
            found["end"] = choice["finish_reason"] or found["end"]
            for call in choice["delta"].get("tool_calls") or []:
                said = call["function"]
                if call.get("id"):
                    found["calls"].append((call["id"], said["name"], said["arguments"]))
                else:
                    identity, name, arguments = found["calls"][-1]
                    found["calls"][-1] = identity, name, arguments + said["arguments"]
    return found


async def test_accounts_keys_and_users_are_strangers() -> None:
    async with cached(provider()) as (app, _):
        await app.money.open_account("acct_2", rpm_limit=1000)
        await app.money.credit("acct_2", 10**9, once="first", now_s=app.clock.now_s())
        app.keys.records[key_hash("sk-2")] = replace(RECORD, key_id="key_2")
        app.keys.records[key_hash("sk-3")] = replace(RECORD, key_id="key_3", account_id="acct_2")

        async def asked(key: str, scope: str, **more: Any) -> str | None:
            headers = {"x-nexevo-cache-control": f"scope={scope}", "authorization": f"Bearer {key}"}
            return told(await app.ask(hello(**more), headers=headers))[1]

        assert [await asked(key, "account") for key in (KEY, "sk-2", "sk-3")] == ["miss", "exact", "miss"]
        assert [await asked(key, "key") for key in (KEY, "sk-2", KEY)] == ["miss", "miss", "exact"]
        users = [await asked(key, "user", user=user) for key, user in ((KEY, "ann"), (KEY, "bob"), ("sk-2", "ann"))]
        assert users == ["miss", "miss", "exact"]


FILTERED = completion().replace(b'"finish_reason":"stop"', b'"finish_reason":"content_filter"')
CUT_SHORT = completion().replace(b'"finish_reason":"stop"', b'"finish_reason":"length"')
UNCOUNTED = completion().replace(b'"usage":', b'"unused":')
REFUSED = completion().replace(b'"refusal":null', b'"refusal":"I will not."')


@pytest.mark.parametrize("body", [FILTERED, CUT_SHORT, UNCOUNTED, REFUSED, completion("")])
async def test_an_answer_that_is_not_whole_is_never_kept(body: bytes) -> None:
    async with cached(provider(body=body)) as (app, answers):
        for _ in range(2):
            assert told(await app.ask(hello(), headers=ASKS)) == (200, "miss", None)
        assert not any(isinstance(each, CachedAnswer) for each in answers.standing.values())


@pytest.mark.parametrize(
    "pieces",
    [
        (event(delta("Hel")), event(delta(finish="stop")), piece(b"")),
        (event(delta("Hel")), event({"error": {"message": "no"}}), piece(b"")),
        (event(delta("Hel")), event(delta(finish="content_filter")), event(usage()), DONE),
        (event(delta("Hel")), event(delta(finish="stop")), DONE),
    ],
)
async def test_a_stream_that_is_not_whole_is_never_kept(pieces: tuple[bytes, ...]) -> None:
    async with cached(provider(*pieces)) as (app, answers):
        await app.ask(hello(stream=True), headers=ASKS)
        assert not any(isinstance(each, CachedAnswer) for each in answers.standing.values())


async def test_an_answer_of_a_fallback_is_kept_under_its_own_model() -> None:
    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        is_first = orjson.loads(scripted.bodies[number - 1])["model"].startswith("gpt-4o-2")
        model = orjson.loads(scripted.bodies[number - 1])["model"]
        down = "mini" not in model
        writer.write(sized(503, b"{}") if down or is_first else sized(200, completion("of mini")))
        await writer.drain()

    scripted = Scripted(script)
    async with cached(scripted) as (app, _):
        asked = hello(models=["gpt-4o-mini"])
        fallen = await app.ask(asked, headers=ASKS)
        assert (told(fallen)[1], fallen.headers["x-nexevo-model-used"]) == ("miss", "gpt-4o-mini")
        again = await app.ask(asked, headers=ASKS)
        assert (told(again)[1], again.headers["x-nexevo-model-used"]) == ("miss", "gpt-4o-mini")
        other = await app.ask({**hello(), "model": "gpt-4o-mini"}, headers=ASKS)
        assert (told(other)[1], other.json["choices"][0]["message"]["content"]) == ("exact", "of mini")


async def test_an_answer_of_a_target_that_the_caller_leaves_out_is_not_given() -> None:
    async with cached(provider()) as (app, _):
        await app.ask(hello(), headers=ASKS)
        refused = await app.ask(hello(provider={"ignore": ["openai"]}), headers=ASKS)
        assert told(refused)[1] != "exact"
        assert told(await app.ask(hello(provider={"only": ["openai"]}), headers=ASKS))[1] == "exact"


async def test_a_hundred_equal_streams_ask_once_and_pay_each_for_itself() -> None:
    scripted = provider(pause_s=1.0)
    async with cached(scripted) as (app, answers):
        streams = await asyncio.gather(*(app.ask(hello(stream=True), headers=ASKS) for _ in range(100)))
        assert len(scripted.bodies) == 1
        assert {(stream.status, stream.text, stream.data[-1]) for stream in streams} == {(200, "Hello!", b"[DONE]")}
        bills = [chunk["nexevo"]["cost_usd"] for stream in streams for chunk in stream.chunks if "nexevo" in chunk]
        assert sorted(bills) == ["0.000019688"] * 99 + ["0.00007875"]
        assert await charges(app) == [PRICE] + [QUARTER] * 99
        (counts,) = answers.counts.values()
        assert (counts.hits, counts.misses, counts.saved_nanousd) == (99, 1, 99 * (PRICE - QUARTER))
        assert (counts.saved_input_tokens, counts.saved_output_tokens) == (990, 495)


async def test_a_caller_who_leaves_is_followed_by_one_of_those_who_wait() -> None:
    scripted = provider(pause_s=1.0)
    async with cached(scripted) as (app, _):
        gone = asyncio.create_task(app.ask(hello(stream=True), headers=ASKS))
        await asyncio.sleep(2.5)
        waiting = [asyncio.create_task(app.ask(hello(stream=True), headers=ASKS)) for _ in range(5)]
        await asyncio.sleep(0.1)
        gone.cancel()
        assert [stream.text for stream in await asyncio.gather(*waiting)] == ["Hello!"] * 5
        assert len(scripted.bodies) == 2


async def test_a_caller_who_leaves_after_a_failed_attempt_is_followed_by_one_too() -> None:
    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(503, b"{}") if number == 1 else SSE_HEAD)
        for each in TEXT_STREAM if number > 1 else ():
            await asyncio.sleep(1.0)
            writer.write(each)
        await writer.drain()

    scripted = Scripted(script)
    async with cached(scripted) as (app, _):
        asked = hello(stream=True, models=["gpt-4o-mini"])
        gone = asyncio.create_task(app.ask(asked, headers=ASKS))
        await asyncio.sleep(2.5)
        waiting = [asyncio.create_task(app.ask(asked, headers=ASKS)) for _ in range(5)]
        await asyncio.sleep(0.1)
        gone.cancel()
        assert [stream.text for stream in await asyncio.gather(*waiting)] == ["Hello!"] * 5
        assert len(scripted.bodies) == 3


async def test_those_who_wait_for_an_answer_that_may_not_be_kept_ask_by_themselves() -> None:
    pieces = (event(delta("Hel")), event(delta(finish="length")), event(usage()), DONE)
    scripted = provider(*pieces, pause_s=1.0)
    async with cached(scripted) as (app, _):
        streams = await asyncio.gather(*(app.ask(hello(stream=True), headers=ASKS) for _ in range(5)))
        assert {stream.text for stream in streams} == {"Hel"}
        assert len(scripted.bodies) == 5
        assert await charges(app) == [PRICE] * 5


async def test_a_refusal_is_told_although_the_stream_opens_while_its_claim_is_freed() -> None:
    class Slow(MemoryAnswers):
        async def free(self, name: AnswerName, attempt_id: str, *, alone_until_s: float | None = None) -> None:
            await asyncio.sleep(1.0)
            await super().free(name, attempt_id, alone_until_s=alone_until_s)

    async def refuse(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(400, b'{"error": {"message": "No.", "type": "invalid_request_error"}}'))
        await writer.drain()

    async with cached(Scripted(refuse), answers=Slow()) as (app, _):
        answer = await app.ask(hello(stream=True), headers=ASKS)
        assert (answer.status, answer.ended) == (200, True)
        assert answer.chunks[-1]["error"]["message"] == "No."


async def test_a_dead_leader_is_taken_over_after_its_lease() -> None:
    scripted = provider()
    async with cached(scripted) as (app, answers):
        await app.ask(hello(), headers=ASKS)
        ((name, _),) = answers.standing.items()
        answers.standing[name] = Running("dead", app.clock.now_s() + 15)
        answer = await app.ask(hello(), headers=ASKS)
        assert (told(answer)[1], len(scripted.bodies)) == ("miss", 2)
        assert told(await app.ask(hello(), headers=ASKS))[1] == "exact"


async def test_those_who_come_after_the_seconds_of_a_failure_ask_once_again() -> None:
    scripted = provider(pause_s=1.0)
    async with cached(scripted) as (app, answers):
        await app.ask(hello(), headers=ASKS)
        ((name, _),) = answers.standing.items()
        answers.standing[name] = Running("failed", app.clock.now_s() - 1, is_alone=True)
        streams = await asyncio.gather(*(app.ask(hello(stream=True), headers=ASKS) for _ in range(3)))
        assert ({stream.text for stream in streams}, len(scripted.bodies)) == ({"Hello!"}, 2)


async def test_a_long_answer_keeps_its_claim() -> None:
    scripted = provider(pause_s=12.0)
    async with cached(scripted) as (app, _):
        streams = await asyncio.gather(*(app.ask(hello(stream=True), headers=ASKS) for _ in range(3)))
        assert (len(scripted.bodies), {stream.text for stream in streams}) == (1, {"Hello!"})


async def test_a_refused_admission_leaves_no_claim() -> None:
    async with cached(provider(), balance_usd=0) as (app, answers):
        assert (await app.ask(hello(), headers=ASKS)).status == 402
        assert answers.standing == {}


async def test_a_store_that_is_down_is_no_cache() -> None:
    class Down:
        def __getattr__(self, name: str) -> Any:
            async def fail(*_: Any, **__: Any) -> Any:
                raise ServiceUnavailable(name)

            return fail

    async with cached(provider(), answers=Down()) as (app, _):
        for stream in (False, True):
            assert (await app.ask(hello(stream=stream), headers=ASKS)).status == 200
        assert await charges(app) == [PRICE, PRICE]


async def test_a_kept_answer_of_the_idempotency_key_bears_no_age() -> None:
    async with cached(provider()) as (app, _):
        headers = {**ASKS, "idempotency-key": "once"}
        await app.ask(hello(), headers=ASKS)
        hit = await app.ask(hello(), headers=headers)
        replayed = await app.ask(hello(), headers=headers)
        assert (told(hit), told(replayed)) == ((200, "exact", "0"), (200, "exact", None))
        assert (replayed.body, await charges(app)) == (hit.body, [PRICE, QUARTER])
