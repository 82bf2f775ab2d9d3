"""What the corridor needs of the world, as shapes: sockets, stores and clocks are handed in, never reached for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.canonical.models import Model, Name, Offer
from gateway.canonical.money import (
    AccountState,
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
from gateway.canonical.parts import RedactedThinking, Text, Thinking


class Catalog(Protocol):
    """What is for sale, by name."""

    price_version: str

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

    @property
    def manages_lastingly(self) -> bool:
        """Whether this key alone keeps its account manageable: it manages keys, and will not stop by itself."""
        return self.can_manage_keys and not self.revoked and not self.disabled and self.expires_at_s is None


class KeyStore(Protocol):
    """An account's keys as their owner manages them. Every read sees every write before it."""

    async def add(self, key_hash: str, record: KeyRecord) -> None:
        """A new key under the hash of its text; raises `Conflict` where the key or its id exists."""

    async def get(self, account_id: str, key_id: str) -> KeyRecord | None:
        """The account's key of that id, or nothing."""

    async def page(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[KeyRecord]:
        """Keys by id, highest (newest) first; with `before`, only ids below it."""

    async def change(
        self, account_id: str, key_id: str, changes: Mapping[str, object], *, while_managed_by: str | None = None
    ) -> KeyRecord:
        """The key after `changes`, by names of `KeyRecord`'s fields. What is not named stays as others left it.

        Raises `Conflict` where the key is revoked already or, with code `last_managing_key`, where the account's key
        `while_managed_by` no longer manages keys at that very moment.
        """


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
    method: str = "POST"


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

    @property
    def committed(self) -> bool:
        """Whether bytes have left, so that the status is fixed."""

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

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        """The account's balance and the key's window, or nothing. One read, which counts in no window."""

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        """The newest entries of requests admitted, and credits made, in [since, until), newest first.

        With `before`, an entry's id, the newest of those that come after it in that order: the next page.
        """

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        """Begins to count a key's month, from what its entries say so far: to be called when a cap is set on it."""

    def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        """The holds whose deadline is over, each as it stands."""


class DeferredSettlements(Protocol):
    """Where the end of a hold waits, durably, for a store that does not answer."""

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        """To be settled, or released where there is no charge, as soon as the store can be reached."""


class Objects(Protocol):
    """Bytes by name, whole. Where the store cannot be reached a step raises `ServiceUnavailable`; a repeat is safe."""

    async def put(self, name: str, body: bytes) -> None:
        """Keeps `body` under a name that nobody else uses, readable as soon as this returns."""

    async def get(self, name: str) -> bytes | None:
        """What is kept under the name, or nothing."""

    async def delete(self, name: str) -> None:
        """Forgets the name, if it is known."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer to be given again: its body is the object of that name."""

    status: int
    headers: Mapping[str, str]
    object_name: str


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What stands under one idempotency key: an attempt in flight, or, with `answer`, how it came out.

    Nobody but `attempt_id` may finish it; the attempt is dead once `lease_until_s` is over. Times are epoch seconds.
    """

    scope: str
    fingerprint: str
    attempt_id: str
    claimed_at_s: int
    lease_until_s: int
    expires_at_s: int
    answer: KeptAnswer | None = None


class IdempotencyRecords(Protocol):
    """One record per scope, forgotten when it expires. Each step is one conditional write, safe to repeat.

    Where the store cannot be reached a step raises `ServiceUnavailable`, and may have happened or not.
    """

    async def claim(
        self, record: IdempotencyRecord, now_s: float, *, after: str | None = None
    ) -> IdempotencyRecord | None:
        """Writes the record where none stands, or only the unfinished attempt `after`; else answers what stands."""

    async def finish(self, record: IdempotencyRecord) -> bool:
        """Writes the attempt's answer; false where the record is no longer the attempt's."""

    async def free(self, record: IdempotencyRecord) -> None:
        """Forgets the attempt, if it still stands and is unfinished."""


@dataclass(frozen=True, slots=True)
class SignedThought:
    """A thought that its provider wants back before a call; `said_characters` is how much text the turn held before it.

    An empty `Text` with a signature stands for the end of a text that bore one.
    """

    part: Thinking | RedactedThinking | Text
    said_characters: int = 0


@dataclass(frozen=True, slots=True)
class SignedCall:
    """What the providers of the protocol `signed_by` want back with a tool call of theirs.

    `signature` is the call's own; `thoughts` are those since the call before it in the same turn, in order.
    """

    call_id: str
    signed_by: str
    signature: str | None = None
    thoughts: tuple[SignedThought, ...] = ()


class Signatures(Protocol):
    """Signed calls by account and call id. What was kept is recalled by every process as soon as `keep` returns.

    Where the store cannot be reached a step raises `ServiceUnavailable`; a repeat is safe.
    """

    async def keep(self, account_id: str, calls: Sequence[SignedCall], expires_at_s: int) -> None:
        """Keeps the calls until then (epoch seconds); of one id the last one stands."""

    async def recall(self, account_id: str, call_ids: Collection[str], now_s: float) -> Mapping[str, SignedCall]:
        """What is kept, by call id; an id that is not known is left out."""


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """Where a stored response is kept: the object of that name. Times are epoch seconds."""

    account_id: str
    response_id: str
    object_name: str
    created_at_s: int
    expires_at_s: int


class ResponseRecords(Protocol):
    """One record per account and response. Every read sees every write before it.

    Where the store cannot be reached a step raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, record: ResponseRecord) -> None: ...

    async def get(self, account_id: str, response_id: str, now_s: float) -> ResponseRecord | None:
        """The account's record of that id, or nothing where there is none or it has expired."""

    async def delete(self, record: ResponseRecord) -> None:
        """Forgets the record, if it is known."""
