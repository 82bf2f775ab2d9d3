"""Reads a base URL: scheme, host, port and path prefix, without parts that could change a request's meaning."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

_DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 3986 section 3, without userinfo, query and fragment: a base URL needs none of them, and credentials in a URL
# would end up in logs.
_URL = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$%&'()*+,./0-9:;=@A-Z_a-z~-]*)?"
)


class Origin(Struct, frozen=True):
    """The peer of a connection; connections are pooled by it.

    With an `address`, the host is not resolved: the connection goes to the address, and TLS proves the host.
    """

    scheme: str
    host: str
    port: int
    address: str | None = None

    @property
    def authority(self) -> str:
        """The Host field's value: the port only if it is not the scheme's own (RFC 9110 section 4.2.3)."""
        return _authority(self.scheme, self.host, self.port)


@lru_cache(maxsize=64)
def _authority(scheme: str, host: str, port: int) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"


@lru_cache(maxsize=64)
def parse_url(url: str) -> tuple[Origin, str]:
    """Splits a base URL into its origin and the path prefix, which has no trailing slash and may be empty.

    Raises ValueError for anything that is not http or https, or that carries credentials, a query or a fragment.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("not an http(s) base URL")
    scheme = match["scheme"]
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError("port out of range")
    host = (match["v6"] or match["name"]).lower()
    return Origin(scheme, host, port), (match["path"] or "").rstrip("/")
