"""Answers requests of sound, whose content type is that of the form that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gateway.http.exchange import Exchange
from gateway.http.routes import Context, Services, answered
from gateway.idempotency.ring import Answer
from gateway.protocols.openai_transcriptions.answer import content_type

if TYPE_CHECKING:
    from gateway.operations.speech import SpeechOperation


async def spoken(exchange: Exchange, context: Context, services: Services, is_kept: bool) -> Answer:
    """Settles the form of the sound, then admits and streams the request."""
    operation = cast("SpeechOperation", context.operation)
    context.request = operation.formed(context.request, context.plan)
    exchange.wire = operation.answer_wire(context.request)
    return await answered(exchange, context, services, is_kept)


async def transcribed(exchange: Exchange, context: Context, services: Services, is_kept: bool) -> Answer:
    """Admits the request and answers it as JSON, text or subtitles, or as events."""
    answer = await answered(exchange, context, services, is_kept)
    if context.request.stream:
        return answer
    return Answer(answer.status, {**answer.headers, "Content-Type": content_type(context.request.form)}, answer.body)
