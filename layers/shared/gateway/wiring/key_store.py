"""Builds the store in which keys are made and changed, apart from their lookup, which every request needs."""

from __future__ import annotations

from functools import cache

from gateway.stores.keys.store import DynamoKeyStore
from gateway.stores.money.tables import MoneyTables
from gateway.wiring.process import Process, process


@cache
def key_store() -> DynamoKeyStore:
    """Keys as they are made, changed and listed."""
    return key_store_of(process())


def key_store_of(on: Process) -> DynamoKeyStore:
    """The store of keys on the tables that a process's settings name."""
    tables = MoneyTables(on.aws, on.settings.accounts_table, on.settings.ledger_table)
    return DynamoKeyStore(tables, on.settings.keys_table, on.settings.people_table)
