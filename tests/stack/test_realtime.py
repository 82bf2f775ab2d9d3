"""Tests realtime sessions with OpenAI's SDK, through the WebSocket API, on runs that last a few seconds each."""

import asyncio
import base64
import hashlib
import os
import signal
import time
from typing import Any

import orjson
import pytest
import websockets
from openai import AsyncOpenAI

from bench.realtime import judged
from bench.realtime_talk import Talks
from gateway.wiring.operator import clear_sessions
from gateway.wiring.settings import from_environment
from local.operator_commands import running_environment
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack, lift_limit
from tests.stack.talking import MODEL, connected, said, session, setting, until

GEMINI = "gemini-3.1-flash-live-preview"
HEARD = {"turn_detection": None, "transcription": {"model": "gpt-realtime-whisper"}}
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}}
FRAME_S = 0.02
SIDE_BY_SIDE, KILLS = 6, 2
# So many turns outlast two runs of a session.
LASTS_S = 26


def opened(stack: Stack, query: str, **given: Any) -> tuple[int, Any]:
    """The status and the body, or the subprotocol, of a handshake."""

    async def shake() -> tuple[int, Any]:
        try:
            async with websockets.connect(f"{stack.realtime_url}/v1/realtime{query}", **given) as connection:
                return 101, connection.subprotocol
        except websockets.InvalidStatus as refused:
            return refused.response.status_code, orjson.loads(refused.response.body or b"{}")

    return asyncio.run(asyncio.wait_for(shake(), HANGS_AFTER_S))


def test_text_sound_and_tools_are_answered_and_paid_for(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> list[Any]:
        async with session(owner) as connection:
            await connection.session.update(session=setting(tools=[WEATHER], audio={"input": HEARD}))
            await connection.conversation.item.create(item=said("What is the weather in London?"))
            await connection.response.create()
            first = (await until(connection, "response.done")).response
            (call,) = first.output
            output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "fog"}
            await connection.conversation.item.create(item=output)
            await connection.response.create()
            second = (await until(connection, "response.done")).response
            sound = bytes(range(256)) * 60
            await connection.input_audio_buffer.append(audio=base64.b64encode(sound).decode())
            await connection.input_audio_buffer.commit()
            heard = await until(connection, "conversation.item.input_audio_transcription.completed")
            assert hashlib.sha256(sound).hexdigest()[:12] in heard.transcript
            spoken: Any = {"output_modalities": ["audio"], "tool_choice": "none"}
            await connection.response.create(response=spoken)
            third = (await until(connection, "response.done")).response
            assert "fog" in second.output[0].content[0].text
            return [first, second, third]

    responses = asyncio.run(talk())
    charges = owner.charges()
    assert [response.status for response in responses] == ["completed"] * 3
    assert [charge["usage"]["output"] for charge in charges] == [each.usage.output_tokens for each in responses]
    assert [charge["usage"]["input"] for charge in charges] == [each.usage.input_tokens for each in responses]
    assert charges[2]["usage"]["audio_output"] > 0
    assert [tool["tool"] for charge in charges for tool in charge["tools"]] == ["gpt-realtime-whisper"]


def test_a_session_outlasts_its_runs_without_a_lost_frame(stack: Stack) -> None:
    owner = stack.with_new_account("50")
    lift_limit(owner)

    async def talk() -> int:
        turns, began = 0, time.monotonic()
        async with session(owner) as connection:
            await connection.session.update(session=setting(audio={"input": HEARD}))
            while time.monotonic() - began < LASTS_S:
                turns += 1
                frames = [bytes([turns, number]) * 480 for number in range(15)]
                for frame in frames:
                    await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
                    await asyncio.sleep(FRAME_S)
                await connection.input_audio_buffer.commit()
                heard = await until(connection, "conversation.item.input_audio_transcription.completed")
                assert hashlib.sha256(b"".join(frames)).hexdigest()[:12] in heard.transcript
                await connection.response.create()
                assert (await until(connection, "response.done")).response.status == "completed"
        return turns

    turns = asyncio.run(talk())
    assert len(owner.charges()) == turns


