"""Tests what a realtime session's client sees of faults, its provider's and its own, and that its money stays exact."""

import asyncio
import contextlib
from typing import Any

import httpx
import pytest
import websockets
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from gateway.wiring.clearing import clearing_of
from gateway.wiring.process import of_settings
from gateway.wiring.settings import from_environment
from local.operator_commands import running_environment
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.talking import MODEL, connected, said, session, setting

# OpenAI's alone: there is no other provider to go on with.
ONE_PROVIDER = "gpt-realtime-1.5"
# OpenAI's first, and Azure's.
TWO_PROVIDERS = ("gpt-realtime-mini", "gpt-4o-realtime-preview", "gpt-4o-mini-realtime-preview")
GEMINI = "gemini-2.5-flash-native-audio-preview-09-2025"
# Codes after which a session goes on over another socket; the last one stands for a connection that breaks.
PASSING_CODES = (1000, 1011, 1013, 1006)
FRAME_BYTES = 32 * 1024


async def asked(connection: AsyncRealtimeConnection, words: str) -> list[Any]:
    """The events after a question, to the response's end, to an error, or to the end of the connection."""
    await connection.conversation.item.create(item=said(words))
    await connection.response.create()
    return await heard(connection)


async def heard(connection: AsyncRealtimeConnection) -> list[Any]:
    events: list[Any] = []
    try:
        while not events or events[-1].type not in {"response.done", "error"}:
            events.append(await connection.recv())
    except websockets.ConnectionClosed as closed:
        events.append(closed)
    return events


async def closing(connection: AsyncRealtimeConnection) -> int:
    """The code with which the connection ends, without another event."""
    try:
        event = await connection.recv()
    except websockets.ConnectionClosed as closed:
        return 1006 if closed.rcvd is None else closed.rcvd.code
    pytest.fail(f"{event} came after the error")


def paid(owner: Stack) -> list[tuple[int, bool]]:
    """The tokens of each charge's output, and whether they are an estimate; the oldest charge comes first."""
    books = owner.settled()
    charges = [entry for entry in books["entries"] if entry["kind"] == "charge"]
    assert books["held_nano"] == 0
    assert sum(entry["amount_nano"] for entry in books["entries"]) == books["balance_nano"]
    return [(charge["usage"]["output"], charge["estimated"]) for charge in charges]


def test_a_provider_that_ends_or_stalls_in_a_response_costs_that_response_alone(stack: Stack) -> None:
    async def talk(owner: Stack, words: str) -> list[Any]:
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            first = asyncio.ensure_future(asked(connection, words))
            if "stall" in words:
                await asyncio.sleep(1)
                await connection.response.cancel()
            *_, ended = await first
            *_, after = await asked(connection, "Hello")
            return [ended.response, after.response]

    cases = [f"Speak. [[sim: tokens=200 cut_after=6 code={code}]]" for code in PASSING_CODES]
    cases.append("Speak. [[sim: tokens=200 stall_after=6]]")
    owners = [stack.with_new_account("5") for _ in cases]

    async def side_by_side() -> list[list[Any]]:
        return await asyncio.gather(*map(talk, owners, cases))

    for owner, (ended, after) in zip(owners, asyncio.run(side_by_side()), strict=True):
        stalled = ended.status == "cancelled"
        assert stalled or (ended.status, ended.status_details.error.code) == ("failed", "session_moved")
        assert (after.status, stalled) == ("completed", owner is owners[-1])
        (first, estimated), second = paid(owner)
        assert (first > 0, estimated) == (True, not stalled)
        assert second == (after.usage.output_tokens, False)


def test_a_provider_that_refuses_to_go_on_or_speaks_garbage_ends_the_session(stack: Stack) -> None:
    async def talk(owner: Stack, words: str) -> tuple[str, int]:
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            *_, error = await asked(connection, words)
            return error.error.code, await closing(connection)

    cases = ["Speak. [[sim: tokens=200 cut_after=6 code=1008]]", "Speak. [[sim: tokens=200 garbage_after=6]]"]
    owners = [stack.with_new_account("5") for _ in cases]

    async def side_by_side() -> list[tuple[str, int]]:
        return await asyncio.gather(*map(talk, owners, cases))

    # API Gateway knows no other code for what a session's process closes.
    assert asyncio.run(side_by_side()) == [("upstream_error", 1000)] * 2
    for owner in owners:
        ((output, estimated),) = paid(owner)
        assert (output > 0, estimated) == (True, True)


@pytest.mark.parametrize("fault", [{"cut_after": 0, "code": "1008"}, {"cut_after": 0, "code": "1013"}, {"status": 503}])
def test_a_provider_that_ends_before_its_first_event_costs_nothing(stack: Stack, fault: dict[str, Any]) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> tuple[str, int]:
        async with connected(owner, ONE_PROVIDER) as connection:
            (error,) = await heard(connection)
            return error.error.code, await closing(connection)

    with stack.faulty_sockets(fault, provider="openai"):
        assert asyncio.run(talk()) == ("upstream_error", 1000)
    assert paid(owner) == []


