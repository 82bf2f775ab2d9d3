"""Provider credentials, requests to providers and their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# A row with this setting is signed by the function's own role, and needs no key.
AUTH = "auth"
BY_ROLE = "role"


@dataclass(frozen=True, slots=True)
class Credential:
    """The settings for calling a provider row. `extra` holds the settings of one kind of provider; no text shows it."""

    api_key: str = field(repr=False)
    base_url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


class Credentials(Protocol):
    """Provider credentials by row name."""

    async def of(self, provider: str) -> Credential | None: ...


class ProviderRows(Protocol):
    """All providers' credentials as an operator changes them: settings by row name."""

    async def read(self) -> dict[str, dict[str, str]]: ...

    async def write(self, rows: Mapping[str, Mapping[str, str]]) -> None:
        """Replaces all rows by these."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request ready to send. `url` is absolute; header names are lower-case."""

    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """Timeouts for a provider, in seconds: for a connection, for its headers, between its bytes."""

    connect_s: float
    first_byte_s: float
    idle_s: float


class UpstreamResponse(Protocol):
    """A provider's answer whose body is still arriving. Reading raises `UpstreamError` if it is cut or stalls."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Bytes as they arrive."""

    async def aclose(self) -> None:
        """Closes the answer; the unread rest is discarded."""


class Upstream(Protocol):
    """HTTP client for requests to providers."""

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        """Opens a connection to the origin of `url` ahead of need; failure shows at `send`."""

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> UpstreamResponse:
        """Sends a request; raises `UpstreamError` if no answer came."""
