"""Runs an ASGI app on Lambda's managed runtime: the event is a request, and the answer leaves whole.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any

from gateway.runtime.event import Event, http_scope, take_body
from gateway.runtime.invocation import AsgiApp, InvocationContext, Message
from gateway.runtime.prelude import described_head
from gateway.wiring.managed import Answer, Handler, managed
from gateway.wiring.process import process


def lambda_handler(app: AsgiApp) -> Handler:
    """The managed runtime's handler of the app."""

    async def handle(event: Event, context: Any) -> Answer:
        return await answered(app, event, context)

    return managed(handle)


async def answered(app: AsgiApp, event: Event, context: Any) -> Answer:
    """The app's answer to an event, as a proxy integration gives it; `context` is Lambda's."""
    body = take_body(event)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(http_scope(event, _invocation(context)), receive, send)
    head, *pieces = sent
    described = described_head(head["status"], head["headers"])
    whole = b"".join(piece["body"] for piece in pieces)
    # What is compressed is no text; API Gateway takes it in base64.
    is_binary = "content-encoding" in described["headers"]
    shown = b2a_base64(whole, newline=False) if is_binary else whole
    return {**described, "body": shown.decode(), "isBase64Encoded": is_binary}


def _invocation(context: Any) -> InvocationContext:
    """The invocation as the streaming runtime knows it."""
    now_ms = int(process().clock.now_s() * 1000)
    deadline_ms = now_ms + context.get_remaining_time_in_millis()
    return InvocationContext(context.aws_request_id, deadline_ms, "", None, None, None, None)
