"""An account's own keys of providers: the stored record, the keys of KMS that seal it, and the reads of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct, field

from gateway.ports.upstream import Credential

# `first`: the shared keys of the provider serve where the own one does not. `only`: they never do.
Mode = Literal["first", "only"]
FIRST: Mode = "first"
ONLY: Mode = "only"


class Envelope(Struct, frozen=True):
    """A sealed text beside its data key, which KMS has wrapped; both in base64. No text shows them."""

    wrapped_key: str
    text: str

    def __repr__(self) -> str:
        return "Envelope()"


class ProviderKey(Struct, frozen=True):
    """An account's own key of a provider. An account has one for each provider at most.

    `version` counts the writes of it. `settings` are the members of the credential that are no secrets, a region for
    example. `reason` says why the last test did not verify the key.
    """

    account_id: str
    provider: str
    key_id: str
    name: str
    mode: Mode
    last4: str
    created_at_s: int
    updated_at_s: int
    version: int
    envelope: Envelope
    settings: Mapping[str, str] = field(default_factory=dict)
    verified: bool = False
    reason: str | None = None
    tested_at_s: int | None = None

    @property
    def region(self) -> str | None:
        """The provider's region in which it is asked with this key, where the key has one of its own."""
        return self.settings.get("region") or self.settings.get("location")


class ProviderKeyStore(Protocol):
    """The provider keys of accounts. Every read sees every write before it."""

    async def all(self, account_id: str) -> Sequence[ProviderKey]:
        """The account's keys, by provider."""

    async def add(self, key: ProviderKey) -> None:
        """Adds a key; raises `Conflict` if the account has one of the provider already."""

    async def put(self, key: ProviderKey, *, instead_of: ProviderKey) -> None:
        """Replaces a key; raises `Conflict` if it is another one by now, `NotFound` if it is gone."""

    async def remove(self, key: ProviderKey) -> None:
        """Removes a key; one that is gone already is no error."""


class OwnKeys(Protocol):
    """The provider keys by which requests of an account are served."""

    async def of(self, account_id: str) -> Sequence[ProviderKey]:
        """The account's keys as of at most 5 s ago."""

    async def credential(self, key: ProviderKey) -> Credential:
        """The key, ready for use; raises `UpstreamError` if it cannot be opened now."""


class DataKey(Struct, frozen=True):
    """A key that seals one text: plain for the use at hand, and wrapped to be stored. No text shows it."""

    plain: bytes
    wrapped: str

    def __repr__(self) -> str:
        return "DataKey()"


class DataKeys(Protocol):
    """Data keys that only KMS can unwrap, and only in the context in which they were made."""

    async def new(self, context: Mapping[str, str]) -> DataKey:
        """Makes a data key; raises `ServiceUnavailable`."""

    async def unwrapped(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        """The plain data key; raises `ServiceUnavailable`, also for a key that is not of this context."""
