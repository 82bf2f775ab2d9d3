"""Builds the sessions of people, which calls may be made by in place of a key."""

from __future__ import annotations

from functools import cache

from gateway.people.sessions import Sessions
from gateway.stores.organizations import DynamoOrganizations
from gateway.stores.people import DynamoPeople
from gateway.wiring.process import process


@cache
def people_store() -> DynamoPeople:
    """The store of people and their sessions."""
    on = process()
    return DynamoPeople(on.aws, on.settings.people_table, on.settings.ledger_table)


@cache
def organization_store() -> DynamoOrganizations:
    """The store of organizations, in the same table."""
    on = process()
    return DynamoOrganizations(on.aws, on.settings.people_table)


@cache
def sessions() -> Sessions:
    """The sessions of people."""
    return Sessions(people_store(), process().clock)
