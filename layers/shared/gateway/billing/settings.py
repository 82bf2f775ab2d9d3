"""Reads and shows what an owner wishes: to be told of a low balance, and an automatic top-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from gateway.accounts.key_settings import HttpsUrl, UsdAmount
from gateway.billing.terms import changed_terms
from gateway.errors import GatewayError, InvalidRequest
from gateway.ledger.money import format_usd
from gateway.limits.windows import month_of
from gateway.ports.payments import Automatic, PaymentBooks
from gateway.protocols.shared.body import Body

if TYPE_CHECKING:
    # Calls that only show money do without.
    from gateway.audit.trail import Trail
    from gateway.ports.audit import AuditEntry


class LowAlerts(Body, frozen=True, kw_only=True):
    """A balance below which the owner is told, and a webhook that is told beside the mail."""

    low_balance_usd: UsdAmount | None = None
    webhook_url: HttpsUrl | None = None


class AutoTopUp(Body, frozen=True, kw_only=True):
    """An automatic top-up to turn on with its three amounts, or to turn off."""

    enabled: bool
    threshold_usd: UsdAmount | None = None
    amount_usd: UsdAmount | None = None
    monthly_ceiling_usd: UsdAmount | None = None


async def told_below(books: PaymentBooks, account_id: str, wanted: LowAlerts, trail: Trail) -> Automatic:
    """Changes what the owner is told of; it is told anew."""
    low = None if wanted.low_balance_usd is None else int(wanted.low_balance_usd)
    changed = await changed_terms(
        books,
        account_id,
        lambda terms: replace(terms, low_nanousd=low, webhook_url=wanted.webhook_url, told_s=0),
        lambda was, now: _told(trail, "billing.alerts_changed", alerts_view(was), alerts_view(now)),
    )
    return changed or await books.terms(account_id)


def judged(url: str, own_hosts: frozenset[str]) -> None:
    """Raises `InvalidRequest` for an address that no webhook may have."""
    from gateway.untrusted.urls import Policy, judge_url  # noqa: PLC0415  # no cold start pays for it

    try:
        judge_url(url, None, Policy(own_hosts))
    except GatewayError as refusal:
        raise InvalidRequest(refusal.message, param="webhook_url", code="invalid_value") from None


def alerts_view(terms: Automatic) -> dict[str, Any]:
    """The balance below which the owner is told, and its webhook."""
    low = terms.low_nanousd
    return {
        "object": "billing_alerts",
        "low_balance_usd": None if low is None else format_usd(low),
        "webhook_url": terms.webhook_url,
    }


def auto_topup_told(trail: Trail, was: Automatic, now: Automatic) -> AuditEntry:
    """The entry of the audit log for changed terms of the automatic top-up."""
    at_s = trail.clock.now_s()
    return _told(trail, "billing.auto_topup_changed", terms_view(was, at_s), terms_view(now, at_s))


def _told(trail: Trail, action: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> AuditEntry:
    from gateway.audit.entries import differences  # noqa: PLC0415  # calls that only show money do without

    before, after = differences(was, now, untold={"webhook_url"})
    return trail.entry(action, before=before, after=after)


def terms_view(terms: Automatic, now_s: float) -> dict[str, Any]:
    """The automatic top-up as its owner sees it."""
    spent = terms.spent_nanousd if terms.month == month_of(now_s) else 0
    return {
        "object": "auto_topup",
        "enabled": terms.enabled,
        "threshold_usd": format_usd(terms.threshold_nanousd),
        "amount_usd": format_usd(terms.amount_nanousd),
        "monthly_ceiling_usd": format_usd(terms.ceiling_nanousd),
        "spent_this_month_usd": format_usd(spent),
        "payment_method_saved": terms.method is not None,
        "pending": terms.pending is not None,
        "failed": terms.failed,
    }
