"""Money in a process's own memory: the rules applied as they stand, for tests and for programs without a
table.

Nothing here waits between reading and writing, so each step is all or nothing by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

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
from gateway.errors import Conflict, NotFound
from gateway.ledger.hold_ids import END_OF_IDS, id_floor
from gateway.stores.money_state import (
    Account,
    admission,
    admitted,
    credit_entry,
    ended,
    ending,
    judge,
    resized,
    same_end,
    spent_in_month,
    state,
    unknown,
)


class MemoryMoney:
    """`Money` in dictionaries."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._parked: dict[tuple[str, str], Hold] = {}
        self._entries: dict[str, dict[str, Entry]] = {}
        self._once: dict[tuple[str, str], Entry] = {}

    async def open_account(self, account_id: str, rpm_limit: int) -> None:
        if account_id in self._accounts:
            raise Conflict(f"The account '{account_id}' exists already.")
        self._accounts[account_id] = Account(account_id, rpm_limit=rpm_limit)
        self._entries[account_id] = {}

    async def set_account(self, account_id: str, *, rpm_limit: int | None = None, disabled: bool | None = None) -> None:
        account = self._known(account_id)
        self._accounts[account_id] = replace(
            account,
            rpm_limit=account.rpm_limit if rpm_limit is None else rpm_limit,
            disabled=account.disabled if disabled is None else disabled,
        )

    async def credit(
        self, account_id: str, amount_nanousd: NanoUsd, *, once: str, now_s: float, note: str | None = None
    ) -> Entry:
        account = self._known(account_id)
        entry = credit_entry(account_id, amount_nanousd, now_s, note)
        if (account_id, once) in self._once:
            return self._once[account_id, once]
        self._once[account_id, once] = self._entries[account_id][entry.entry_id] = entry
        self._accounts[account_id] = replace(account, free_nanousd=account.free_nanousd + amount_nanousd)
        return entry

    async def admit(self, wanted: Wanted, now_s: float) -> Admission | Refusal:
        account = self._accounts.get(wanted.account_id)
        if account is not None and wanted.hold_id in account.young:
            return admission(account, wanted, now_s)
        if account is None:
            return unknown(wanted, now_s)
        refusal = judge(account, wanted, now_s)
        if refusal is not None:
            return refusal
        self._accounts[wanted.account_id] = admitted(account, wanted, now_s)
        return admission(self._accounts[wanted.account_id], wanted, now_s)

    async def park(self, hold: Hold) -> Hold:
        account = self._known(hold.account_id)
        young = account.young.get(hold.hold_id)
        if young is not None:
            self._parked[hold.account_id, hold.hold_id] = replace(young, parked=True)
            rest = {hold_id: other for hold_id, other in account.young.items() if hold_id != hold.hold_id}
            self._accounts[hold.account_id] = replace(account, young=rest)
        return replace(hold, parked=True, crowded=False)

    async def extend(self, hold: Hold, to_nanousd: NanoUsd, *, spend_cap_nanousd: NanoUsd | None = None) -> Hold | None:
        account, stored = self._known(hold.account_id), self._stored(hold)
        if stored is None:
            return None
        if stored.amount_nanousd >= to_nanousd:
            return hold.of(stored.amount_nanousd)
        raised = resized(account, stored, to_nanousd)
        capped = hold.month == account.month and spend_cap_nanousd is not None
        over_cap = capped and raised.key_spent[hold.key_id] > (spend_cap_nanousd or 0)
        if raised.free_nanousd < 0 or over_cap:
            return None
        self._accounts[hold.account_id] = raised
        self._store(stored.of(to_nanousd))
        return hold.of(to_nanousd)

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        parked = await self.park(hold)
        stored = self._stored(hold)
        if stored is not None:
            self._store(replace(stored, checkpoint=charge))
        return parked

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        return self._end(hold, charge, now_s)

    async def release(self, hold: Hold, now_s: float) -> Settlement:
        return self._end(hold, None, now_s)

    async def look(self, account_id: str) -> Look | None:
        account = self._accounts.get(account_id)
        if account is None:
            return None
        parked = [hold for hold in self._parked.values() if hold.account_id == account_id]
        return Look(
            account_id=account_id,
            free_nanousd=account.free_nanousd,
            held_nanousd=account.held_nanousd,
            holds=tuple(sorted([*account.young.values(), *parked], key=lambda hold: hold.hold_id)),
            entries=tuple(self._in_order(account_id)),
            rpm_limit=account.rpm_limit,
            disabled=account.disabled,
        )

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        account = self._accounts.get(account_id)
        return None if account is None else state(account, key_id, key_rpm_limit, now_s)

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        first, end = id_floor(since_s), min(id_floor(until_s), before or END_OF_IDS)
        known = self._in_order(account_id) if account_id in self._accounts else []
        return [entry for entry in reversed(known) if first <= entry.entry_id < end][:limit]

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        account = self._known(account_id).at(now_s)
        spent = spent_in_month(self._entries[account_id].values(), key_id, now_s)
        self._accounts[account_id] = replace(account, key_spent={**account.key_spent, key_id: spent})

    async def overdue(self, now_s: float) -> AsyncIterator[Hold]:
        young = [hold for account in self._accounts.values() for hold in account.young.values()]
        for hold in [*young, *self._parked.values()]:
            if hold.deadline_s <= now_s:
                yield hold

    def _known(self, account_id: str) -> Account:
        if account_id not in self._accounts:
            raise NotFound(f"There is no account '{account_id}'.")
        return self._accounts[account_id]

    def _stored(self, hold: Hold) -> Hold | None:
        young = self._known(hold.account_id).young.get(hold.hold_id)
        return young or self._parked.get((hold.account_id, hold.hold_id))

    def _store(self, hold: Hold) -> None:
        if hold.parked:
            self._parked[hold.account_id, hold.hold_id] = hold
            return
        account = self._accounts[hold.account_id]
        self._accounts[hold.account_id] = replace(account, young={**account.young, hold.hold_id: hold})

    def _end(self, hold: Hold, charge: Charge | None, now_s: float) -> Settlement:
        stored = self._stored(hold)
        if stored is None:
            entries = [entry for entry in self._in_order(hold.account_id) if entry.hold_id == hold.hold_id]
            wanted = ending(hold, charge, 0, now_s)
            return Settlement(same_end(tuple(entries), wanted.entries), tuple(entries))
        account = self._accounts[hold.account_id]
        end = ending(stored, charge, account.free_nanousd, now_s)
        self._accounts[hold.account_id] = ended(account, stored, end)
        self._parked.pop((hold.account_id, hold.hold_id), None)
        self._entries[hold.account_id].update({entry.entry_id: entry for entry in end.entries})
        return Settlement(True, end.entries)

    def _in_order(self, account_id: str) -> list[Entry]:
        return sorted(self._entries[account_id].values(), key=lambda entry: entry.entry_id)
