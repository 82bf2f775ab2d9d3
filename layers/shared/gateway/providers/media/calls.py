"""Requests to media providers: where they go, and JSON in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.outgoing import Headers

JSON = ("content-type", "application/json")
# The client writes the Host field from the origin, without the scheme's own port.
_OWN_PORTS = {"http": ":80", "https": ":443"}


def origin(credential: Credential, own: str) -> str:
    """The operator's base URL, or the vendor's `own`."""
    return (credential.base_url or own).rstrip("/")


def bearer(token: str) -> Headers:
    """A key or a token, in the manner of most."""
    return (("authorization", f"Bearer {token}"),)


def posted(url: str, body: Mapping[str, Any], headers: Headers) -> UpstreamRequest:
    """A POST of JSON."""
    return UpstreamRequest(url, (JSON, *headers), orjson.dumps(body))


def bare(method: str, url: str, headers: Headers) -> UpstreamRequest:
    """A request without a body."""
    return UpstreamRequest(url, headers, b"", method)


def host(url: str) -> str:
    """The Host field that the client will send, for those who sign it."""
    address = urlsplit(url)
    return address.netloc.lower().removesuffix(_OWN_PORTS[address.scheme])
