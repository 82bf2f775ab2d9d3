"""Tests of requests whose provider runs tools: refused without a price, else held for, charged by use and shown."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec
from gateway.canonical.money import Charge, EntryKind
from gateway.logs.metrics import METRIC
from gateway.operations.token_meter import FOUND_TOKENS
from gateway.ports.upstream import Credential
from gateway.protocols import anthropic_messages, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.answer import Searches
from gateway.protocols.gemini.codec import GeminiClient
from tests.app.harness import (
    DOLLAR,
    SSE_HEAD,
    Answer,
    AppUnderTest,
    Scripted,
    app_under_test,
    completion,
    event,
    hello,
    piece,
    sized,
)
from tests.app.test_streams import doing

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
TEXT = "Oslo has ten degrees."
GEMINI = GeminiClient(Address("gemini-2.5-flash", "generateContent"))
GEMINI_3 = GeminiClient(Address("gemini-3-flash-preview", "generateContent"))
GEMINI_STREAM = GeminiClient(Address("gemini-2.5-flash", "streamGenerateContent", is_sse=True))
WIRES: dict[str, ClientCodec] = {
    "responses": openai_responses.CLIENT,
    "messages": anthropic_messages.CLIENT,
    "gemini": GEMINI,
    "gemini3": GEMINI_3,
}
ASKED: dict[str, Json] = {
    "responses": {"model": "gpt-5", "input": "Hi", "tools": [{"type": "web_search"}], "max_output_tokens": 100},
    "messages": {
        "model": "claude-haiku-4-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
    },
    "gemini": {
        "contents": [{"parts": [{"text": "Hi"}]}],
        "tools": [{"googleSearch": {}}],
        "generationConfig": {"maxOutputTokens": 100},
    },
}
ASKED["gemini3"] = ASKED["gemini"]
# USD of 1,000 prompt and 50 output tokens at list price + 5 %, and of one search.
TOKENS = {"responses": 1_837_500, "messages": 1_312_500, "gemini": 446_250, "gemini3": 682_500}
SEARCH = {"responses": 10_500_000, "messages": 10_500_000, "gemini": 36_750_000, "gemini3": 14_700_000}


def searched(number: int, **action: Any) -> Json:
    acted = action or {"type": "search", "query": "oslo"}
    return {"id": f"ws_{number}", "type": "web_search_call", "status": "completed", "action": acted}


def responses(searches: int, **more: Any) -> Json:
    said = {"type": "output_text", "text": TEXT, "annotations": []}
    message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [said]}
    free = [searched(98) | {"status": "failed"}, searched(99, type="open_page", url="https://example.com")]
    return {
        "id": "resp_up",
        "object": "response",
        "status": "completed",
        "created_at": 1,
        "model": "gpt-5",
        "output": [*map(searched, range(searches)), *free, message],
        "usage": {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050},
    } | more


def messages(searches: int, **more: Any) -> Json:
    return {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1000, "output_tokens": 50, "server_tool_use": {"web_search_requests": searches}},
    } | more


def gemini(searches: int, **more: Any) -> Json:
    grounded = {"webSearchQueries": [f"oslo {number}" for number in range(searches)]} if searches else {}
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": TEXT}]},
                "finishReason": "STOP",
                "groundingMetadata": grounded,
            }
        ],
        "usageMetadata": {"promptTokenCount": 900, "toolUsePromptTokenCount": 100, "candidatesTokenCount": 50},
    } | more


ANSWERS = {"responses": responses, "messages": messages, "gemini": gemini, "gemini3": gemini}


def rows(base_url: str) -> Json:
    return {name: Credential("key", base_url) for name in ("openai", "anthropic", "gemini")}


async def ask(
    wire: str, answered: Any, *, body: Json | None = None, **turned: Any
) -> tuple[Answer, list[Charge], Json]:
    """Asks once; returns the answer, the charges, and what the provider got."""
    script = doing(*answered) if isinstance(answered, list) else doing(sized(200, orjson.dumps(answered)))
    client = turned.pop("client", WIRES[wire])
    async with (
        Scripted(script) as provider,
        app_under_test(provider.base_url, rows=rows(provider.base_url), wire_at=lambda *_: client, **turned) as gateway,
    ):
        answer = await gateway.ask(body or ASKED[wire])
        return answer, await charges(gateway), orjson.loads(provider.bodies[0]) if provider.bodies else {}


async def charges(gateway: AppUnderTest) -> list[Charge]:
    entries = (await gateway.look()).entries
    return [entry.charge for entry in entries if entry.kind is EntryKind.CHARGE and entry.charge is not None]


async def answered(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(sized(200, completion()))


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [FUNCTION, {"type": "web_search"}]}, "tools[1]"),
        ({"tools": [{"type": "hologram"}]}, "tools[0]"),
        ({"web_search_options": {}}, "web_search_options"),
    ],
)
async def test_a_tool_without_a_price_is_refused_by_name(members: dict[str, object], param: str) -> None:
    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(**members))
        assert (answer.status, answer.error["param"], provider.bodies) == (400, param, [])


async def test_a_function_is_no_such_tool() -> None:
    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        assert (await gateway.ask(hello(tools=[FUNCTION]))).status == 200
        assert orjson.loads(provider.bodies[0])["tools"] == [FUNCTION]


@pytest.mark.parametrize("wire", list(ANSWERS))
@pytest.mark.parametrize("searches", [0, 1, 3])
async def test_each_search_is_a_line_of_the_charge_and_of_the_answer(wire: str, searches: int) -> None:
    answer, [charge], _ = await ask(wire, ANSWERS[wire](searches))
    paid = min(searches, 1) if wire == "gemini" else searches
    assert charge.cost_nanousd == TOKENS[wire] + paid * SEARCH[wire]
    assert [(line.uses, line.nanousd) for line in charge.tools] == ([(paid, paid * SEARCH[wire])] if searches else [])
    lines = answer.json["nexevo"].get("tools", [])
    assert sum(round(float(line["cost_usd"]) * DOLLAR) for line in lines) == paid * SEARCH[wire]
    assert round(float(answer.json["nexevo"]["cost_usd"]) * DOLLAR) == charge.cost_nanousd


@pytest.mark.parametrize("wire", ["responses", "messages", "gemini3"])
async def test_more_searches_than_the_bound_are_named_and_not_charged(
    wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    most = 10 if wire == "gemini3" else 5
    _, [charge], _ = await ask(wire, ANSWERS[wire](most + 4))
    assert charge.cost_nanousd == TOKENS[wire] + most * SEARCH[wire]
    assert {"UsageBeyondBounds": 1} in [record.__dict__.get(METRIC) for record in caplog.records]


async def test_searches_that_were_not_asked_for_are_not_charged() -> None:
    body = {name: value for name, value in ASKED["messages"].items() if name != "tools"}
    told = {"input_tokens": 100, "output_tokens": 50, "server_tool_use": {"web_search_requests": 3}}
    _, [charge], _ = await ask("messages", messages(3, usage=told), body=body)
    # 100 tokens at 1 and 50 at 5 USD a million, and 5 % on top.
    assert (charge.cost_nanousd, charge.tools) == (367_500, ())


@pytest.mark.parametrize("wire", list(ANSWERS))
async def test_a_request_whose_searches_the_balance_does_not_cover_is_refused_before_it_is_sent(wire: str) -> None:
    body = ASKED[wire] | {"max_price": {"total": "0.02"}}
    answer, charged, sent = await ask(wire, ANSWERS[wire](1), body=body)
    assert (answer.status, charged, sent) == (400, [], {})
    answer, charged, sent = await ask(wire, ANSWERS[wire](1), balance_usd=0)
    assert (answer.status, charged, sent) == (402, [], {})


@pytest.mark.parametrize("wire", list(ANSWERS))
async def test_the_dearest_use_of_the_tools_costs_no_more_than_was_held(wire: str) -> None:
    greedy: dict[str, Json] = {
        "responses": {"usage": {"input_tokens": 10**9, "output_tokens": 100}},
        "messages": {
            "usage": {
                "input_tokens": 0,
                "output_tokens": 100,
                "cache_creation": {"ephemeral_1h_input_tokens": 10**9},
                "server_tool_use": {"web_search_requests": 10**9},
            }
        },
        "gemini": {"usageMetadata": {"promptTokenCount": 10**9, "candidatesTokenCount": 100}},
    }
    greedy["gemini3"] = greedy["gemini"]
    held: list[int] = []

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        held.append((await gateway.look()).held_nanousd)
        writer.write(sized(200, orjson.dumps(ANSWERS[wire](20, **greedy[wire]))))

    async with (
        Scripted(script) as provider,
        app_under_test(provider.base_url, rows=rows(provider.base_url), wire_at=lambda *_: WIRES[wire]) as gateway,
    ):
        assert (await gateway.ask(ASKED[wire])).status == 200
        [charge] = await charges(gateway)
    assert SEARCH[wire] < charge.cost_nanousd <= held[0]
    # The dearest class of a prompt is one that this wire can report.
    assert wire not in {"responses", "messages"} or charge.cost_nanousd == held[0]


def named(kind: str, **members: Any) -> bytes:
    data = orjson.dumps({"type": kind, **members})
    return piece(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))


def shown(kind: str, place: int, item: Json) -> bytes:
    return named(f"response.output_item.{kind}", output_index=place, item=item)


def block(place: int, content: Json) -> list[bytes]:
    return [
        named("content_block_start", index=place, content_block=content),
        named("content_block_stop", index=place),
    ]


USED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "x" * 9000}]}
FAILED = FOUND | {"content": {"type": "web_search_tool_result_error", "error_code": "unavailable"}}
BEGUN = [SSE_HEAD, named("message_start", message={"id": "m", "model": "c", "usage": {"input_tokens": 1000}})]
UNFINISHED = gemini(2) | {"candidates": [gemini(2)["candidates"][0] | {"finishReason": None}]}
CUT: dict[str, list[Any]] = {
    "responses": [
        SSE_HEAD,
        named("response.created", response={"id": "r", "model": "gpt-5"}),
        shown("done", 0, searched(0)),
        shown("added", 1, searched(1) | {"status": "in_progress", "action": None}),
        shown("added", 2, searched(2) | {"status": "in_progress"}),
        shown("done", 2, searched(2, type="open_page", url="https://example.com")),
        None,
    ],
    "messages": [*BEGUN, *block(0, USED), *block(1, FOUND), *block(2, USED), *block(3, FAILED), *block(4, USED), None],
    "gemini": [
        SSE_HEAD,
        event(gemini(2) | {"candidates": [gemini(2)["candidates"][0] | {"finishReason": None}]}),
        None,
    ],
}
SEEN = {"responses": 2, "messages": 2, "gemini": 1}


@pytest.mark.parametrize("wire", list(CUT))
async def test_a_stream_that_is_cut_is_charged_for_the_searches_that_it_has_shown(wire: str) -> None:
    body = ASKED[wire] if wire == "gemini" else ASKED[wire] | {"stream": True}
    more = {"client": GEMINI_STREAM} if wire == "gemini" else {}
    _, [charge], _ = await ask(wire, CUT[wire], body=body, **more)
    assert [(line.uses, line.nanousd) for line in charge.tools] == [(SEEN[wire], SEEN[wire] * SEARCH[wire])]
    assert charge.estimated
    # What a search has found is read and not written.
    assert charge.usage.output < 100
    assert charge.usage.input >= (1_000 if wire == "gemini" else 2 * FOUND_TOKENS)


async def test_a_whole_stream_is_charged_as_the_same_answer_at_once() -> None:
    done = responses(2)
    items = [shown("done", place, item) for place, item in enumerate(done["output"])]
    steps = [SSE_HEAD, named("response.created", response={"id": "r", "model": "gpt-5"}), *items]
    answer, [charge], sent = await ask(
        "responses",
        [*steps, named("response.completed", response=done), piece(b"")],
        body=ASKED["responses"] | {"stream": True},
    )
    assert charge.cost_nanousd == TOKENS["responses"] + 2 * SEARCH["responses"]
    assert b'"tools":[{"tool":"web_search","uses":2,"cost_usd":"0.021"}]' in answer.body
    assert sent["max_tool_calls"] == 5


async def test_searches_that_a_stream_shows_count_where_its_last_usage_does_not_tell() -> None:
    start = {"id": "m", "model": "c", "usage": {"input_tokens": 1000, "server_tool_use": {"web_search_requests": 0}}}
    ended = named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 50})
    steps = [SSE_HEAD, named("message_start", message=start), *block(0, USED), *block(1, FOUND), ended]
    _, [charge], _ = await ask(
        "messages", [*steps, named("message_stop"), piece(b"")], body=ASKED["messages"] | {"stream": True}
    )
    assert (charge.cost_nanousd, charge.estimated) == (TOKENS["messages"] + SEARCH["messages"], False)


async def test_sources_that_follow_the_last_count_of_a_stream_are_charged() -> None:
    told = gemini(2)
    late = {"candidates": [{"groundingMetadata": told["candidates"][0].pop("groundingMetadata")}]}
    steps = [SSE_HEAD, event(told), event(late), piece(b"")]
    _, [charge], _ = await ask("gemini", steps, client=GEMINI_STREAM)
    assert (charge.cost_nanousd, charge.estimated) == (TOKENS["gemini"] + SEARCH["gemini"], False)


def test_queries_that_chunks_tell_again_are_counted_once_and_those_made_twice_twice() -> None:
    searches = Searches()
    for queries in (["a", "a"], ["a", "b"], [], ["a", ""]):
        searches.note(0, {"groundingMetadata": {"webSearchQueries": queries}})
    searches.note(1, {"groundingMetadata": {"imageSearchQueries": ["a"], "groundingChunks": [{"maps": {}}, None]}})
    assert searches.uses == (("google_maps", 1), ("google_search", 4))


async def test_a_search_is_kept_at_once_so_that_a_death_is_charged_for_it() -> None:
    steps = [*CUT["responses"][:3], 5.0]
    async with (
        Scripted(doing(*steps)) as provider,
        app_under_test(
            provider.base_url, rows=rows(provider.base_url), wire_at=lambda *_: WIRES["responses"]
        ) as gateway,
    ):
        asking = asyncio.create_task(gateway.ask(ASKED["responses"] | {"stream": True}))
        kept = None
        for _ in range(200):
            await asyncio.sleep(0.01)
            (kept,) = [hold.checkpoint async for hold in gateway.money.overdue(2**40)]
            if kept is not None:
                break
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert kept is not None
    assert [(line.tool, line.uses) for line in kept.tools] == [("web_search", 1)]


async def test_k_of_n_searches_are_admitted_where_the_balance_covers_k() -> None:
    held: list[int] = []

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        held.append((await gateway.look()).held_nanousd)
        await asyncio.sleep(0.2)
        writer.write(sized(200, orjson.dumps(messages(1))))

    async with (
        Scripted(script) as provider,
        app_under_test(
            provider.base_url, rows=rows(provider.base_url), wire_at=lambda *_: WIRES["messages"], balance_usd=4
        ) as gateway,
    ):
        answers = await asyncio.gather(*(gateway.ask(ASKED["messages"]) for _ in range(12)))
        statuses = sorted(answer.status for answer in answers)
        admitted = statuses.count(200)
        one = max(held) // admitted
        assert admitted == 4 * DOLLAR // one
        assert statuses.count(402) == 12 - admitted > 0
