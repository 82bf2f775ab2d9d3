"""Tells addresses of the public web from those at which a provider's own account is kept.

Any wire's request may be served by Google, which fetches an address of its own with the credential of the request: the
operator's. https://ai.google.dev/api/files and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

import re

# Public objects of Google's storage are at the one host.
_KEPT_AT = ("googleapis.com", "cloud.google.com")
_PUBLIC_HOST = "storage.googleapis.com"
_PLAIN_HOST = r"[a-z0-9._:-]+"


def is_kept_by_provider(uri: str) -> bool:
    """True for all but an address of the public web that every parser reads alike.

    Browsers' parsers, which providers may have, take a backslash for a slash and decode a host before they look it up.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415  # no cold start pays for it

    try:
        address = urlsplit(uri)
        host = _as_looked_up(address.hostname or "")
    except ValueError:
        return True
    if address.scheme not in {"http", "https"} or not re.fullmatch(_PLAIN_HOST, host) or "\\" in uri:
        return True
    return host.endswith(_KEPT_AT) and host != _PUBLIC_HOST


def is_providers_address(text: str) -> bool:
    """True for such an address in a member that may hold something else: data, or an id that is judged elsewhere."""
    return text.startswith(("https://", "http://")) and is_kept_by_provider(text)


def _as_looked_up(host: str) -> str:
    """The host in ASCII, its dots and letters in their plain form; raises `ValueError` for one that has none."""
    ascii_host = host if host.isascii() else host.encode("idna").decode()
    return ascii_host.rstrip(".")
