"""Accounts, holds, ledgers and the queue of deferred settlements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.canonical.alerts import KeySpend
from gateway.canonical.money import (
    AccountSnapshot,
    AccountState,
    Act,
    Admission,
    Charge,
    CountedCall,
    Entry,
    Failure,
    Hold,
    HoldRequest,
    NanoUsd,
    Refusal,
    Settlement,
)

if TYPE_CHECKING:
    # Reports of usage alone load it.
    from gateway.canonical.tallies import Tallies


class Money(Protocol):
    """Accounts and their ledgers. Each method is atomic, and harmless when repeated with the same hold or `once`.

    If the store cannot be reached or is too busy, a method raises `ServiceUnavailable`. A repeat is then safe:
    afterwards the change has happened exactly once. Times are epoch seconds.
    """

    async def open_account(self, account_id: str, rpm_limit: int) -> None:
        """Opens an empty account; raises `Conflict` if it exists."""

    async def set_account(self, account_id: str, *, rpm_limit: int | None = None, disabled: bool | None = None) -> None:
        """Changes the given settings; raises `NotFound` for an unknown account."""

    async def credit(
        self,
        account_id: str,
        amount_nanousd: NanoUsd,
        *,
        once: str,
        now_s: float,
        note: str | None = None,
        act: Act | None = None,
    ) -> Entry:
        """Adds money once for each `once` (a payment's id); a repeat returns the entry of the first time."""

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        """Checks the windows of key and account, the key's further limits, the spend caps of key and seat, and the
        balance, and makes the hold: all of them, or nothing moves.
        """

    async def count(self, call: CountedCall, now_s: float) -> AccountState | Refusal | None:
        """Counts a call that holds no money, or refuses it; `None` for an unknown account. A repeat counts again."""

    def standing_refusal(self, account_id: str, key_id: str, now_s: float) -> Refusal | None:
        """A refusal of a key's requests that this process knows to stand; it asks no one."""

    async def park(self, hold: Hold) -> Hold:
        """Moves a long-lived hold out of its account's item, so that a crowded item stays small."""

    async def extend(
        self,
        hold: Hold,
        to_nanousd: NanoUsd,
        *,
        spend_cap_nanousd: NanoUsd | None = None,
        seat_cap_nanousd: NanoUsd | None = None,
    ) -> Hold | None:
        """Raises the hold to an amount; `None` if balance or a cap does not cover it, or the hold has ended."""

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        """Stores the charge of a running request so far, for the sweeper; parks the hold if needed.

        A stored charge is replaced by one that is not smaller.
        """

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        """Ends the hold with a charge; the rest returns to the balance. Cost beyond hold and balance is written off.

        A hold that has expired is charged from the balance: the difference to what its expiry charged. Of the tokens
        that the hold reserved, those that were not used return to the key's minute.
        """

    async def release(self, hold: Hold, now_s: float, failure: Failure | None = None) -> Settlement:
        """Ends the hold and returns all of it to the balance; no later settlement of the hold has an effect.

        The entry tells of the failure, unless it corrects one of the sweeper. A hold that was never made is ended too:
        if its admission arrives later, nothing is charged.
        """

    async def expire(self, hold: Hold, now_s: float) -> Settlement:
        """Ends an overdue hold provisionally: charges its checkpoint as an estimate, or returns it to the balance."""

    async def read_account(self, account_id: str) -> AccountSnapshot | None:
        """A snapshot of the whole account, or `None`. For operators: it reads every entry."""

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        """The account's balance and the key's window, or `None`. One read, which counts in no window."""

    async def key_spend(self, account_id: str, key_id: str, now_s: float) -> KeySpend | None:
        """A key's counted spend of this month, and what it holds; `None` for an unknown account."""

    async def seat_spend(self, account_id: str, now_s: float) -> Mapping[int, NanoUsd]:
        """The spend of this month at each seat that has spent, open holds included; one read."""

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        """The entries of requests admitted, and credits made, in [since, until), newest first.

        `before`, an entry's id, gives the next page: the entries after it in that order.
        """

    async def usage(self, account_id: str, first_day: str) -> Tallies:
        """The sums of all charged requests admitted since the beginning of a UTC day, exact at once.

        Raises `ServiceUnavailable` where too much has not been summed up yet.
        """

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        """Counts a key's spend of this month from now on, with what it has spent and holds; before a cap is set on it.

        A repeat changes nothing. The count goes on until the month ends, also while the key has no cap.
        """

    def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        """The holds past their deadline, each as currently stored."""


class DeferredSettlements(Protocol):
    """Queue of holds whose end the store could not take."""

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        """Queues a settlement, or a release without a charge, for when the store can be reached."""
