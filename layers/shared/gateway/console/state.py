"""Keeps what a browser is to bring back: one cookie, which scripts cannot read and other sites cannot have sent.

It holds the session's own tokens, so a stolen cookie is worth what a stolen session is, and ends with it. There is no
second store of sessions. What a visitor writes into its own cookie concerns itself alone.
"""

from __future__ import annotations

import secrets
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping

from msgspec import DecodeError, Struct, convert
from msgspec.json import decode, encode

# Browsers take `__Host-` from secure pages alone, for this host alone, and on every path.
COOKIE = "__Host-nexgate"
KEPT_S = 30 * 24 * 3600
ATTRIBUTES = f"; Path=/; Max-Age={KEPT_S}; HttpOnly; Secure; SameSite=Strict"
# Browsers refuse a cookie of more than 4,096 bytes.
BYTES_MAX = 3800


class State(Struct, omit_defaults=True):
    """Holds what a browser brings back. `form` proves a form to be made for it; `key` is a short-lived key of `org`.

    `role` is the person's in `org`, as it was told last: the menu has no links to what it may not see. `email` is an
    address that was confirmed and has not signed in yet.
    """

    access: str = ""
    refresh: str = ""
    org: str = ""
    org_name: str = ""
    role: str = ""
    lang: str = ""
    form: str = ""
    registration: str = ""
    email: str = ""
    key: str = ""
    key_id: str = ""
    key_until_s: int = 0

    def __post_init__(self) -> None:
        self.form = self.form or secrets.token_urlsafe(16)

    @property
    def signed_in(self) -> bool:
        return bool(self.refresh)

    def left(self) -> State:
        """The state of a visitor who has signed out."""
        return State(lang=self.lang)

    def written(self) -> str:
        """The header that keeps it."""
        value = b2a_base64(encode(self), newline=False).decode().replace("+", "-").replace("/", "_").rstrip("=")
        return f"{COOKIE}={value[:BYTES_MAX]}{ATTRIBUTES}"


def read_state(headers: Mapping[str, str]) -> State:
    """The state that a request brings; a new one where it brings none that can be read."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return _read(value)
    return State()


def _read(value: str) -> State:
    try:
        text = value.replace("-", "+").replace("_", "/")
        return convert(decode(a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)), State)
    except (DecodeError, NotBase64, ValueError):
        return State()
