"""Answers API Gateway's `$connect`: the session begins, or its refusal leaves with a status of HTTP's.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.errors import UNFORESEEN, AuthenticationFailed, GatewayError, NotFound
from gateway.http.exchange import RETRY_LATER
from gateway.protocols.shared.openai_errors import encode_error
from gateway.sockets.asked import asked_by
from gateway.sockets.connecting import NO_SECRET, PROTOCOL, Caller, Handshake
from gateway.wiring.following import look
from gateway.wiring.process import process
from gateway.wiring.sockets import callers, connecting

RESPONSES = "responses"

log = logging.getLogger(__name__)


async def _realtime(handshake: Handshake, caller: Caller) -> None:
    from gateway.wiring.realtime import wanted  # noqa: PLC0415  # other kinds of sessions do without

    session = wanted(caller.principal, asked_by(handshake.query, caller.settings), process().clock)
    await connecting().begin(handshake, caller, session)


async def _responses(handshake: Handshake, caller: Caller) -> None:
    if caller.settings:
        raise AuthenticationFailed(NO_SECRET)
    await connecting().begin_unheld(handshake, caller, RESPONSES)


# Begins a session, by the stage under which its socket is opened.
KINDS: Mapping[str, Callable[[Handshake, Caller], Awaitable[None]]] = {"realtime": _realtime, RESPONSES: _responses}


async def connect(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """The answer to a handshake: 200 with the subprotocol, or the refusal."""
    handshake = _handshake(event)
    try:
        await _begin(handshake)
    except GatewayError as error:
        return _refusal(handshake, error)
    except Exception:
        log.exception("a handshake failed")
        return _refusal(handshake, GatewayError(UNFORESEEN))
    log.info("connected", extra={"event": "request", "request_id": handshake.request_id, "status": 200})
    # A client that offers subprotocols has to be given one of them.
    chosen = {"Sec-WebSocket-Protocol": PROTOCOL} if PROTOCOL in handshake.protocols else {}
    return {"statusCode": 200, "headers": chosen}


async def _begin(handshake: Handshake) -> None:
    if handshake.stage not in KINDS:
        raise NotFound(f"Unknown path: {handshake.stage}.", code="unknown_url")
    looking = look()
    caller = await callers().of(handshake)
    if looking is not None:
        await looking
    await KINDS[handshake.stage](handshake, caller)


def _handshake(event: Mapping[str, Any]) -> Handshake:
    context = event["requestContext"]
    headers = [(name.lower(), value) for name, values in event["multiValueHeaders"].items() for value in values]
    return Handshake(
        context["connectionId"],
        context["stage"],
        context["requestId"],
        context["identity"]["sourceIp"],
        headers,
        event.get("multiValueQueryStringParameters") or {},
    )


def _refusal(handshake: Handshake, error: GatewayError) -> dict[str, Any]:
    told = {"event": "request", "request_id": handshake.request_id, "status": error.status, "error_code": error.code}
    log.info("refused", extra=told)
    headers = {"Content-Type": "application/json", "X-Request-Id": handshake.request_id, **(error.window or {})}
    if error.status in RETRY_LATER or error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, error.retry_after_s or 1))
    return {"statusCode": error.status, "headers": headers, "body": encode_error(error).decode()}
