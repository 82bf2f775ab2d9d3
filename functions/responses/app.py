"""Serves OpenAI's Responses: creation, compaction, counts, and requests about stored and running ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.auth.principal import Principal
from gateway.http.responses import ResponsesRoutes
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.openai_responses import CLIENT
from gateway.wiring.chat import chat
from gateway.wiring.responses import stored
from gateway.wiring.streaming import services

if TYPE_CHECKING:
    from gateway.operations.compaction import CompactionOperation
    from gateway.responses.background import BackgroundResponses
    from gateway.responses.conversing import Conversing


def in_background() -> BackgroundResponses:
    """Imports the background package at its first use, so that a cold start does not pay for it."""
    from gateway.wiring.background_responses import background_responses  # noqa: PLC0415  # no cold start pays for it

    return background_responses()


def compacting() -> CompactionOperation:
    """Imports compaction at its first use, like the background package."""
    from gateway.wiring.compaction import compaction  # noqa: PLC0415  # no cold start pays for it

    return compaction()


def conversing() -> Conversing:
    """Imports conversations at their first use, like the background package."""
    from gateway.wiring.conversing import conversing as made  # noqa: PLC0415  # no cold start pays for it

    return made()


async def count(principal: Principal, body: bytes) -> bytes:
    """Counts the tokens of a prompt, free of charge; imports what it needs at its first use too."""
    from gateway.protocols.openai_responses.count_tokens import (  # noqa: PLC0415  # no cold start pays for it
        decode_count_request,
        encode_count,
    )
    from gateway.wiring.count_tokens import token_counter, with_files  # noqa: PLC0415  # no cold start pays for it

    body = await with_files(principal, body, CLIENT)
    return encode_count(await token_counter().count(principal, decode_count_request(body)))


ROUTES = ResponsesRoutes(partial(chat, CLIENT), stored, in_background, compacting, count, conversing)
app = StreamingApp(services, CLIENT, ROUTES)
