"""Provider credentials, requests to providers and their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

# A row with this setting is signed by the function's own role, and needs no key.
AUTH = "auth"
BY_ROLE = "role"
# The member of a row that lists further credentials of the same provider.
CREDENTIALS = "credentials"
# The registry's row of every provider that an operator adds by configuration, under a name of this form.
CUSTOM = "custom/*"
_CUSTOM_PREFIX = "custom/"
# The pattern of such a name: callers name the row too, in small or capital letters.
CUSTOM_NAME = r"custom/[a-z0-9][a-z0-9._-]{0,62}"


def row_of(provider: str) -> str:
    """Returns the name of a provider's row in the registry."""
    return CUSTOM if provider.startswith(_CUSTOM_PREFIX) else provider


class Credential(Struct, frozen=True):
    """The settings for calling a provider row. `extra` holds the settings of one kind of provider; no text shows it.

    `id` tells the credential from others of the same provider, in logs too; it is chosen in proportion to `weight`.
    """

    api_key: str
    base_url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    weight: int = 1

    @property
    def region(self) -> str | None:
        """The provider's region that it is of, where it names one."""
        return self.extra.get("region") or self.extra.get("location")

    def __repr__(self) -> str:
        return f"Credential(id={self.id!r}, base_url={self.base_url!r})"


class Credentials(Protocol):
    """Provider credentials by row name."""

    async def of(self, provider: str) -> Sequence[Credential]:
        """The provider's credentials, as they are set; empty if there are none."""

    async def ready(self, provider: str, credential: Credential) -> Credential:
        """A credential as requests use it: signed by a role, or with an access token; raises `UpstreamError`."""


class ProviderRows(Protocol):
    """All providers' credentials as an operator changes them: settings by row name.

    A setting is a text, but for `credentials`: the list of further credentials, each an object of settings.
    """

    async def read(self) -> dict[str, dict[str, Any]]: ...

    async def write(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces all rows by these."""


class UpstreamRequest(Struct, frozen=True):
    """A request ready to send. `url` is absolute; header names are lower-case."""

    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "POST"


class UpstreamTimeouts(Struct, frozen=True):
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
