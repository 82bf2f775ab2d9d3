"""Serves strangers: registration, log-in, new tokens, and the links of letters. No answer tells who is registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.auth.sources import source_of
from gateway.http.calls import Call, Reply, Shown
from gateway.http.endpoints import Endpoints
from gateway.people.attempts import REFRESHES_FROM
from gateway.people.registration import user_view
from gateway.people.settings import Forgotten, Link, Login, Refresh, Registration, Reset
from gateway.wiring.people import people

NOT_KEPT = {"Cache-Control": "no-store"}
SENT = {"object": "letter", "status": "sent", "message": "If the address can be used for this, a letter is on its way."}

strangers = Endpoints(Call, "/v1/auth")


@strangers.on("POST", "/register", body=Registration, status=202)
async def register(call: Call, wanted: Registration) -> Shown:
    """Mails the link that completes a registration; an address that is registered gets an answer of the same form.

    The registration token proves to `verify-email` that the password is its caller's.
    """
    token = await people().registrar.register(wanted, source(call))
    return secret_reply(SENT | {"registration_token": token}, 202)


@strangers.on("POST", "/verify-email", body=Link)
async def verify_email(call: Call, link: Link) -> Shown:
    """Makes the person, and the account, of the registration whose link was mailed.

    Without the registration token the password of the registration is void, and a link to choose one is mailed.
    """
    return user_view(await people().registrar.verify(link, call.trail))


@strangers.on("POST", "/login", body=Login)
async def login(call: Call, given: Login) -> Shown:
    """Opens a session; `code` is that of the second factor, or a recovery code."""
    user_agent = call.request.headers.get("user-agent", "")
    return secret_reply(await people().sign_in.login(given, call.trail, user_agent))


@strangers.on("POST", "/refresh", body=Refresh)
async def refresh(call: Call, given: Refresh) -> Shown:
    """Replaces a session's tokens; a refresh token that was used before ends the session.

    A repeat with the same Idempotency-Key gets the tokens of the first time.
    """
    await people().attempts.count(REFRESHES_FROM, source(call))
    key = call.request.idempotency_key
    return secret_reply(await people().sessions.refresh(given.refresh_token, key, call.trail))


@strangers.on("POST", "/forgot-password", body=Forgotten, status=202)
async def forgot_password(call: Call, given: Forgotten) -> Shown:
    """Mails the link by which a password is reset; the answer is the same for an unknown address."""
    await people().credentials.forgot(str(given.email), call.trail)
    return SENT


@strangers.on("POST", "/reset-password", body=Reset)
async def reset_password(call: Call, given: Reset) -> Shown:
    """Sets a new password by a mailed token, and ends all sessions."""
    await people().credentials.reset(given.token, given.new_password, call.trail)
    return {"object": "password", "changed": True, "sessions_ended": True}


def source(call: Call) -> str:
    """The source that the call counts as."""
    return source_of(call.request.source_ip)


def secret_reply(shown: Mapping[str, Any], status: int = 200) -> Reply:
    """An answer with secrets, which no cache on the way may keep."""
    return Reply(orjson.dumps(shown), status, dict(NOT_KEPT))
