"""The pages of money: balance, top-up, automatic top-up, receipts."""

from __future__ import annotations

import secrets

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit

billing = Pages()


@billing.on("GET", "/billing")
async def show_billing(visit: Visit) -> Answer:
    """Shows the balance, and the ways to top it up."""
    balance = await visit.get("/v1/billing/balance")
    # A deployment that takes no payments answers 503.
    receipts = await visit.get_unless(503, "/v1/billing/receipts", limit=20)
    auto = await visit.get_unless(503, "/v1/billing/auto-topup")
    alerts = await visit.get_unless(503, "/v1/billing/alerts")
    once = visit.form.get("once") or secrets.token_hex(16)
    parts = {"balance": balance, "receipts": receipts, "auto": auto, "alerts": alerts}
    return visit.page("billing", form=visit.form, once=once, **parts)


@billing.on("POST", "/billing/checkout", again=show_billing)
async def open_checkout(visit: Visit) -> Answer:
    """Opens the payment page, and leads to it by a link: a form of ours is sent to this site alone."""
    form = visit.form
    wanted = {"amount_usd": form.get("amount_usd", ""), "save_payment_method": "save" in form}
    opened = await visit.call("POST", "/v1/billing/checkout", wanted, once=form.get("once", ""))
    return visit.page("checkout", opened=opened, amount=form.get("amount_usd", ""))


@billing.on("POST", "/billing/auto-topup", again=show_billing)
async def set_auto_topup(visit: Visit) -> Answer:
    """Keeps the terms of the automatic top-up."""
    # The page has another field of an amount.
    names = {
        "threshold_usd": "threshold_usd",
        "amount_usd": "auto_amount_usd",
        "monthly_ceiling_usd": "monthly_ceiling_usd",
    }
    terms = {name: visit.form[field] for name, field in names.items() if visit.form.get(field)}
    await visit.call("PUT", "/v1/billing/auto-topup", {"enabled": "enabled" in visit.form, **terms})
    return visit.onward("/billing", "saved")


@billing.on("POST", "/billing/alerts", again=show_billing)
async def set_alerts(visit: Visit) -> Answer:
    """Keeps the balance below which the owner is told."""
    given = {name: visit.form[name] for name in ("low_balance_usd", "webhook_url") if visit.form.get(name)}
    await visit.call("PUT", "/v1/billing/alerts", given)
    return visit.onward("/billing", "saved")
