"""Mints client secrets of realtime sessions, for pages and devices that are not to have a key.

https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from gateway.auth.principal import key_hash
from gateway.canonical.realtime import CONVERSATION
from gateway.errors import InvalidRequest
from gateway.http.calls import KeyedCall, Shown
from gateway.http.endpoints import Endpoints
from gateway.ports.sockets import ClientSecret
from gateway.protocols.shared.body import Body
from gateway.sockets.asked import asked_with
from gateway.wiring.realtime import wanted
from gateway.wiring.sockets import callers, client_secrets

SESSION_BYTES_MAX = 64 * 1024
LARGE = f"Invalid 'session': expected at most {SESSION_BYTES_MAX} bytes of compact JSON."


class ExpiresAfter(Struct, frozen=True, forbid_unknown_fields=True):
    """The life of a secret."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Meta(ge=10, le=7200)] = 600


class NewClientSecret(Body, frozen=True, kw_only=True):
    """The body that mints a secret: what sessions that it opens are set to, and how long it lives."""

    expires_after: ExpiresAfter = field(default_factory=ExpiresAfter)
    session: dict[str, Any]


realtime = Endpoints(KeyedCall, "/v1/realtime")


@realtime.on("POST", "/client_secrets", body=NewClientSecret)
async def mint(call: KeyedCall, body: NewClientSecret) -> Shown:
    """Mints a secret, whose hold counts as a request."""
    asked = asked_with(body.session)
    if len(asked.settings) > SESSION_BYTES_MAX:
        raise InvalidRequest(LARGE, param="session")
    clock = call.services.clock
    principal = await callers().with_own_keys(call.principal)
    expires_at_s = int(clock.now_s()) + body.expires_after.seconds
    session = wanted(principal, asked, clock)
    hashed, source_ip = key_hash(call.key_text), call.request.source_ip
    secret = ClientSecret(principal.account_id, hashed, expires_at_s, source_ip, session.settings)
    value = await client_secrets().mint(principal, session, secret, call.request.request_id)
    kind = "realtime.session" if session.does == CONVERSATION else "realtime.transcription_session"
    shown = {"type": "realtime", **body.session, "id": f"sess_{key_hash(value)[:24]}", "object": kind}
    return {"value": value, "expires_at": expires_at_s, "session": shown}
