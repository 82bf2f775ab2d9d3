"""Makes the tokens of sessions and mails, and reads them back; a store knows their hashes alone.

A session's token names its person, has a part that all tokens of the session share (the locator), and 256 random bits
of its own. Both parts are secrets: the session's id is the locator's hash. A token that names a session but is none of
its tokens was therefore taken from an older token of it, and not made from an id.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from msgspec import Struct

from gateway.auth.principal import ACCESS_PREFIX

REFRESH_PREFIX = "nxr_"
SECRET_BYTES, LOCATOR_BYTES = 32, 16
_SESSION_TOKEN = re.compile(r"(nx[ar]_)([0-9a-z]{18})([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{43})")
USER_PREFIX = "user_"


class SessionToken(Struct, frozen=True):
    """The parts of an access token or a refresh token."""

    prefix: str
    user_id: str
    locator: str
    secret: str

    @property
    def text(self) -> str:
        """The token as its holder sends it."""
        return f"{self.prefix}{self.user_id.removeprefix(USER_PREFIX)}{self.locator}{self.secret}"

    @property
    def session_id(self) -> str:
        """The id of the session, which tells no token of it."""
        return f"sess_{hashed(self.locator)[:32]}"

    def __repr__(self) -> str:
        return "SessionToken()"


def new_locator() -> str:
    """Draws the part that the tokens of a session share."""
    return secrets.token_urlsafe(LOCATOR_BYTES)


def new_secret() -> str:
    """Draws 256 random bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def derived_secret(of: str, nonce: str, kind: str) -> str:
    """The secret that follows from another and a nonce: a rotation can be told again to the holder of the token that
    it replaced, and the store, which keeps the nonce, can tell it to no other.
    """
    import base64  # noqa: PLC0415  # no cold start pays for it

    made = hmac.digest(of.encode(), f"{kind}:{nonce}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def hashed(text: str) -> str:
    """The SHA-256 of a token's text as hex, by which a store knows it."""
    return hashlib.sha256(text.encode()).hexdigest()


def same(first: str, second: str) -> bool:
    """True for equal hashes, in a time that does not depend on where they differ."""
    return hmac.compare_digest(first, second)


def read_token(text: str, prefix: str) -> SessionToken | None:
    """The parts of a token of that kind; `None` for any other text."""
    found = _SESSION_TOKEN.fullmatch(text)
    if found is None or found[1] != prefix:
        return None
    return SessionToken(found[1], USER_PREFIX + found[2], found[3], found[4])


def access_token(user_id: str, locator: str, secret: str) -> SessionToken:
    """The token that calls are made with."""
    return SessionToken(ACCESS_PREFIX, user_id, locator, secret)


def refresh_token(user_id: str, locator: str, secret: str) -> SessionToken:
    """The token that new tokens are asked for with."""
    return SessionToken(REFRESH_PREFIX, user_id, locator, secret)
