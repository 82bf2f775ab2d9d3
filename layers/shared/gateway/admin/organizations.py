"""Shows organizations and their members to an operator."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.accounts.pages import iso_utc
from gateway.accounts.statement import balance_view
from gateway.admin.accounts import Document
from gateway.admin.lines import add_limit
from gateway.errors import NotFound
from gateway.organizations.views import member_view
from gateway.ports.organizations import Organization
from gateway.wiring.operator import Operator


async def listing(services: Operator, arguments: argparse.Namespace) -> Document:
    """Lists organizations, the newest first; it reads the whole table, and shows the newest `limit`."""
    found = [organization async for organization in services.directory.organizations()]
    found.sort(key=lambda one: (one.created_at_s, one.org_id), reverse=True)
    return {"organizations": [_view(one) for one in found[: arguments.limit]], "of": len(found)}


async def show(services: Operator, arguments: argparse.Namespace) -> Document:
    """Shows an organization with its balance."""
    found = await _organization(services, arguments.organization)
    account = await services.money.state(found.account_id, "", 0, services.clock.now_s())
    return {**_view(found), "balance": None if account is None else balance_view(account)}


async def members(services: Operator, arguments: argparse.Namespace) -> Document:
    """Lists all members with their spend of this month, removed ones too."""
    found = await _organization(services, arguments.organization)
    spent = await services.money.seat_spend(found.account_id, services.clock.now_s())
    every = await services.organizations.members(found.org_id)
    return {"org_id": found.org_id, "members": [member_view(one, spent) for one in every]}


ACTIONS = {"list": listing, "show": show, "members": members}


async def run(services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs one of the actions."""
    return await ACTIONS[arguments.action](services, arguments)


def add_parser(commands: Any) -> None:
    """Adds the command's line."""
    organizations = commands.add_parser("organizations", help="organizations: list, show, members")
    actions = organizations.add_subparsers(dest="action", required=True)
    every = actions.add_parser("list", help="the newest organizations; it reads the whole table")
    add_limit(every)
    for action, said in {"show": "an organization with its balance", "members": "its members and their spend"}.items():
        actions.add_parser(action, help=said).add_argument("organization", metavar="ORG_ID")


async def _organization(services: Operator, org_id: str) -> Organization:
    found = await services.organizations.organization(org_id)
    if found is None:
        raise NotFound(f"There is no organization '{org_id[:100]}'.")
    return found


def _view(organization: Organization) -> Document:
    return {
        "org_id": organization.org_id,
        "account_id": organization.account_id,
        "name": organization.name,
        "created_at": iso_utc(organization.created_at_s),
        "members": organization.members,
        "owners": organization.owners,
        "closed": organization.closed,
    }