def test_a_message_that_is_too_large_ends_the_session_and_its_money(stack: Stack) -> None:
    async def talk(owner: Stack, sizes: list[int]) -> tuple[int, int]:
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            *_, done = await asked(connection, "Hello")
            await connection._connection.send(["x" * size for size in sizes])
            return done.response.usage.output_tokens, await closing(connection)

    # A frame that is too large, and a message of frames that are not.
    cases = [[FRAME_BYTES + 1], [FRAME_BYTES] * 4 + [1]]
    owners = [stack.with_new_account("5") for _ in cases]

    async def side_by_side() -> list[tuple[int, int]]:
        return await asyncio.gather(*map(talk, owners, cases))

    for owner, (output, code) in zip(owners, asyncio.run(side_by_side()), strict=True):
        assert code == 1009
        assert paid(owner) == [(output, False)]


def test_a_balance_that_ends_within_a_session_is_told_of_before_the_close(stack: Stack) -> None:
    owner = stack.with_new_account("0.28")

    async def talk() -> tuple[list[int], str, int]:
        outputs: list[int] = []
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            while True:
                *_, last = await asked(connection, "Speak. [[sim: tokens=1500]]")
                if last.type == "error":
                    return outputs, last.error.code, await closing(connection)
                # One that a hand-over has cut short is an estimate.
                outputs += [last.response.usage.output_tokens] if last.response.status == "completed" else []

    outputs, code, closed = asyncio.run(talk())
    assert (code, closed) == ("insufficient_balance", 1000)
    assert outputs
    assert [output for output, estimated in paid(owner) if not estimated] == outputs


def test_another_provider_serves_where_the_first_one_refuses_its_socket(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> Any:
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            *_, done = await asked(connection, "Hello")
            return done.response

    with stack.faulty_sockets({"status": 503}, provider="openai"):
        response = asyncio.run(talk())
    assert response.status == "completed"
    assert paid(owner) == [(response.usage.output_tokens, False)]


def test_another_provider_serves_for_each_fault_that_the_first_one_begins_with(stack: Stack) -> None:
    owner = stack.with_new_account("5")
    cut = {"cut_after": 0, "code": "1006"}
    rounds: list[list[dict[str, Any]]] = [
        [{"status": 401}, {"status": 429}, {"status": 500}],
        [cut, {"stall_after": 0}, {"garbage_after": 0}],
    ]

    async def talk(model: str) -> Any:
        async with session(owner, model) as connection:
            await connection.session.update(session=setting())
            return (await asked(connection, "Hello"))[-1].response

    async def side_by_side() -> list[Any]:
        return await asyncio.gather(*map(talk, TWO_PROVIDERS))

    responses = []
    for faults in rounds:
        with contextlib.ExitStack() as faulty:
            for model, fault in zip(TWO_PROVIDERS, faults, strict=True):
                faulty.enter_context(stack.faulty_sockets({**fault, "model": model}, provider="openai"))
            responses += asyncio.run(side_by_side())
    assert [response.status for response in responses] == ["completed"] * 6
    assert sorted(paid(owner)) == sorted((response.usage.output_tokens, False) for response in responses)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ({"cut_after": 0, "code": "1011"}, []),
        ({"stall_after": 0}, []),
        ({"cut_after": 0, "code": "1008"}, ["upstream_error"]),
    ],
)
def test_geminis_setup_is_sent_again_unless_it_is_refused_for_good(
    stack: Stack, fault: dict[str, Any], ends: list[str]
) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> list[str]:
        async with session(owner, GEMINI) as connection:
            await connection.session.update(session=setting())
            *_, last = await asked(connection, "Hello")
            return [last.error.code] if last.type == "error" else []

    with stack.faulty_sockets(fault, provider="gemini", times=1):
        assert asyncio.run(talk()) == ends
    assert len(paid(owner)) == 1 - len(ends)


def test_a_session_keeps_its_place_and_its_client_can_be_looked_for_until_it_ends(stack: Stack) -> None:
    owner = stack.with_new_account("5")
    headers = {"Authorization": f"Bearer {owner.api_key}"}
    with httpx.Client(base_url=owner.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as client:
        (key,) = client.get("/keys").raise_for_status().json()["data"]
        client.patch(f"/keys/{key['key_id']}", json={"max_parallel": 1}).raise_for_status()

    async def talk() -> tuple[int, bool]:
        on = of_settings(from_environment(running_environment(stack.data)))
        sessions = clearing_of(on, on.clock)
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            assert (await asked(connection, "Hello"))[-1].response.status == "completed"
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with connected(owner, MODEL):
                    pass
            (found,) = [each async for each in sessions.records.dead(2**40) if each.account_id == owner.account_id]
            is_open = await sessions.connections.is_open(found.stage, found.connection_id)
        # API Gateway forgets it as its client closes.
        while await sessions.connections.is_open(found.stage, found.connection_id):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.05)
        await on.client.close()
        return refused.value.response.status_code, is_open

    assert asyncio.run(asyncio.wait_for(talk(), HANGS_AFTER_S)) == (429, True)
    assert len(paid(owner)) == 1
