"""The stores of an operator's commands, in memory."""

from __future__ import annotations

from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.stores.money.tables import MoneyTables
from gateway.stores.money.usage import UsageSums
from gateway.wiring.operator import Operator
from tests.fakes.audit import MemoryAudit
from tests.fakes.directory import MemoryDirectory
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.money import MemoryMoney
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.overrides import MemoryOverrides
from tests.fakes.people import MemoryPeople
from tests.fakes.provider_rows import MemoryProviderRows
from tests.fakes.routes import MemoryRoutes
from tests.money.given import NOW_S
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.money.stores import WallClock


class StandingClock(WallClock):
    """A clock that stands at the tests' moment."""

    def now_s(self) -> float:
        return NOW_S


def memory_operator() -> Operator:
    """Builds an operator over stores of its own."""
    return Operator(
        money=MemoryMoney(),
        key_store=MemoryKeyStore(),
        clock=StandingClock(),
        provider_rows=MemoryProviderRows(),
        callback_rows=MemoryProviderRows(),
        overrides=MemoryOverrides(),
        people=(people := MemoryPeople()),
        organizations=(organizations := MemoryOrganizations()),
        directory=MemoryDirectory(people, organizations),
        books=DynamoPaymentBooks(SimulatedDynamoDb(), "accounts", "ledger"),
        sums=UsageSums(MoneyTables(SimulatedDynamoDb(), "accounts", "ledger")),
        audit=MemoryAudit(),
        routes=MemoryRoutes(),
    )
