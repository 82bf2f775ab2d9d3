"""What the corridor needs of the world, as shapes: sockets, stores and clocks are handed in, never reached for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.canonical.models import ListPrice, Model, Name, Offer
from gateway.canonical.money import (
    Admission,
    Charge,
    Entry,
    Hold,
    Look,
    NanoUsd,
    Refusal,
    Settlement,
    Wanted,
)


class Catalog(Protocol):
    """What is for sale, by name."""

    price_version: str
    flat_price: ListPrice

    def find(self, asked: str) -> Name | None:
        """The offer that a caller's `model` names, or nothing."""

    def models_behind(self, offer: Offer) -> tuple[Model, ...]:
        """The models that serve the offer, best first."""


class Clock(Protocol):
    """Both clocks, so that tests can turn them."""

    def now_s(self) -> float:
        """Seconds since the epoch."""

    def monotonic_s(self) -> float:
        """Seconds that never run backwards, for measuring."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key as stored: its settings, never its text. Times are epoch seconds, money is nano-USD."""

    key_id: str
    account_id: str
    name: str
    last4: str
    created_at_s: int
    disabled: bool = False
    revoked: bool = False
    expires_at_s: int | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel: int | None = None
    allowed_ips: tuple[str, ...] = ()
    allowed_models: tuple[str, ...] = ()
    monthly_spend_cap_nanousd: int | None = None
    region_policy: str = "any"
    alert_webhook_url: str | None = None
    can_manage_keys: bool = False


class Keys(Protocol):
    """Keys by the SHA-256 of their text, as hex."""

    async def find(self, key_hash: str) -> KeyRecord | None:
        """The key as it stood no longer ago than the contract allows (5 s), or nothing."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a provider row needs to be called. `extra` holds what one kind of provider wants besides."""

    api_key: str
    base_url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


class Credentials(Protocol):
    """Provider credentials by row name."""

    async def of(self, provider: str) -> Credential | None: ...


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request ready to leave. `url` is absolute; header names are lower-case."""

    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a provider, in seconds: for a connection, for its headers, between its bytes."""

    connect_s: float
    first_byte_s: float
    idle_s: float


class UpstreamResponse(Protocol):
    """A provider's answer, its body still on the way. Reading raises `UpstreamError` where it is cut or stalls."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Bytes as they arrive."""

    async def aclose(self) -> None:
        """Lets go of the answer; what has not been read is not wanted."""


class Upstream(Protocol):
    """The way out to providers."""

    async def warm(self, url: str, patience: Patience) -> None:
        """Opens a connection to the origin of `url` ahead of need; failure shows at `send`."""

    async def send(self, request: UpstreamRequest, patience: Patience) -> UpstreamResponse:
        """Raises `UpstreamError` where no answer came."""


class Sink(Protocol):
    """Where a stream goes. Before its first byte a failure can still be an HTTP status."""

    committed: bool

    def announce(self, headers: Mapping[str, str]) -> None:
        """Headers to send with the status, should it not be committed yet."""

    async def write(self, data: bytes) -> None:
        """Whole events; commits the status with the first."""


class Money(Protocol):
    """Accounts and their ledgers. Each step is all or nothing, and harmless when repeated with the same hold or `once`.

    Where the store cannot be reached or is too busy a step raises `ServiceUnavailable`. A repeat is then safe: whether
    the step had happened or not, it has happened once afterwards. Times are epoch seconds.
    """

    async def open_account(self, account_id: str, rpm_limit: int) -> None:
        """An account with nothing in it; raises `Conflict` where it exists."""

    async def set_account(self, account_id: str, *, rpm_limit: int | None = None, disabled: bool | None = None) -> None:
        """Changes what is given; raises `NotFound` for an unknown account."""

    async def credit(
        self, account_id: str, amount_nanousd: NanoUsd, *, once: str, now_s: float, note: str | None = None
    ) -> Entry:
        """Adds money, one time for one `once` (a payment's id); a repeat answers the entry of the first time."""

    async def admit(self, wanted: Wanted, now_s: float) -> Admission | Refusal:
        """Key window, account window, spend cap, balance and hold: all of them, or nothing moves."""

    async def park(self, hold: Hold) -> Hold:
        """Moves a hold that lives long out of its account's item, so that a crowded item stays small."""

    async def extend(self, hold: Hold, to_nanousd: NanoUsd, *, spend_cap_nanousd: NanoUsd | None = None) -> Hold | None:
        """The hold raised to an amount, or nothing where balance or cap does not carry it or it has ended."""

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        """Keeps what a running request has come to so far, for the sweeper; parks the hold if need be."""

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        """Ends the hold with a charge; the rest goes back. Cost beyond hold and balance is written off as shortfall."""

    async def release(self, hold: Hold, now_s: float) -> Settlement:
        """Ends the hold; all of it goes back."""

    async def look(self, account_id: str) -> Look | None:
        """The whole account at one moment, or nothing. For operators: it reads every entry."""

    async def entries(self, account_id: str, *, since_s: float, until_s: float, limit: int) -> Sequence[Entry]:
        """The newest entries of requests admitted, and credits made, in [since, until), newest first."""

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        """Begins to count a key's month, from what its entries say so far: to be called when a cap is set on it."""

    def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        """The holds whose deadline is over, each as it stands."""


class DeferredSettlements(Protocol):
    """Where the end of a hold waits, durably, for a store that does not answer."""

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        """To be settled, or released where there is no charge, as soon as the store can be reached."""