def test_a_killed_session_is_closed_and_its_money_is_exact(stack: Stack) -> None:
    owner = stack.with_new_account("5")
    before = set(stack.processes("sockets"))

    async def talk() -> int:
        async with session(owner) as connection:
            await connection.session.update(session=setting())
            await connection.conversation.item.create(item=said("Hello"))
            await connection.response.create()
            await until(connection, "response.done")
            # The hold that follows the response is stored beside it.
            await asyncio.sleep(1)
            for pid in set(stack.processes("sockets")) - before or set(stack.processes("sockets")):
                os.kill(pid, signal.SIGKILL)
            environment = from_environment(running_environment(stack.data))
            assert await clear_sessions(environment, time.time() + 3600) >= 1
            with pytest.raises(websockets.ConnectionClosed):
                await until(connection, "nothing")
        return 1

    responses = asyncio.run(talk())
    assert len(owner.charges()) == responses


def test_of_sessions_side_by_side_none_loses_a_frame_and_killed_ones_are_closed_and_paid(stack: Stack) -> None:
    """The small draw of `make realtime KILLS=…`: its clients, its judge of money."""
    owner = stack.with_new_account("5")
    before = set(stack.processes("sockets"))
    talks = Talks(SIDE_BY_SIDE, frames=100, respond_every=50)

    async def beside() -> None:
        await asyncio.sleep(1)
        for pid in sorted(set(await asyncio.to_thread(stack.processes, "sockets")) - before)[:KILLS]:
            os.kill(pid, signal.SIGKILL)
        for _ in range(SIDE_BY_SIDE - KILLS):
            await talks.ended.get()
        # Every session that lives ends: the sweeper finds the dead alone.
        await asyncio.to_thread(owner.settled, KILLS)
        assert await clear_sessions(from_environment(running_environment(stack.data)), time.time() + 3600) >= KILLS

    async def talk() -> None:
        async with asyncio.timeout(HANGS_AFTER_S):
            await talks.hold(f"{stack.realtime_url}/v1/realtime?model={MODEL}", owner.api_key, beside)

    asyncio.run(talk())
    # A hold that was made in the moment of a death is in no record of a session: the sweeper ends it, by its deadline.
    owner.operate(lambda services: services.sweep(time.time() + 2 * 3600))
    assert judged(talks.heard, KILLS, owner.settled()) == 0


def test_a_client_secret_opens_a_session_that_is_set_already(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> tuple[int, str]:
        async with AsyncOpenAI(api_key=owner.api_key, base_url=owner.base_url, max_retries=0) as client:
            made = await client.realtime.client_secrets.create(
                expires_after={"anchor": "created_at", "seconds": 60},
                session=setting(model=MODEL, instructions="Be brief."),
            )
        held = owner.ledger()["held_nano"]
        assert made.session.to_dict()["model"] == MODEL
        async with session(owner.seen_by(owner.account_id, made.value)) as connection:
            updated = await until(connection, "session.updated")
            await connection.conversation.item.create(item=said("Hello"))
            await connection.response.create()
            await until(connection, "response.done")
        return held, updated.session.instructions

    held, instructions = asyncio.run(talk())
    assert held > 0
    assert instructions == "Be brief."
    assert len(owner.charges()) == 1
    assert opened(stack, "", additional_headers={"Authorization": "Bearer ek_unknown"})[0] == 401


def test_gemini_is_bridged(stack: Stack) -> None:
    owner = stack.with_new_account("5")

    async def talk() -> Any:
        async with session(owner, GEMINI) as connection:
            await connection.session.update(session=setting(tools=[WEATHER]))
            await connection.conversation.item.create(item=said("What is the weather in London?"))
            await connection.response.create()
            (call,) = (await until(connection, "response.done")).response.output
            output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "fog"}
            await connection.conversation.item.create(item=output)
            await connection.response.create()
            return (await until(connection, "response.done")).response

    response = asyncio.run(talk())
    assert "fog" in response.output[0].content[0].text
    assert owner.charges()[-1]["usage"]["output"] == response.usage.output_tokens


