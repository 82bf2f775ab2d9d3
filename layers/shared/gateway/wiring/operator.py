"""Builds what an operator's commands work on: the tables that some settings name, not this process's environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from gateway.jobs.reconciler import Reconciled
from gateway.ports.audit import AuditLog
from gateway.ports.catalog import OverrideStore
from gateway.ports.clock import Clock
from gateway.ports.directory import Directory
from gateway.ports.keys import KeyStore
from gateway.ports.money import Money
from gateway.ports.organizations import OrganizationStore
from gateway.ports.payments import PaymentBooks
from gateway.ports.people import PeopleStore
from gateway.ports.routes import RouteStore
from gateway.ports.upstream import ProviderRows
from gateway.stores.aws.provider_rows import SecretProviderRows
from gateway.stores.directory import DynamoDirectory
from gateway.stores.money.sweep import SweepReport
from gateway.stores.money.sweep import sweep as sweep_holds
from gateway.stores.money.usage import UsageSums
from gateway.stores.organizations import DynamoOrganizations
from gateway.stores.overrides import DynamoOverrides
from gateway.stores.people import DynamoPeople
from gateway.wiring.audit import audit_log_of
from gateway.wiring.billing import payment_books
from gateway.wiring.jobs import engine_of, reconciler_of
from gateway.wiring.key_store import key_store_of
from gateway.wiring.learning import route_store_of
from gateway.wiring.money import money_of
from gateway.wiring.process import of_settings
from gateway.wiring.settings import Settings
from gateway.wiring.usage import sums_of


class Operator(Struct, frozen=True):
    """The stores that an operator's commands work on."""

    money: Money
    key_store: KeyStore
    clock: Clock
    provider_rows: ProviderRows
    callback_rows: ProviderRows
    overrides: OverrideStore
    people: PeopleStore
    organizations: OrganizationStore
    directory: Directory
    books: PaymentBooks
    sums: UsageSums
    audit: AuditLog
    routes: RouteStore

    async def sweep(self, now_s: float | None) -> SweepReport:
        """Ends the holds whose deadline is over at that time, or now."""
        return await sweep_holds(self.money, self.clock.now_s() if now_s is None else now_s)


class StandingClock(Struct, frozen=True):
    """A clock that shows one time."""

    at_s: float

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@asynccontextmanager
async def operator(chosen: Settings) -> AsyncIterator[Operator]:
    """The operator of the tables that the settings name; its connections close with the context."""
    on = of_settings(chosen)
    rows = SecretProviderRows(on.aws, chosen.providers_secret)
    callbacks = SecretProviderRows(on.aws, chosen.callbacks_secret)
    try:
        yield Operator(
            money=money_of(on),
            key_store=key_store_of(on),
            clock=on.clock,
            provider_rows=rows,
            callback_rows=callbacks,
            overrides=DynamoOverrides(on.aws, chosen.catalog_table),
            people=DynamoPeople(on.aws, chosen.people_table, chosen.ledger_table),
            directory=DynamoDirectory(on.aws, chosen.people_table),
            organizations=DynamoOrganizations(on.aws, chosen.people_table, chosen.ledger_table),
            books=payment_books(on),
            sums=sums_of(on),
            audit=audit_log_of(on),
            routes=route_store_of(on),
        )
    finally:
        await on.client.close()


async def clear_sessions(chosen: Settings, now_s: float) -> int:
    """One look of the sweeper for dead sessions, at a time; returns how many there were."""
    from gateway.wiring.clearing import clearing_of  # noqa: PLC0415  # no command of a deployed stack needs it

    on = of_settings(chosen)
    try:
        return await clearing_of(on, StandingClock(now_s)).clear_dead()
    finally:
        await on.client.close()


async def reconcile(chosen: Settings, now_s: float | None) -> Reconciled:
    """One look of the reconciler, by the machine's clock or at another time."""
    on = of_settings(chosen)
    try:
        clock = on.clock if now_s is None else StandingClock(now_s)
        return await reconciler_of(engine_of(on), clock).run()
    finally:
        await on.client.close()
