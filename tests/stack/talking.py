"""Talks to realtime models with OpenAI's SDK, for tests on the stack."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from openai import AsyncOpenAI, omit
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

MODEL = "gpt-realtime"


@contextlib.asynccontextmanager
async def connected(
    stack: Stack, model: str = "", query: Mapping[str, str] | None = None
) -> AsyncIterator[AsyncRealtimeConnection]:
    """A connection that has been accepted, and has told nothing yet."""
    address = f"{stack.realtime_url}/v1"
    async with (
        asyncio.timeout(HANGS_AFTER_S),
        AsyncOpenAI(
            api_key=stack.api_key, base_url=stack.base_url, websocket_base_url=address, max_retries=0
        ) as client,
        client.realtime.connect(model=model or omit, extra_query=dict(query or {})) as connection,
    ):
        yield connection


@contextlib.asynccontextmanager
async def session(stack: Stack, model: str = MODEL) -> AsyncIterator[AsyncRealtimeConnection]:
    async with connected(stack, model) as connection:
        assert (await connection.recv()).type == "session.created"
        yield connection


def setting(**given: Any) -> Any:
    """A session of texts with more settings."""
    return {"type": "realtime", "output_modalities": ["text"], **given}


async def until(connection: AsyncRealtimeConnection, kind: str) -> Any:
    """The next event of a kind; any error fails."""
    while True:
        event = await connection.recv()
        assert event.type != "error", event
        if event.type == kind:
            return event


def said(text: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
