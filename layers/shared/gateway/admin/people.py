"""Shows people to an operator, keeps them out or lets them in again, and empties the counters of their attempts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from gateway.accounts.keyring import key_view
from gateway.accounts.pages import every_key, iso_utc
from gateway.admin.accounts import Document
from gateway.admin.acts import add_act, write
from gateway.admin.finding import user_of
from gateway.admin.lines import add_limit
from gateway.auth.sources import source_of
from gateway.errors import Conflict
from gateway.people.attempts import ABOUT_ADDRESSES, ABOUT_PEOPLE, ABOUT_SOURCES, PAIR, Attempts
from gateway.people.changes import changed
from gateway.people.registration import user_view
from gateway.people.sessions import Sessions
from gateway.people.tokens import hashed, new_secret
from gateway.ports.keys import KeyRecord
from gateway.ports.organizations import account_of
from gateway.ports.people import User
from gateway.wiring.operator import Operator


async def listing(services: Operator, arguments: argparse.Namespace) -> Document:
    """Lists people, the newest first; it reads the whole table, and shows the newest `limit`."""
    found = [user async for user in services.directory.people()]
    found.sort(key=lambda user: (user.created_at_s, user.user_id), reverse=True)
    return {"users": [_view(user) for user in found[: arguments.limit]], "of": len(found)}


async def show(services: Operator, arguments: argparse.Namespace) -> Document:
    """Shows a person with its account, its organizations, its sessions and its keys."""
    user = await user_of(services, arguments.user)
    account = await services.money.state(user.account_id, "", 0, services.clock.now_s())
    sessions = await Sessions(services.people, services.clock).living(user)
    return {
        **_view(user),
        "account_suspended": account is None or account.disabled,
        "organizations": list(await services.organizations.organizations_of(user.user_id)),
        "sessions": len(sessions),
        "keys": [key_view(key) for key in await _keys(services, user) if not key.revoked],
    }


async def disable(services: Operator, arguments: argparse.Namespace) -> Document:
    """Keeps a person out: ends its sessions, suspends its account, disables its keys, those in organizations too.

    A command that was cut off can be repeated.
    """
    user = await user_of(services, arguments.user)
    if not user.disabled:
        user = await changed(services.people, user, lambda one: replace(one, disabled=True, epoch=one.epoch + 1))
    await services.money.set_account(user.account_id, disabled=True)
    stopped = [key for key in await _keys(services, user) if not key.revoked and not key.disabled]
    for key in stopped:
        if key.account_id != user.account_id:
            await write(services, arguments, key.account_id, key.key_id, "begun")
        await _disable(services, key)
    return {**_view(user), "keys_disabled": [_named(key) for key in stopped]}


async def enable(services: Operator, arguments: argparse.Namespace) -> Document:
    """Lets a person in again. Its keys stay disabled, since some may have been so before; the answer names them."""
    user = await user_of(services, arguments.user)
    if user.disabled:
        user = await changed(services.people, user, lambda one: replace(one, disabled=False))
    await services.money.set_account(user.account_id, disabled=False)
    still = [key for key in await _keys(services, user) if key.disabled and not key.revoked]
    return {**_view(user), "keys_disabled": [_named(key) for key in still]}


async def unlock(services: Operator, arguments: argparse.Namespace) -> Document:
    """Empties the counters of attempts of a person, and of a source where one is named; it is live in a minute."""
    user = await user_of(services, arguments.user)
    attempts = Attempts(services.people, services.clock)
    for bound in ABOUT_ADDRESSES:
        await attempts.forget(bound, user.email)
    for bound in ABOUT_PEOPLE:
        await attempts.forget(bound, user.user_id)
    if arguments.source:
        source = source_of(arguments.source)
        await attempts.forget(PAIR, user.email, source)
        for bound in ABOUT_SOURCES:
            await attempts.forget(bound, source)
    return {"user_id": user.user_id, "unlocked": True}


async def invite(services: Operator, arguments: argparse.Namespace) -> Document:
    """Makes an invitation by which one person may register; its text is shown this once."""
    text, until_s = new_secret(), int(services.clock.now_s()) + arguments.days * 24 * 3600
    await services.people.invite(hashed(text), until_s)
    return {"invitation": text, "expires_at": iso_utc(until_s)}


ACTIONS = {"list": listing, "show": show, "disable": disable, "enable": enable, "unlock": unlock, "invite": invite}


async def run(services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs one of the actions."""
    return await ACTIONS[arguments.action](services, arguments)


def add_parser(commands: Any) -> None:
    """Adds the command's line."""
    users = commands.add_parser("users", help="people: list, show, keep out, let in, unlock, invite")
    actions = users.add_subparsers(dest="action", required=True)
    every = actions.add_parser("list", help="the newest people; it reads the whole table")
    add_limit(every)
    told = {
        "show": "a person with its organizations, sessions and keys",
        "disable": "end the sessions, suspend the account and disable the keys of a person",
        "enable": "let a person in again; its keys stay disabled",
        "unlock": "forget the attempts that have used up a person's windows",
    }
    for action, said in told.items():
        one = actions.add_parser(action, help=said)
        one.add_argument("user", help="an id or an address")
        if action == "unlock":
            one.add_argument("--source", metavar="IP", help="forget the attempts from there too")
        if action != "show":
            add_act(one)
    invitation = actions.add_parser("invite", help="an invitation by which one person may register, shown once")
    invitation.add_argument("--days", type=int, default=7, choices=range(1, 91), metavar="1-90")
    add_act(invitation)


async def _keys(services: Operator, user: User) -> Sequence[KeyRecord]:
    """The keys of a person's own account, and those that it has made in organizations."""
    found = await every_key(services.key_store, user.account_id)
    for org_id in await services.organizations.organizations_of(user.user_id):
        found += [key for key in await every_key(services.key_store, account_of(org_id)) if key.user_id == user.user_id]
    return found


async def _disable(services: Operator, key: KeyRecord) -> None:
    try:
        await services.key_store.change(key.account_id, key.key_id, {"disabled": True})
    except Conflict as conflict:
        # One that was revoked meanwhile is stopped too.
        if conflict.code != "key_revoked":
            raise


def _named(key: KeyRecord) -> Document:
    return {"account_id": key.account_id, "key_id": key.key_id}


def _view(user: User) -> Document:
    return {**user_view(user), "disabled": user.disabled, "deactivated": user.deactivated}
