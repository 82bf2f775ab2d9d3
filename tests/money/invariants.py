"""Checks the invariants of docs/money.md after every step on a store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from gateway.canonical.alerts import KeySpend
from gateway.canonical.money import (
    AccountSnapshot,
    AccountState,
    Act,
    Admission,
    Charge,
    CountedCall,
    Entry,
    EntryKind,
    Failure,
    Hold,
    HoldRequest,
    NanoUsd,
    Refusal,
    Settlement,
)
from gateway.canonical.tallies import Tallies
from gateway.ledger.usage_sums import summed, without_empty
from gateway.ports.money import Money
from gateway.stores.money.items import Item
from gateway.stores.money.usage import Sums, UsageSums

# After all that a test does.
FAR_S = 4e9
ENDS = frozenset({EntryKind.CHARGE, EntryKind.RELEASE})


def check(look: AccountSnapshot, before: Sequence[Entry] = ()) -> None:
    """Raises for a look at an account that breaks an invariant; `before` are entries that it had earlier."""
    assert look.balanced, look
    assert set(before) <= set(look.entries), "an entry has changed or gone"
    of_hold: dict[str, list[Entry]] = defaultdict(list)
    for entry in look.entries:
        if entry.hold_id is not None:
            of_hold[entry.hold_id].append(entry)
    for entries in of_hold.values():
        check_hold(entries)


def check_usage(items: Iterable[Item], entries: Sequence[Entry]) -> None:
    """Raises unless an account's sums of usage, with what is beyond them, are what its entries come to."""
    sums = Sums()
    for item in items:
        sums.add(item)
    assert sums.whole, sums
    newest = [entry for entry in entries if entry.entry_id >= sums.done]
    assert sums.exact(newest) == without_empty(summed(entries)), (sums, entries)


def check_hold(entries: Sequence[Entry]) -> None:
    """Raises for entries of one hold that no order of steps may bring about."""
    ends = [entry for entry in entries if entry.kind in ENDS]
    final = [entry for entry in ends if not entry.provisional]
    provisional = [entry for entry in ends if entry.provisional]
    assert (len(final) <= 1, len(provisional) <= 1) == (True, True), entries
    assert [entry for entry in ends if entry.late] == (final if provisional else []), entries
    paid = -sum(entry.amount_nanousd for entry in entries)
    written_off = sum(entry.amount_nanousd for entry in entries if entry.kind is EntryKind.SHORTFALL)
    charges = [entry.charge for entry in (*provisional, *final) if entry.charge is not None]
    cost = charges[-1].cost_nanousd if charges else 0
    assert max(0, cost - written_off) <= paid <= cost, entries


class Checked:
    """A store whose account is looked at after every step.

    With `sums` all usage is summed up after every step too, and closed for all that may come.
    """

    def __init__(self, money: Money, sums: UsageSums | None = None) -> None:
        self._money = money
        self._sums = sums
        self._entries: dict[str, tuple[Entry, ...]] = {}
        # Set while several steps run at once.
        self.resting = True

    async def _check(self, account_id: str) -> None:
        look = await self._money.read_account(account_id) if self.resting else None
        if look is not None:
            check(look, self._entries.get(account_id, ()))
            # Only a write that arrives twice opens a hold again, and these tests send each one once.
            assert not {hold.hold_id for hold in look.holds} & {entry.hold_id for entry in look.entries}, look
            self._entries[account_id] = look.entries
            if self._sums is not None:
                await self._sums.sum_up(account_id, FAR_S, at_least=1)
            assert await self._money.usage(account_id, "1970-01-01") == without_empty(summed(look.entries)), look

    async def open_account(self, account_id: str, rpm_limit: int) -> None:
        await self._money.open_account(account_id, rpm_limit)
        await self._check(account_id)

    async def set_account(self, account_id: str, *, rpm_limit: int | None = None, disabled: bool | None = None) -> None:
        await self._money.set_account(account_id, rpm_limit=rpm_limit, disabled=disabled)
        await self._check(account_id)

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
        entry = await self._money.credit(account_id, amount_nanousd, once=once, now_s=now_s, note=note, act=act)
        await self._check(account_id)
        return entry

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        outcome = await self._money.admit(request, now_s)
        await self._check(request.account_id)
        return outcome

    async def count(self, call: CountedCall, now_s: float) -> AccountState | Refusal | None:
        counted = await self._money.count(call, now_s)
        await self._check(call.account_id)
        return counted

    def standing_refusal(self, account_id: str, key_id: str, now_s: float) -> Refusal | None:
        return self._money.standing_refusal(account_id, key_id, now_s)

    async def park(self, hold: Hold) -> Hold:
        parked = await self._money.park(hold)
        await self._check(hold.account_id)
        return parked

    async def extend(
        self,
        hold: Hold,
        to_nanousd: NanoUsd,
        *,
        spend_cap_nanousd: NanoUsd | None = None,
        seat_cap_nanousd: NanoUsd | None = None,
    ) -> Hold | None:
        caps = {"spend_cap_nanousd": spend_cap_nanousd, "seat_cap_nanousd": seat_cap_nanousd}
        extended = await self._money.extend(hold, to_nanousd, **caps)
        await self._check(hold.account_id)
        return extended

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        kept = await self._money.checkpoint(hold, charge)
        await self._check(hold.account_id)
        return kept

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        settled = await self._money.settle(hold, charge, now_s)
        await self._check(hold.account_id)
        return settled

    async def release(self, hold: Hold, now_s: float, failure: Failure | None = None) -> Settlement:
        released = await self._money.release(hold, now_s, failure)
        await self._check(hold.account_id)
        return released

    async def expire(self, hold: Hold, now_s: float) -> Settlement:
        expired = await self._money.expire(hold, now_s)
        await self._check(hold.account_id)
        return expired

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        await self._money.track_spend(account_id, key_id, now_s)
        await self._check(account_id)

    async def read_account(self, account_id: str) -> AccountSnapshot | None:
        return await self._money.read_account(account_id)

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        return await self._money.state(account_id, key_id, key_rpm_limit, now_s)

    async def key_spend(self, account_id: str, key_id: str, now_s: float) -> KeySpend | None:
        return await self._money.key_spend(account_id, key_id, now_s)

    async def seat_spend(self, account_id: str, now_s: float) -> Mapping[int, NanoUsd]:
        return await self._money.seat_spend(account_id, now_s)

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        return await self._money.entries(account_id, since_s=since_s, until_s=until_s, limit=limit, before=before)

    async def usage(self, account_id: str, first_day: str) -> Tallies:
        return await self._money.usage(account_id, first_day)

    def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        return self._money.overdue(now_s)