def test_a_handshake_is_refused_with_a_status(stack: Stack) -> None:
    poor = stack.with_new_account("0")
    key = {"additional_headers": {"Authorization": f"Bearer {stack.api_key}"}}
    answers = [
        opened(stack, f"?model={MODEL}"),
        opened(stack, f"?model={MODEL}", additional_headers={"Authorization": "Bearer nope"}),
        opened(stack, "?model=unknown", **key),
        opened(stack, "", **key),
        opened(stack, f"?model={MODEL}&model={GEMINI}", **key),
        opened(stack, f"?model={GEMINI}&intent=transcription", **key),
        opened(stack, f"?model={MODEL}", additional_headers={"Authorization": f"Bearer {poor.api_key}"}),
    ]
    codes = ["invalid_api_key", "invalid_api_key", "model_not_found", "missing_model"]
    codes += ["invalid_value", "invalid_value", "account_suspended"]
    assert [status for status, _ in answers] == [401, 401, 404, 400, 400, 400, 402]
    assert [body["error"]["code"] for _, body in answers] == codes


def test_another_path_is_refused_by_api_gateway_itself_and_at_the_rest_api_as_a_request(stack: Stack) -> None:
    key = {"Authorization": f"Bearer {stack.api_key}"}

    async def shake(address: str) -> tuple[int, Any]:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address, additional_headers=key)
        return refused.value.response.status_code, orjson.loads(refused.value.response.body or b"{}")

    rest = stack.root_url.replace("http", "ws", 1)
    for path in ("/v1/other", "/v1/realtime/other", "/v1/audio/other"):
        assert asyncio.run(shake(f"{stack.realtime_url}{path}")) == (403, {"message": "Forbidden"})
        status, told = asyncio.run(shake(f"{rest}{path}"))
        assert (status, told["error"]["type"]) == (404, "invalid_request_error")


def test_a_page_shows_its_key_as_a_subprotocol(stack: Stack) -> None:
    offered = ["realtime", f"openai-insecure-api-key.{stack.api_key}", "openai-beta.realtime-v1"]
    assert opened(stack, f"?model={MODEL}", subprotocols=offered) == (101, "realtime")


def test_a_session_that_only_transcribes_is_paid_by_its_transcripts(stack: Stack) -> None:
    owner = stack.with_new_account("5")
    sound = bytes(range(256)) * 60

    def set_to(model: str) -> Any:
        heard = {"turn_detection": None, "transcription": {"model": model}}
        return {"type": "transcription", "audio": {"input": heard}}

    async def transcribed(connection: Any) -> str:
        await connection.input_audio_buffer.append(audio=base64.b64encode(sound).decode())
        await connection.input_audio_buffer.commit()
        return str((await until(connection, "conversation.item.input_audio_transcription.completed")).transcript)

    async def talk() -> list[str]:
        async with connected(owner, query={"intent": "transcription"}) as connection:
            assert (await until(connection, "session.created")).session.type == "transcription"
            await connection.session.update(session=set_to("gpt-4o-transcribe"))
            first = [await transcribed(connection), await transcribed(connection)]
            await connection.response.create()
            assert (await connection.recv()).type != "response.created"
        async with AsyncOpenAI(api_key=owner.api_key, base_url=owner.base_url, max_retries=0) as client:
            made = await client.realtime.client_secrets.create(session=set_to("whisper-1"))
        assert (made.session.type, made.session.object) == ("transcription", "realtime.transcription_session")
        async with connected(owner.seen_by(owner.account_id, made.value)) as connection:
            await until(connection, "session.updated")
            return [*first, await transcribed(connection)]

    transcripts = asyncio.run(talk())
    assert all(hashlib.sha256(sound).hexdigest()[:12] in each for each in transcripts)
    charges = owner.charges()
    assert [charge["model_used"] for charge in charges] == ["gpt-4o-transcribe"] * 2 + ["whisper-1"]
    assert not any(charge["tools"] for charge in charges)
    assert all(charge["amount_nano"] < 0 for charge in charges)


def test_an_event_in_a_binary_message_is_heard_as_one_in_a_text(stack: Stack) -> None:
    async def talk() -> list[str]:
        key = {"Authorization": f"Bearer {stack.api_key}"}
        address = f"{stack.realtime_url}/v1/realtime?model={MODEL}"
        async with websockets.connect(address, additional_headers=key) as connection:
            created = orjson.loads(await connection.recv())["type"]
            await connection.send(orjson.dumps({"type": "session.update", "session": setting()}))
            return [created, orjson.loads(await connection.recv())["type"]]

    assert asyncio.run(asyncio.wait_for(talk(), HANGS_AFTER_S)) == ["session.created", "session.updated"]
