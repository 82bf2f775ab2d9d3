"""Builds the sessions of people, which calls may be made by in place of a key."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.people.sessions import Sessions
from gateway.stores.organizations import DynamoOrganizations
from gateway.stores.people import DynamoPeople
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.ports.erasure import Erasures


@cache
def people_store() -> DynamoPeople:
    """The store of people and their sessions."""
    on = process()
    return DynamoPeople(on.aws, on.settings.people_table, on.settings.ledger_table)


@cache
def organization_store() -> DynamoOrganizations:
    """The store of organizations, in the same table."""
    on = process()
    return DynamoOrganizations(on.aws, on.settings.people_table, on.settings.ledger_table)


@cache
def erasures() -> Erasures:
    """The erasures of what accounts leave, for the two families that end accounts."""
    from gateway.stores.aws.executions import StepFunctionsErasures  # noqa: PLC0415  # sessions alone need none

    on = process()
    return StepFunctionsErasures(on.aws, on.settings.erasures_state_machine)


@cache
def sessions() -> Sessions:
    """The sessions of people."""
    return Sessions(people_store(), process().clock)
