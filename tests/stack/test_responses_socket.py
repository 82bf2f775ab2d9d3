"""Tests responses over a WebSocket with OpenAI's SDK, through the WebSocket API, on every wire behind it."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import websockets
from openai import AsyncOpenAI
from openai.resources.responses.responses import AsyncResponsesConnection

from gateway.wiring.operator import clear_sessions
from gateway.wiring.settings import from_environment
from local.operator_commands import running_environment
from tests.environments import node_with, run
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack, lift_limit, local
from tests.stack.secured import certificate, secured

MODELS = ("gpt-5.2", "claude-haiku-4-5", "gemini-2.5-flash")
# So many turns outlast two runs of a session.
LASTS_S = 15
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


@contextlib.asynccontextmanager
async def socket(stack: Stack) -> AsyncIterator[AsyncResponsesConnection]:
    async with (
        asyncio.timeout(HANGS_AFTER_S),
        AsyncOpenAI(
            api_key=stack.api_key,
            base_url=stack.base_url,
            websocket_base_url=f"{stack.realtime_url}/v1",
            max_retries=0,
        ) as client,
        client.responses.connect() as connection,
    ):
        yield connection


async def answered(connection: AsyncResponsesConnection) -> Any:
    """The response at the end of a stream of events, or the error in its place."""
    while True:
        event: Any = await connection.recv()
        if event.type in {"response.completed", "response.incomplete", "response.failed"}:
            return event.response
        if event.type == "error":
            return event


@pytest.mark.parametrize("model", MODELS)
def test_tool_rounds_go_on_from_the_sockets_own_responses(stack: Stack, model: str) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> list[Any]:
        async with socket(owner) as connection:
            await connection.response.create(
                model=model, input="What is the weather in London?", tools=[WEATHER], store=False
            )
            first = await answered(connection)
            (call,) = [item for item in first.output if item.type == "function_call"]
            output: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "thick fog"}]
            await connection.response.create(
                model=model, input=output, tools=[WEATHER], store=False, previous_response_id=first.id
            )
            second = await answered(connection)
            await connection.response.create(model=model, input="Thanks.", previous_response_id=second.id)
            return [first, second, await answered(connection)]

    responses = asyncio.run(talk())
    assert [each.status for each in responses] == ["completed"] * 3
    assert "thick fog" in responses[1].output_text
    assert [each.previous_response_id for each in responses] == [None, responses[0].id, responses[1].id]
    paid = owner.charges()
    assert [each["usage"]["output"] for each in paid] == [each.usage.output_tokens for each in responses]


def test_what_is_refused_or_garbage_is_an_error_event_and_the_socket_goes_on(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> list[Any]:
        async with socket(owner) as connection:
            told = []
            for garbage in ("nonsense", "[]", '{"type":"response.steer"}', '{"type":"response.create"}'):
                await connection.send_raw(garbage)
                told.append(await answered(connection))
            asks: list[Any] = [
                {"model": "unknown", "input": "Hello"},
                {"model": MODELS[0], "input": "Hello", "previous_response_id": "resp_unknown"},
                {"model": MODELS[0], "input": "Hello", "background": True},
            ]
            for ask in asks:
                await connection.send_raw(orjson.dumps({"type": "response.create", **ask}).decode())
                told.append(await answered(connection))
            await connection.response.create(model=MODELS[0], input="Hello")
            last = await answered(connection)
            assert last.status == "completed"
            return told

    told = asyncio.run(talk())
    assert [each.status for each in told] == [400, 400, 400, 400, 404, 400, 400]
    codes = [each.error.code for each in told]
    assert codes[2] == "unsupported_event"
    assert codes[4:6] == ["model_not_found", "previous_response_not_found"]
    assert len(owner.charges()) == 1


def test_a_warm_up_costs_nothing_and_is_gone_on_from(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> Any:
        async with socket(owner) as connection:
            ask = {"model": MODELS[0], "input": "My name is Ada.", "store": False, "stream_id": "one"}
            await connection.send_raw(orjson.dumps({"type": "response.create", "generate": False, **ask}).decode())
            warm = await answered(connection)
            await connection.response.create(model=MODELS[0], input="Hello", previous_response_id=warm.id, store=False)
            return warm, await answered(connection)

    warm, response = asyncio.run(talk())
    assert (warm.status, warm.output, warm.usage.total_tokens) == ("completed", [], 0)
    assert response.previous_response_id == warm.id
    (paid,) = owner.charges()
    assert paid["usage"]["input"] == response.usage.input_tokens


def test_a_socket_outlasts_its_runs_with_its_responses(stack: Stack) -> None:
    owner = stack.with_new_account("50")
    lift_limit(owner)

    async def talk() -> int:
        turns, began, previous = 0, time.monotonic(), None
        async with socket(owner) as connection:
            while time.monotonic() - began < LASTS_S:
                turns += 1
                more: Any = {} if previous is None else {"previous_response_id": previous}
                await connection.response.create(model=MODELS[0], input=f"Turn {turns}", store=False, **more)
                response = await answered(connection)
                assert response.status == "completed", response
                previous = response.id
                await asyncio.sleep(0.5)
        return turns

    assert asyncio.run(talk()) == len(owner.charges())


def test_a_session_killed_in_mid_response_is_closed_and_its_money_is_exact(stack: Stack) -> None:
    owner = stack.with_new_account("5")
    before = set(stack.processes("sockets"))

    async def talk() -> None:
        async with socket(owner) as connection:
            await connection.response.create(model=MODELS[0], input="Hello")
            assert (await answered(connection)).status == "completed"
            await connection.response.create(model=MODELS[0], input="[[sim: chunk_ms=500 chunks=1000]]")
            assert (await connection.recv()).type == "response.created"
            for pid in set(stack.processes("sockets")) - before or set(stack.processes("sockets")):
                os.kill(pid, signal.SIGKILL)
            environment = from_environment(running_environment(stack.data))
            assert await clear_sessions(environment, time.time() + 3600) >= 1
            with pytest.raises(websockets.ConnectionClosed):
                await answered(connection)

    asyncio.run(talk())
    assert len(owner.settled(1)["holds"]) == 1
    swept = local("sweep", "--data", str(stack.data), "--now", str(time.time() + 3600))
    assert swept.returncode == 0, swept.stderr
    books = owner.ledger()
    charged = [entry for entry in books["entries"] if entry["kind"] == "charge"]
    assert (books["holds"], books["held_nano"]) == ([], 0)
    # Nothing of the second one had come to a checkpoint.
    assert len(charged) == 1


def test_a_new_socket_goes_on_from_a_stored_response(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk(previous: str | None) -> Any:
        async with socket(owner) as connection:
            more: Any = {} if previous is None else {"previous_response_id": previous}
            await connection.response.create(model=MODELS[0], input="Hello", **more)
            return await answered(connection)

    first = asyncio.run(talk(None))
    second = asyncio.run(talk(first.id))
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
def test_openais_client_for_node_asks_over_a_socket(stack: Stack, tmp_path: Path) -> None:
    place, file = node_with("node-clients", Path(__file__).parent / "node"), certificate(tmp_path)
    with secured(urlsplit(stack.realtime_url).port or 0, file) as port:
        command = ["node", "responses_socket.mjs", f"https://127.0.0.1:{port}", stack.api_key, MODELS[0]]
        told = orjson.loads(run(command, place, NODE_EXTRA_CA_CERTS=str(file)))
    assert [each["status"] for each in told] == ["completed"] * 2
    assert "Again from Node" in told[1]["text"]


def test_a_handshake_is_refused_with_a_status(stack: Stack) -> None:
    async def status(owner: Stack) -> int:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with socket(owner):
                pass
        return refused.value.response.status_code

    poor = stack.with_new_account("0")
    assert asyncio.run(status(poor)) == 402
    assert asyncio.run(status(stack.seen_by(stack.account_id, "sk-nope"))) == 401
