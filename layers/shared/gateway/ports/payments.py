"""Payments: the books in which they stand beside an account's ledger, and the service that takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from gateway.canonical.money import Act, Entry, EntryKind, NanoUsd
from gateway.ports.audit import AuditEntry

Source = Literal["checkout", "automatic"]


class Payment(Struct, frozen=True):
    """One payment as it was asked for, and what has become of it. Ids sort by time; times are epoch seconds.

    `amount_nanousd` is what was asked for and `paid_nanousd` what was paid and credited; `returned_nanousd` is what
    refunds and disputes have taken back. `intent` is the service's own id of the payment.
    """

    account_id: str
    payment_id: str
    amount_nanousd: NanoUsd
    source: Source
    at_s: int
    url: str | None = None
    paid_nanousd: NanoUsd = 0
    paid_at_s: int | None = None
    returned_nanousd: NanoUsd = 0
    intent: str | None = None
    receipt_url: str | None = None


class Booking(Struct, frozen=True):
    """A movement of a payment: a credit, or what a refund or dispute takes (negative) or gives again.

    It is booked once for each `once`. `event_id` names the service's event that told of it, if one did; `act` says who
    booked it by hand. With `returned_max_nanousd` it is booked only while no more than that was returned before.
    """

    account_id: str
    payment_id: str
    kind: EntryKind
    amount_nanousd: NanoUsd
    once: str
    event_id: str | None = None
    intent: str | None = None
    note: str | None = None
    act: Act | None = None
    returned_max_nanousd: NanoUsd | None = None


class Automatic(Struct, frozen=True):
    """An account's terms of payment: its plan, when it is told of a low balance, and its automatic top-up.

    Below `threshold_nanousd` the saved `method` of `customer` pays `amount_nanousd`, at most `ceiling_nanousd` in a
    UTC month; `spent_nanousd` is what was paid so, or is being paid, in `month`. `pending` is the payment under way,
    begun at `pending_s`; `failed` is why the last one was refused, after which none is tried until the owner changes
    the terms. `told_s` is when the owner was last told of a low balance, and `failed_told_s` when of the failure.
    `version` counts the writes.
    """

    account_id: str
    plan: str = ""
    low_nanousd: NanoUsd | None = None
    webhook_url: str | None = None
    customer: str | None = None
    method: str | None = None
    enabled: bool = False
    threshold_nanousd: NanoUsd = 0
    amount_nanousd: NanoUsd = 0
    ceiling_nanousd: NanoUsd = 0
    month: int = 0
    spent_nanousd: NanoUsd = 0
    pending: str | None = None
    pending_s: int = 0
    pending_nanousd: NanoUsd = 0
    failed: str | None = None
    told_s: int = 0
    failed_told_s: int = 0
    version: int = 0

    @property
    def watched_nanousd(self) -> NanoUsd | None:
        """The balance below which something is to be done; `None` where nothing is."""
        marks = [self.low_nanousd, self.threshold_nanousd if self.enabled else None]
        return max((mark for mark in marks if mark is not None), default=None)


class PaymentBooks(Protocol):
    """Payments of accounts. A method whose store cannot be reached raises `ServiceUnavailable`; a repeat is safe.

    An `audit` entry is written with what it tells of: both or neither.
    """

    async def open(self, payment: Payment, key_hash: str, audit: AuditEntry | None = None) -> Payment:
        """Notes a payment that is to be asked for; a repeat with the hash of the same key returns the first one."""

    async def find(self, account_id: str, payment_id: str) -> Payment | None: ...

    async def note(self, payment: Payment, *, url: str | None = None, receipt_url: str | None = None) -> None:
        """Notes the page on which the payment can be made, or its receipt."""

    async def owner(self, intent: str) -> tuple[str, str] | None:
        """The account and the payment that the service's id of a payment belongs to, once it was credited."""

    async def book(self, booking: Booking, now_s: float) -> Entry | None:
        """Books a movement, its entry, its event, and what the audit log tells of it in one transaction; the entry of
        the first time for a repeat.

        `None` if it was barred. Raises `NotFound` for an unknown account, `Conflict` where too much was returned.
        """

    async def bar(self, booking: Booking) -> bool:
        """Keeps a movement that has not been booked from ever being booked; false if it was."""

    async def list_paid(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[Payment]:
        """The account's payments that were made, newest first; with `before`, those of smaller ids."""

    async def terms(self, account_id: str) -> Automatic: ...

    async def set_terms(self, terms: Automatic, audit: AuditEntry | None = None) -> bool:
        """Replaces the terms of the version before; false if another write came first."""


class PaymentRefused(Exception):
    """A saved payment method that cannot pay now: declined, expired, or asking its owner. `code` is the service's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Paid(Struct, frozen=True):
    """A payment as the service shows it now. Amounts are in the currency's smallest unit."""

    intent: str
    is_paid: bool
    amount: int
    currency: str
    account_id: str
    payment_id: str


class PaymentService(Protocol):
    """A service that takes payments. Raises `ServiceUnavailable` if it cannot be reached or is not configured."""

    async def secrets(self) -> Sequence[str]:
        """The secrets that may have signed an event, the newest first; none where the service is not configured."""

    async def checkout(self, payment: Payment, return_url: str, *, customer: str | None, saves: bool) -> str:
        """Opens a page on which the payment can be made, once for each payment id, and returns its address."""

    async def customer(self, account_id: str) -> str:
        """Creates a customer that a payment method can be saved for, once for each account."""

    async def charge(self, payment: Payment, customer: str, method: str) -> Paid:
        """Has a saved method pay, once for each payment id; raises `PaymentRefused`."""

    async def look(self, intent: str) -> Paid:
        """The payment as the service shows it now."""
