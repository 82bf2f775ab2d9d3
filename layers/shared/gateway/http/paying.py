"""Serves accounts their plans and payments, and takes the payment service's events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.pages import page_of
from gateway.accounts.usage import usage_report
from gateway.billing.checkout import TopUp, receipt_view
from gateway.billing.plans import hint, hint_view, plan_of, plan_view, plans
from gateway.billing.settings import AutoTopUp, LowAlerts, alerts_view, judged, terms_view, told_below
from gateway.billing.signature import HEADER
from gateway.http.calls import Call, Page, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.managing import ManagerCall
from gateway.ledger.money import parse_usd

if TYPE_CHECKING:
    # Calls that only show money do without.
    from gateway.wiring.billing import Paying

HINT_DAYS = 30

payments = Endpoints(ManagerCall, "/v1/billing", "/billing")
told = Endpoints(Call, "/v1/billing", "/billing")


def paying() -> Paying:
    """The services by which accounts pay, built by the first call that needs them."""
    from gateway.wiring.billing import paying as built  # noqa: PLC0415  # no cold start pays for it

    return built()


@payments.on("GET", "/plan")
async def get_plan(call: ManagerCall) -> Shown:
    """Shows the account's plan."""
    return plan_view(plan_of((await paying().books.terms(call.account_id)).plan))


@payments.on("GET", "/plans")
async def list_plans(call: ManagerCall) -> Shown:
    """Lists the plans: there is one page."""
    del call
    return page_of(plans(), len(plans()), lambda one: one.plan).shown(plan_view)


@payments.on("GET", "/upgrade-hint")
async def upgrade_hint(call: ManagerCall) -> Shown:
    """Names the plan by which the last 30 days would have cost at least a percent less, if there is one."""
    on = call.services
    terms = await paying().books.terms(call.account_id)
    report = await usage_report(on.money, call.account_id, on.clock.now_s(), HINT_DAYS)
    spent, passthrough = report["total"]["cost_usd"], report["by_tier"]["passthrough"]["cost_usd"]
    return hint_view(hint(parse_usd(spent), parse_usd(passthrough), plan_of(terms.plan), plans()))


@payments.on("POST", "/topup", body=TopUp)
@payments.on("POST", "/checkout", body=TopUp)
async def open_checkout(call: ManagerCall, wanted: TopUp) -> Shown:
    """Opens a page on which the account is topped up, once under the same key."""
    return await paying().checkouts.open(call.account_id, wanted, call.request.idempotency_key, call.trail)


@payments.on("GET", "/receipts", query=Page)
async def list_receipts(call: ManagerCall, wanted: Page) -> Shown:
    """Lists the payments that were made, newest first."""
    found = await paying().books.list_paid(call.account_id, limit=wanted.limit + 1, before=wanted.cursor)
    return page_of(found, wanted.limit, lambda one: one.payment_id).shown(receipt_view)


@payments.on("GET", "/auto-topup")
async def get_auto_topup(call: ManagerCall) -> Shown:
    """Shows the automatic top-up."""
    return terms_view(await paying().books.terms(call.account_id), call.services.clock.now_s())


@payments.on("PUT", "/auto-topup", body=AutoTopUp)
async def set_auto_topup(call: ManagerCall, wanted: AutoTopUp) -> Shown:
    """Turns the automatic top-up on or off; a change has a refused one tried again."""
    return terms_view(await paying().top_ups.change(call.account_id, wanted, call.trail), call.services.clock.now_s())


@payments.on("GET", "/alerts")
async def get_alerts(call: ManagerCall) -> Shown:
    """Shows below which balance the owner is told, and where."""
    return alerts_view(await paying().books.terms(call.account_id))


@payments.on("PUT", "/alerts", body=LowAlerts)
async def set_alerts(call: ManagerCall, wanted: LowAlerts) -> Shown:
    """Sets below which balance the owner is told, by mail and at a webhook; a member left out is removed."""
    if wanted.webhook_url is not None:
        judged(wanted.webhook_url, call.services.own_hosts)
    return alerts_view(await told_below(paying().books, call.account_id, wanted, call.trail))


@told.on("POST", "/webhook")
async def take_event(call: Call) -> Shown:
    """Books an event of the payment service, which its signature tells from others."""
    return await paying().events.take(call.request.headers.get(HEADER, ""), call.request.body)
