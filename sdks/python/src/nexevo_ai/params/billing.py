"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional

from nexevo_ai._request import Amount, RequestOptions

# Shared.


class BillingBalanceParams(RequestOptions, total=False):
    """Arguments of `billing.balance`."""


class BillingTransactionsParams(RequestOptions, total=False):
    """Arguments of `billing.transactions`."""

    limit: int
    cursor: Optional[str]


class BillingUsageParams(RequestOptions, total=False):
    """Arguments of `billing.usage`."""

    days: int
    group_by: str
    format: Optional[Literal["csv", "json"]]


class BillingGetPlanParams(RequestOptions, total=False):
    """Arguments of `billing.get_plan`."""


class BillingPlansParams(RequestOptions, total=False):
    """Arguments of `billing.plans`."""


class BillingUpgradeHintParams(RequestOptions, total=False):
    """Arguments of `billing.upgrade_hint`."""


class BillingTopupParams(RequestOptions, total=False):
    """Arguments of `billing.topup`."""

    idempotency_key: Optional[str]  # type: ignore[misc]  # the body's, not the option
    save_payment_method: bool


class BillingCheckoutParams(RequestOptions, total=False):
    """Arguments of `billing.checkout`."""

    idempotency_key: Optional[str]  # type: ignore[misc]  # the body's, not the option
    save_payment_method: bool


class BillingReceiptsParams(RequestOptions, total=False):
    """Arguments of `billing.receipts`."""

    limit: int
    cursor: Optional[str]


class BillingGetAutoTopupParams(RequestOptions, total=False):
    """Arguments of `billing.get_auto_topup`."""


class BillingSetAutoTopupParams(RequestOptions, total=False):
    """Arguments of `billing.set_auto_topup`."""

    threshold_usd: Optional[Amount]
    amount_usd: Optional[Amount]
    monthly_ceiling_usd: Optional[Amount]


class BillingGetAlertsParams(RequestOptions, total=False):
    """Arguments of `billing.get_alerts`."""


class BillingSetAlertsParams(RequestOptions, total=False):
    """Arguments of `billing.set_alerts`."""

    low_balance_usd: Optional[Amount]
    webhook_url: Optional[str]
