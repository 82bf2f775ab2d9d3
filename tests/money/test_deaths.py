"""Tests that processes may die between any two calls: the books always balance, and every hold ends."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from msgspec.structs import replace

from gateway.canonical.money import Admission, Entry, Hold
from gateway.ledger.hold_ids import admitted_s, hold_id_at
from gateway.ledger.usage_sums import summed, without_empty
from gateway.limits.windows import month_of
from gateway.stores.aws.client import ConditionFailed, Item, TransactionCanceled
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from gateway.stores.money.tables import MoneyTables
from gateway.stores.money.usage import UsageSums
from tests.money.given import NOW_S, charge, opened, wanted
from tests.money.invariants import check
from tests.money.simulation.dynamodb import SimulatedDynamoDb

T = TypeVar("T")
ACCOUNT = "acct_0123456789"
BALANCE = 1_000
# The number of calls before the process dies, and whether the last of them still takes effect.
DEATHS = st.one_of(st.none(), st.tuples(st.integers(0, 3), st.booleans()))


KEY = "key_aaaaaaaaaa"


def _month(hold_id: str | None) -> int | None:
    return None if hold_id is None else month_of(admitted_s(hold_id))


class Died(BaseException):
    """The process has died: none of its handlers runs."""


class MortalDynamoDb(SimulatedDynamoDb):
    """The simulation, which ends its caller's process when told to."""

    def __init__(self) -> None:
        super().__init__(page=2)
        self.death: tuple[int, bool] | None = None
        self.writes: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        if operation not in {"GetItem", "Query"}:
            self.writes.append((operation, payload))
        if self.death is None:
            return await super().call(service, operation, payload)
        calls, has_effect = self.death
        self.death = (calls - 1, has_effect)
        if calls > 0:
            return await super().call(service, operation, payload)
        if has_effect:
            await super().call(service, operation, payload)
        raise Died


def run(step: Coroutine[Any, Any, T]) -> T:
    """Returns the result of a coroutine that never waits."""
    try:
        step.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the simulation never waits")


class Lives(RuleBasedStateMachine):
    """Requests of one account, their processes, and the sweeper."""

    holds = Bundle("holds")

    @initialize()
    def open(self) -> None:
        self.api = MortalDynamoDb()
        self.now_s, self.admissions = NOW_S, 0
        self.entries: tuple[Entry, ...] = ()
        run(opened(self.money, ACCOUNT, balance=BALANCE, rpm_limit=1_000))

    @property
    def money(self) -> DynamoMoney:
        """Builds a process without memory."""
        return DynamoMoney(self.api, "accounts", "ledger")

    def until_death(self, step: Coroutine[Any, Any, T], death: tuple[int, bool] | None) -> T | None:
        self.api.death = death
        try:
            return run(step)
        except Died:
            return None
        finally:
            self.api.death = None

    @rule(target=holds, amount=st.integers(0, 400), capped=st.booleans(), death=DEATHS)
    def admit(self, amount: int, *, capped: bool, death: tuple[int, bool] | None) -> Any:
        self.admissions += 1
        asked = replace(
            wanted(ACCOUNT, amount, self.now_s),
            hold_id=hold_id_at(self.now_s, self.admissions),
            spend_cap_nanousd=700 if capped else None,
        )
        outcome = self.until_death(self.money.admit(asked, self.now_s), death)
        return outcome.hold if isinstance(outcome, Admission) else multiple()

    @rule(hold=holds, death=DEATHS)
    def park(self, hold: Hold, death: tuple[int, bool] | None) -> None:
        self.until_death(self.money.park(hold), death)

    @rule(target=holds, hold=holds, more=st.integers(1, 300), death=DEATHS)
    def extend(self, hold: Hold, more: int, death: tuple[int, bool] | None) -> Any:
        cap = None if hold.month is None else 700
        extending = self.money.extend(hold, hold.amount_nanousd + more, spend_cap_nanousd=cap)
        extended = self.until_death(extending, death)
        return multiple() if extended is None else extended

    @rule(hold=holds, cost=st.integers(0, 100), death=DEATHS)
    def checkpoint(self, hold: Hold, cost: int, death: tuple[int, bool] | None) -> None:
        self.until_death(self.money.checkpoint(hold, charge(cost)), death)

    @rule(hold=holds, cost=st.integers(0, 900), death=DEATHS)
    def settle(self, hold: Hold, cost: int, death: tuple[int, bool] | None) -> None:
        self.until_death(self.money.settle(hold, charge(cost), self.now_s), death)

    @rule(hold=holds, death=DEATHS)
    def release(self, hold: Hold, death: tuple[int, bool] | None) -> None:
        self.until_death(self.money.release(hold, self.now_s), death)

    @rule(ahead_s=st.sampled_from([0, 1_000, 5_000]), death=DEATHS)
    def sweep(self, ahead_s: int, death: tuple[int, bool] | None) -> None:
        self.until_death(sweep(self.money, self.now_s + ahead_s), death)

    @rule(ahead_s=st.sampled_from([-60, 0, 100, 86_400]), death=DEATHS)
    def sum_up(self, ahead_s: int, death: tuple[int, bool] | None) -> None:
        sums = UsageSums(MoneyTables(self.api, "accounts", "ledger"))
        self.until_death(sums.sum_up(ACCOUNT, self.now_s + ahead_s, at_least=1), death)

    @rule(death=DEATHS)
    def track_spend(self, death: tuple[int, bool] | None) -> None:
        self.until_death(self.money.track_spend(ACCOUNT, KEY, self.now_s), death)
        if death is None:
            self.the_whole_month_is_counted()

    def the_whole_month_is_counted(self) -> None:
        look = run(self.money.read_account(ACCOUNT))
        assert look is not None
        month = look.month
        spent = -sum(entry.amount_nanousd for entry in look.entries if _month(entry.hold_id) == month)
        held = sum(hold.amount_nanousd for hold in look.holds if _month(hold.hold_id) == month)
        assert look.key_spent[KEY] == spent + held

    @precondition(lambda self: self.api.writes)
    @rule(back=st.integers(1, 12))
    def deliver_again(self, back: int) -> None:
        """Delivers a write that was sent before once more."""
        operation, payload = self.api.writes[-min(back, len(self.api.writes))]
        with suppress(ConditionFailed, TransactionCanceled):
            run(self.api.call("dynamodb", operation, payload))

    @rule(later_s=st.sampled_from([1, 61, 700, 86_400 * 20]))
    def wait(self, later_s: int) -> None:
        self.now_s += later_s

    @invariant()
    def the_books_balance(self) -> None:
        look = run(self.money.read_account(ACCOUNT))
        assert look is not None
        check(look, self.entries)
        self.entries = look.entries
        assert run(self.money.usage(ACCOUNT, "1970-01-01")) == without_empty(summed(look.entries))

    def teardown(self) -> None:
        far_s = self.now_s + 100_000
        run(sweep(self.money, far_s))
        run(sweep(self.money, far_s))
        look = run(self.money.read_account(ACCOUNT))
        assert look is not None
        assert (look.holds, look.held_nanousd, look.balanced) == ((), 0, True)
        assert not [key for key in self.api.tables["ledger"].items if key[1].startswith("hold#")]


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=120, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
