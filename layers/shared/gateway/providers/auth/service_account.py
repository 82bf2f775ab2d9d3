"""Access tokens of a Google service account: the request that asks for one, and what is answered. Pure, given now.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest. The credential's `extra` holds the
members of the account's key file: `client_email`, `private_key`, `token_uri`.
"""

from __future__ import annotations

import base64

import orjson

from gateway.errors import UpstreamError
from gateway.framing.percent import encoded
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.auth.key_pairs import sign_rs256
from gateway.providers.outgoing import setting

# A token is good for an hour; it is asked for anew well before.
TOKEN_LIFETIME_S = 3600
TOKEN_TTL_S = 3000

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ADDRESS = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def is_service_account(credential: Credential) -> bool:
    """True if a token must be requested before the provider can be called."""
    return "private_key" in credential.extra


def token_request(credential: Credential, now_s: float) -> UpstreamRequest:
    """The request for a token; raises `UpstreamError` where the account's key cannot be read."""
    address = credential.extra.get("token_uri", _ADDRESS)
    claims = {
        "iss": setting(credential, "client_email"),
        "scope": _SCOPE,
        "aud": address,
        "iat": int(now_s),
        "exp": int(now_s) + TOKEN_LIFETIME_S,
    }
    unsigned = f"{_encoded(orjson.dumps({'alg': 'RS256', 'typ': 'JWT'}))}.{_encoded(orjson.dumps(claims))}"
    try:
        signature = sign_rs256(unsigned.encode(), setting(credential, "private_key"))
    except ValueError as unreadable:
        raise UpstreamError("The provider's account has an unreadable key.", retryable=False) from unreadable
    form = f"grant_type={encoded(_GRANT)}&assertion={unsigned}.{_encoded(signature)}"
    return UpstreamRequest(address, (("content-type", "application/x-www-form-urlencoded"),), form.encode())


def token_in(status: int, body: bytes) -> str:
    """The access token of an answer; raises `UpstreamError` where there is none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(token, str):
        raise UpstreamError("The provider did not accept the gateway's account.", retryable=status >= 500)
    return token


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
