"""Puts accounts on plans, gives back what a plan saves, and books refunds that were made by hand.

A refund here moves no money at the payment service: it books one whose event never came, or that was paid in another
way. One of Stripe's is named by its own id (re_...), under which its event books it too: the first of both counts.
"""

from __future__ import annotations

import argparse
import re
from typing import Any

from gateway.admin.accounts import Document, entry_document, known_account
from gateway.admin.acts import act_of, add_act
from gateway.admin.lines import add_limit
from gateway.billing.checkout import receipt_view
from gateway.billing.events import once_of
from gateway.billing.membership import give_back, set_plan
from gateway.billing.plans import plan_of, plan_view, plans
from gateway.canonical.money import EntryKind
from gateway.errors import Conflict, InvalidRequest, NotFound
from gateway.ledger.money import format_usd, parse_written_usd
from gateway.ports.payments import Booking
from gateway.wiring.operator import Operator

STRIPES = re.compile(r"re_\w+", re.ASCII)
MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


async def show_plan(services: Operator, arguments: argparse.Namespace) -> Document:
    """Shows an account's plan, or all plans."""
    if arguments.account is None:
        return {"plans": [plan_view(plan) for plan in plans()]}
    await known_account(services, arguments.account)
    plan = plan_of((await services.books.terms(arguments.account)).plan)
    return {"account_id": arguments.account, **plan_view(plan)}


async def set_account_plan(services: Operator, arguments: argparse.Namespace) -> Document:
    """Puts an account on a plan, whose limit of requests a minute is the account's from now on."""
    await set_plan(services.books, services.money, arguments.account, arguments.plan)
    return {"account_id": arguments.account, **plan_view(plan_of(arguments.plan))}


async def give_back_of(services: Operator, arguments: argparse.Namespace) -> Document:
    """Credits what the account's plan saves in a month that is over, once."""
    await known_account(services, arguments.account)
    entry = await give_back(
        services.books, services.money, arguments.account, arguments.month, services.clock.now_s(), act_of(arguments)
    )
    return {"account_id": arguments.account, "entry": None if entry is None else entry_document(entry)}


async def payments(services: Operator, arguments: argparse.Namespace) -> Document:
    """Lists an account's payments that were made, and what was returned of each."""
    await known_account(services, arguments.account)
    found = await services.books.list_paid(arguments.account, limit=arguments.limit)
    return {"account_id": arguments.account, "payments": [receipt_view(payment) for payment in found]}


async def refund(services: Operator, arguments: argparse.Namespace) -> Document:
    """Books a refund of a payment once for its reference; the balance may be below zero then."""
    amount = parse_written_usd(arguments.usd)
    payment = await services.books.find(arguments.account, arguments.payment)
    if payment is None or not payment.paid_nanousd:
        raise NotFound(f"'{arguments.account}' has made no payment '{arguments.payment}'.")
    if amount <= 0:
        raise InvalidRequest("A refund is above 0.")
    once = once_of(arguments.once) if STRIPES.fullmatch(arguments.once) else f"by-hand:{arguments.once}"
    note = f"{payment.payment_id} {arguments.once}"
    booking = Booking(
        payment.account_id,
        payment.payment_id,
        EntryKind.REFUND,
        -amount,
        once,
        note=note,
        act=act_of(arguments),
        returned_max_nanousd=payment.paid_nanousd - amount,
    )
    entry = await services.books.book(booking, services.clock.now_s())
    if entry is None:
        raise Conflict(f"The refund '{arguments.once}' has failed at the payment service; nothing is booked.")
    if entry.amount_nanousd != -amount:
        said = f"'{arguments.once}' has booked {format_usd(-entry.amount_nanousd)} USD before; nothing was changed."
        raise Conflict(said, code="already_exists")
    return entry_document(entry)


PLAN_ACTIONS = {"show": show_plan, "set": set_account_plan, "give-back": give_back_of}
REFUND_ACTIONS = {"payments": payments, "book": refund}


async def run_plans(services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs one of the actions on plans."""
    return await PLAN_ACTIONS[arguments.action](services, arguments)


async def run_refunds(services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs one of the actions on refunds."""
    return await REFUND_ACTIONS[arguments.action](services, arguments)


def add_parsers(commands: Any) -> None:
    """Adds the lines of both commands."""
    of_plans = commands.add_parser("plans", help="plans: show, set, give back what one saves")
    actions = of_plans.add_subparsers(dest="action", required=True)
    actions.add_parser("show", help="all plans, or an account's").add_argument("account", nargs="?")
    chosen = actions.add_parser("set", help="put an account on a plan")
    chosen.add_argument("account")
    chosen.add_argument("plan")
    given = actions.add_parser("give-back", help="credit what the plan has saved in a month that is over, once")
    given.add_argument("account")
    given.add_argument("month", type=_month, metavar="YYYY-MM")
    refunds = commands.add_parser("refunds", help="refunds made by hand: payments, book")
    actions = refunds.add_subparsers(dest="action", required=True)
    paid = actions.add_parser("payments", help="an account's payments, and what was returned of each")
    paid.add_argument("account")
    add_limit(paid)
    booked = actions.add_parser("book", help="book a refund that no event has booked; it moves no money")
    booked.add_argument("account")
    booked.add_argument("payment")
    booked.add_argument("usd")
    once = "Stripe's id of the refund (re_...), or a reference of yours; a repeat with it books nothing"
    booked.add_argument("--once", required=True, metavar="REFERENCE", help=once)
    for changing in (chosen, given, booked):
        add_act(changing)


def _month(text: str) -> int:
    found = MONTH.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("a month is written as 2026-11")
    return int(found[1] + found[2])
