"""Plays scripts in sessions of OpenAI's client for Python."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.realtime_clients.scripts import Event


async def play(stack: Stack, model: str, script: Event) -> list[Event]:
    """The events of a session that does what a script says; raises for an error that it does not wait for."""
    async with (
        asyncio.timeout(HANGS_AFTER_S),
        AsyncOpenAI(api_key=stack.api_key, base_url=stack.base_url, max_retries=0) as asking,
    ):
        secret = script["secret"]
        made = None if secret is None else await asking.realtime.client_secrets.create(session=secret)
        key = stack.api_key if made is None else made.value
        async with (
            AsyncOpenAI(api_key=key, websocket_base_url=f"{stack.realtime_url}/v1") as client,
            client.realtime.connect(model=model) as connection,
        ):
            return await _steps(connection, script["steps"])


async def _steps(connection: AsyncRealtimeConnection, steps: list[Any]) -> list[Event]:
    events: list[Event] = []
    known: Event = {}

    async def reach(kind: str) -> None:
        while True:
            event = (await connection.recv()).to_dict()
            events.append(event)
            known.update(event)
            if event["type"] == "response.output_audio.delta":
                known["spoken"] = event["item_id"]
            if event["type"] == kind:
                return
            assert event["type"] != "error", event

    await reach("session.created")
    for step, given in steps:
        if step == "send":
            await connection.send(_filled(given, known))
        else:
            await reach(given)
    return events


def _filled(sent: Any, known: Mapping[str, Any]) -> Any:
    """The event, with the values that its names stand for."""
    if isinstance(sent, str) and sent.startswith("$"):
        return known[sent[1:]]
    if isinstance(sent, dict):
        return {name: _filled(value, known) for name, value in sent.items()}
    return [_filled(each, known) for each in sent] if isinstance(sent, list) else sent
