"""Money in a process's own memory: it applies the rules directly, for tests and for programs without a table.

No step waits between reading and writing, so each step is all or nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec.structs import replace

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
    seat_name,
)
from gateway.canonical.tallies import Tallies
from gateway.errors import Conflict, NotFound
from gateway.ledger.hold_ids import END_OF_IDS, id_floor
from gateway.ledger.usage_sums import day_floor, summed, without_empty
from gateway.stores.money.endings import Ending, correctable, ending, in_order, late_ending, same_end
from gateway.stores.money.key_limits import Counts
from gateway.stores.money.state import (
    Account,
    admission,
    admitted,
    corrected,
    counted_names,
    credit_entry,
    ended,
    fitted,
    judge,
    judge_call,
    late_month,
    seat_spend,
    spend,
    state,
    uncounted,
    unknown,
)


class MemoryMoney:
    """`Money` in dictionaries."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._parked: dict[tuple[str, str], Hold] = {}
        self._entries: dict[str, dict[str, Entry]] = {}
        self._once: dict[tuple[str, str], Entry] = {}
        self._spent_before: dict[tuple[str, str, int], NanoUsd] = {}

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
        self,
        account_id: str,
        amount_nanousd: NanoUsd,
        *,
        once: str,
        now_s: float,
        note: str | None = None,
        act: Act | None = None,
    ) -> Entry:
        account = self._known(account_id)
        entry = credit_entry(account_id, amount_nanousd, now_s, note, act)
        if (account_id, once) in self._once:
            return self._once[account_id, once]
        self._once[account_id, once] = self._entries[account_id][entry.entry_id] = entry
        self._accounts[account_id] = replace(account, free_nanousd=account.free_nanousd + amount_nanousd)
        return entry

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        account = self._accounts.get(request.account_id)
        if account is not None and request.hold_id in account.young:
            return admission(account, request, now_s)
        if account is None:
            return unknown(request, now_s)
        request = fitted(account, request, now_s)
        refusal = judge(account, request, now_s)
        if refusal is not None:
            return refusal
        self._accounts[request.account_id] = admitted(account, request, now_s)
        return admission(self._accounts[request.account_id], request, now_s)

    async def count(self, call: CountedCall, now_s: float) -> AccountState | Refusal | None:
        account = self._accounts.get(call.account_id)
        if account is None:
            return None
        refusal = judge_call(account, call, now_s)
        if refusal is not None:
            return refusal
        self._accounts[call.account_id] = _counted(account, call, now_s)
        return state(self._accounts[call.account_id], call.key_id, call.key_rpm_limit, now_s)

    def standing_refusal(self, account_id: str, key_id: str, now_s: float) -> Refusal | None:
        del account_id, key_id, now_s
        return None  # Memory remembers no refusals: it judges each request.

    async def park(self, hold: Hold) -> Hold:
        account = self._known(hold.account_id)
        young = account.young.get(hold.hold_id)
        if young is not None:
            self._parked[hold.account_id, hold.hold_id] = replace(young, parked=True)
            rest = {hold_id: other for hold_id, other in account.young.items() if hold_id != hold.hold_id}
            self._accounts[hold.account_id] = replace(account, young=rest)
        return replace(hold, parked=True, crowded=False)

    async def extend(
        self,
        hold: Hold,
        to_nanousd: NanoUsd,
        *,
        spend_cap_nanousd: NanoUsd | None = None,
        seat_cap_nanousd: NanoUsd | None = None,
    ) -> Hold | None:
        account, stored = self._known(hold.account_id), self._stored(hold)
        if stored is None:
            return None
        if stored.amount_nanousd >= to_nanousd:
            return hold.of(stored.amount_nanousd)
        raised = _raised(account, stored, to_nanousd)
        most = {hold.key_id: spend_cap_nanousd, seat_name(hold.seat or 0): seat_cap_nanousd}
        bounds = [(name, cap) for name in counted_names(hold, account.month) if (cap := most[name]) is not None]
        over_cap = any(raised.key_spent[name] > cap for name, cap in bounds)
        if raised.free_nanousd < 0 or over_cap:
            return None
        self._accounts[hold.account_id] = raised
        self._store(stored.of(to_nanousd))
        return hold.of(to_nanousd)

    async def checkpoint(self, hold: Hold, charge: Charge) -> Hold:
        parked = await self.park(hold)
        stored = self._stored(hold)
        if stored is None:
            return parked
        if stored.checkpoint is None or stored.checkpoint.cost_nanousd <= charge.cost_nanousd:
            self._store(replace(stored, checkpoint=charge))
        return parked

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        return self._end(hold, charge, now_s)

    async def release(self, hold: Hold, now_s: float, failure: Failure | None = None) -> Settlement:
        return self._end(hold, None, now_s, failure=failure)

    async def expire(self, hold: Hold, now_s: float) -> Settlement:
        stored = self._stored(hold)
        checkpoint = None if stored is None else stored.checkpoint
        estimate = None if checkpoint is None else replace(checkpoint, estimated=True)
        return self._end(hold, estimate, now_s, provisional=True)

    async def read_account(self, account_id: str) -> AccountSnapshot | None:
        account = self._accounts.get(account_id)
        if account is None:
            return None
        parked = [hold for hold in self._parked.values() if hold.account_id == account_id]
        return AccountSnapshot(
            account_id=account_id,
            free_nanousd=account.free_nanousd,
            held_nanousd=account.held_nanousd,
            holds=tuple(sorted([*account.young.values(), *parked], key=lambda hold: hold.hold_id)),
            entries=tuple(self._in_order(account_id)),
            rpm_limit=account.rpm_limit,
            disabled=account.disabled,
            month=account.month,
            key_spent=account.key_spent,
            spent_before={
                key_id: spent
                for (owner, key_id, month), spent in self._spent_before.items()
                if (owner, month) == (account_id, account.month)
            },
            minute=account.minute,
            key_tokens=account.key_tokens or {},
            leases=account.leases,
        )

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> AccountState | None:
        account = self._accounts.get(account_id)
        return None if account is None else state(account, key_id, key_rpm_limit, now_s)

    async def key_spend(self, account_id: str, key_id: str, now_s: float) -> KeySpend | None:
        if account_id not in self._accounts:
            return None
        account = self._accounts[account_id].at(now_s)
        holds = [*account.young.values(), *(hold for hold in self._parked.values() if hold.account_id == account_id)]
        own = [hold for hold in holds if (hold.key_id, hold.month) == (key_id, account.month)]
        held = sum(hold.amount_nanousd for hold in own)
        return KeySpend(account.month, account.key_spent.get(key_id, 0) - held, held)

    async def seat_spend(self, account_id: str, now_s: float) -> Mapping[int, NanoUsd]:
        return seat_spend(self._accounts[account_id], now_s) if account_id in self._accounts else {}

    async def entries(
        self, account_id: str, *, since_s: float, until_s: float, limit: int, before: str | None = None
    ) -> Sequence[Entry]:
        first, end = id_floor(since_s), min(id_floor(until_s), before or END_OF_IDS)
        known = self._in_order(account_id) if account_id in self._accounts else []
        return [entry for entry in reversed(known) if first <= entry.entry_id < end][:limit]

    async def usage(self, account_id: str, first_day: str) -> Tallies:
        first = day_floor(first_day)
        known = self._in_order(account_id) if account_id in self._accounts else []
        return without_empty(summed([entry for entry in known if entry.entry_id >= first]))

    async def track_spend(self, account_id: str, key_id: str, now_s: float) -> None:
        account = self._known(account_id).at(now_s)
        self._accounts[account_id] = replace(account, key_spent={key_id: 0, **account.key_spent})
        for hold in [*account.young.values(), *self._parked.values()]:
            if hold.account_id == account_id and uncounted(hold, key_id, account.month):
                self._store(replace(hold, month=account.month))
                self._add_spend(account_id, key_id, hold.amount_nanousd)
        entries = self._in_order(account_id)
        spent = -sum(entry.amount_nanousd for entry in entries if uncounted(entry, key_id, account.month))
        before = self._spent_before.get((account_id, key_id, account.month), 0)
        self._spent_before[account_id, key_id, account.month] = spent
        self._add_spend(account_id, key_id, spent - before)

    def _add_spend(self, account_id: str, key_id: str, nanousd: NanoUsd) -> None:
        account = self._accounts[account_id]
        spent = {**account.key_spent, key_id: account.key_spent[key_id] + nanousd}
        self._accounts[account_id] = replace(account, key_spent=spent)

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

    def _end(
        self,
        hold: Hold,
        charge: Charge | None,
        now_s: float,
        *,
        provisional: bool = False,
        failure: Failure | None = None,
    ) -> Settlement:
        stored, account = self._stored(hold), self._accounts[hold.account_id]
        entries = [entry for entry in self._entries[hold.account_id].values() if entry.hold_id == hold.hold_id]
        before = tuple(sorted(entries, key=lambda entry: entry.entry_id))
        if stored is not None and before:
            # Its admission has arrived after its end.
            nothing = ending(stored, None, 0, now_s)
            self._accounts[hold.account_id] = ended(account, stored, nothing)
            self._parked.pop((hold.account_id, hold.hold_id), None)
            return Settlement(same_end(before, ending(hold, charge, 0, now_s, provisional=provisional)), before)
        if stored is not None:
            end = ending(stored, charge, account.free_nanousd, now_s, provisional=provisional, failure=failure)
            self._accounts[hold.account_id] = ended(account, stored, end)
            self._parked.pop((hold.account_id, hold.hold_id), None)
        elif correctable(before) and not provisional:
            end = late_ending(before, charge, account.free_nanousd, now_s, late_month(account, before[0]))
            self._accounts[hold.account_id] = corrected(account, before[0], end)
        elif charge is None and not before and not provisional:
            end = ending(hold.of(0), None, 0, now_s, failure=failure)
        else:
            expected = ending(hold, charge, 0, now_s, provisional=provisional)
            return Settlement(same_end(before, expected), before)
        self._entries[hold.account_id].update({entry.entry_id: entry for entry in end.entries})
        return Settlement(True, in_order(before, end), self._alerts(stored, end))

    def _alerts(self, stored: Hold | None, end: Ending) -> bool:
        """True if the key's spend, with what it holds, has come to where its owner is told; for late ends always."""
        if stored is None:
            return end.entries[0].month is not None
        account = self._accounts[stored.account_id]
        if stored.alert_at_nanousd is None or stored.month != account.month:
            return False
        return account.key_spent[stored.key_id] >= stored.alert_at_nanousd

    def _in_order(self, account_id: str) -> list[Entry]:
        return sorted(self._entries[account_id].values(), key=lambda entry: entry.entry_id)


def _counted(account: Account, call: CountedCall, now_s: float) -> Account:
    """The account just after a call which holds no money."""
    account = account.at(now_s)
    if call.reads_limit is not None:
        return replace(account, key_reads=_one_more(account.key_reads, call.key_id))
    return replace(account, used=account.used + 1, key_used=_one_more(account.key_used, call.key_id))


def _one_more(counts: Counts, key_id: str) -> Mapping[str, int]:
    return {**(counts or {}), key_id: (counts or {}).get(key_id, 0) + 1}


def _raised(account: Account, hold: Hold, amount_nanousd: NanoUsd) -> Account:
    """The account after `hold` was raised to another amount. The key's spend of a month that is over is not kept."""
    more = amount_nanousd - hold.amount_nanousd
    return replace(
        account,
        free_nanousd=account.free_nanousd - more,
        held_nanousd=account.held_nanousd + more,
        key_spent=spend(account, hold, more),
    )
