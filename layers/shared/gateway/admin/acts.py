"""Keeps who does what by the operator's command line, and why: each command that changes something asks for it.

The entry is written to the account's audit log before the act, and a second one where the act was refused. What is done
to the deployment, and not to one account, has a log of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.admin.accounts import Document, known_account, new_account_id
from gateway.admin.finding import user_of
from gateway.audit.entries import TEXT_CHARACTERS_MAX, entry_of
from gateway.canonical.money import Act
from gateway.catalog.schema import CatalogError
from gateway.errors import GatewayError
from gateway.ledger.money import NotAnAmount, parse_written_usd
from gateway.ports.audit import Actor, Outcome
from gateway.wiring.operator import Operator

# Where acts upon the deployment are logged.
DEPLOYMENT = "deployment"
FAMILY = "operator"
# Words of a command line that are kept as what was set; no secret is among them, since these are read from a prompt.
TOLD = (
    "usd",
    "balance",
    "rpm",
    "plan",
    "month",
    "once",
    "days",
    "weight",
    "by_role",
    "remove",
    "move",
    "version",
    "id",
)
AMOUNTS = ("usd", "balance")
TARGETS = ("key", "user", "payment", "provider")

Run = Callable[[Operator, argparse.Namespace], Awaitable[Document]]


def add_act(parser: argparse.ArgumentParser) -> None:
    """Adds `--why`, which has to be said, and `--by`."""
    parser.add_argument("--why", required=True, type=_reason, metavar="REASON", help="the reason, which is kept")
    parser.add_argument("--by", metavar="NAME", help="who acts, if not the owner of the credentials")


def act_of(arguments: argparse.Namespace) -> Act:
    """The act that a command line makes."""
    return Act(arguments.by, arguments.why)


async def kept(run: Run, services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs a command; one that changes something is kept first, and its refusal after it."""
    if not hasattr(arguments, "why"):
        return await run(services, arguments)
    for name in AMOUNTS:
        # What is no amount is refused before it is kept.
        parse_written_usd(getattr(arguments, name, "0"))
    account_id = await _account_of(services, arguments)
    await write(services, arguments, account_id, _target(arguments), "begun")
    try:
        return await run(services, arguments)
    except (GatewayError, CatalogError, NotAnAmount):
        await write(services, arguments, account_id, _target(arguments), "refused")
        raise


async def write(
    services: Operator, arguments: argparse.Namespace, account_id: str, target: str, outcome: Outcome
) -> None:
    """Writes an entry about a command to the log of an account that it changes."""
    words = (arguments.command, getattr(arguments, "action", None))
    entry = entry_of(
        account_id,
        f"{FAMILY}.{'_'.join(word.replace('-', '_') for word in words if word)}",
        services.clock.now_s(),
        actor=Actor(operator=arguments.by),
        target=target,
        outcome=outcome,
        after={name: value for name in TOLD if _was_said(value := getattr(arguments, name, None))},
        note=arguments.why,
    )
    await services.audit.write(entry)


async def _account_of(services: Operator, arguments: argparse.Namespace) -> str:
    """The account that a command is about; raises `NotFound` for one that does not exist.

    A person is named by its id from here on, since a log holds no address. A new account has its id before it is made.
    """
    if arguments.command == "create-account":
        arguments.account = new_account_id(services)
        return str(arguments.account)
    if hasattr(arguments, "user"):
        user = await user_of(services, arguments.user)
        arguments.user = user.user_id
        return user.account_id
    if hasattr(arguments, "account"):
        await known_account(services, arguments.account)
        return str(arguments.account)
    return DEPLOYMENT


def _target(arguments: argparse.Namespace) -> str:
    named: list[Any] = [getattr(arguments, name, None) for name in TARGETS]
    return next((str(name) for name in named if name), "")


def _was_said(value: object) -> bool:
    """True for a value that a command line has set, such as 0; an option that was left out has none of its own."""
    return value is not None and value is not False and value != ""


def _reason(text: str) -> str:
    if not 0 < len(text.strip()) <= TEXT_CHARACTERS_MAX:
        raise argparse.ArgumentTypeError(f"a reason has 1 to {TEXT_CHARACTERS_MAX} characters")
    return text.strip()
