"""Answers a request for speech, whose content type is that of the sound that its plan can make."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gateway.http.exchange import Exchange
from gateway.http.routes import Context, Services, answered
from gateway.idempotency.ring import Answer

if TYPE_CHECKING:
    from gateway.operations.speech import SpeechOperation


async def spoken(exchange: Exchange, context: Context, services: Services, is_kept: bool) -> Answer:
    """Settles the form of the sound, then admits and streams the request."""
    operation = cast("SpeechOperation", context.operation)
    context.request = operation.formed(context.request, context.plan)
    exchange.wire = operation.answer_wire(context.request)
    return await answered(exchange, context, services, is_kept)
