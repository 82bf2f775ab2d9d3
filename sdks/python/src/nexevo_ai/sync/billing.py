"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from nexevo_ai._request import Amount, call_of
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.billing import AutoTopUpView, BillingAlerts, Checkout, Plan, Receipt, UpgradeHint, UsageReport
from nexevo_ai.types.shared import Balance, Transaction

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.billing import (
        BillingBalanceParams,
        BillingCheckoutParams,
        BillingGetAlertsParams,
        BillingGetAutoTopupParams,
        BillingGetPlanParams,
        BillingPlansParams,
        BillingReceiptsParams,
        BillingSetAlertsParams,
        BillingSetAutoTopupParams,
        BillingTopupParams,
        BillingTransactionsParams,
        BillingUpgradeHintParams,
        BillingUsageParams,
    )


class BillingResource(Resource):
    """Methods of `client.billing`."""

    def balance(self, **params: Unpack[BillingBalanceParams]) -> Balance:
        """Shows the free and the held money."""
        call = call_of("GET", "/v1/billing/balance", {**params})
        answer: Balance = self._ask(call, kind=Balance)
        return answer

    def transactions(self, **params: Unpack[BillingTransactionsParams]) -> SyncPage[Transaction]:
        """Lists the ledger's entries, newest first."""
        call = call_of("GET", "/v1/billing/transactions", {**params}, query=("limit", "cursor"))
        answer: SyncPage[Transaction] = self._ask(call, element=Transaction)
        return answer

    def usage(self, **params: Unpack[BillingUsageParams]) -> Union[UsageReport, str]:
        """Reports requests, tokens and cost by day and by tier, and by what is asked for."""
        call = call_of("GET", "/v1/billing/usage", {**params}, query=("days", "group_by", "format"))
        answer: Union[UsageReport, str] = self._ask(call, kind=UsageReport)
        return answer

    def get_plan(self, **params: Unpack[BillingGetPlanParams]) -> Plan:
        """Shows the account's plan."""
        call = call_of("GET", "/v1/billing/plan", {**params})
        answer: Plan = self._ask(call, kind=Plan)
        return answer

    def plans(self, **params: Unpack[BillingPlansParams]) -> SyncPage[Plan]:
        """Lists the plans: there is one page."""
        call = call_of("GET", "/v1/billing/plans", {**params})
        answer: SyncPage[Plan] = self._ask(call, element=Plan)
        return answer

    def upgrade_hint(self, **params: Unpack[BillingUpgradeHintParams]) -> UpgradeHint:
        """Names the plan by which the last 30 days would have cost at least a percent less, if there is one."""
        call = call_of("GET", "/v1/billing/upgrade-hint", {**params})
        answer: UpgradeHint = self._ask(call, kind=UpgradeHint)
        return answer

    def topup(self, amount_usd: Amount, **params: Unpack[BillingTopupParams]) -> Checkout:
        """Opens a page on which the account is topped up, once under the same key."""
        call = call_of(
            "POST",
            "/v1/billing/topup",
            {"amount_usd": amount_usd, **params},
            body=("amount_usd", "idempotency_key", "save_payment_method"),
            is_once=True,
        )
        answer: Checkout = self._ask(call, kind=Checkout)
        return answer

    def checkout(self, amount_usd: Amount, **params: Unpack[BillingCheckoutParams]) -> Checkout:
        """Opens a page on which the account is topped up, once under the same key."""
        call = call_of(
            "POST",
            "/v1/billing/checkout",
            {"amount_usd": amount_usd, **params},
            body=("amount_usd", "idempotency_key", "save_payment_method"),
            is_once=True,
        )
        answer: Checkout = self._ask(call, kind=Checkout)
        return answer

    def receipts(self, **params: Unpack[BillingReceiptsParams]) -> SyncPage[Receipt]:
        """Lists the payments that were made, newest first."""
        call = call_of("GET", "/v1/billing/receipts", {**params}, query=("limit", "cursor"))
        answer: SyncPage[Receipt] = self._ask(call, element=Receipt)
        return answer

    def get_auto_topup(self, **params: Unpack[BillingGetAutoTopupParams]) -> AutoTopUpView:
        """Shows the automatic top-up."""
        call = call_of("GET", "/v1/billing/auto-topup", {**params})
        answer: AutoTopUpView = self._ask(call, kind=AutoTopUpView)
        return answer

    def set_auto_topup(self, enabled: bool, **params: Unpack[BillingSetAutoTopupParams]) -> AutoTopUpView:
        """Turns the automatic top-up on or off; a change has a refused one tried again."""
        call = call_of(
            "PUT",
            "/v1/billing/auto-topup",
            {"enabled": enabled, **params},
            body=("enabled", "threshold_usd", "amount_usd", "monthly_ceiling_usd"),
        )
        answer: AutoTopUpView = self._ask(call, kind=AutoTopUpView)
        return answer

    def get_alerts(self, **params: Unpack[BillingGetAlertsParams]) -> BillingAlerts:
        """Shows below which balance the owner is told, and where."""
        call = call_of("GET", "/v1/billing/alerts", {**params})
        answer: BillingAlerts = self._ask(call, kind=BillingAlerts)
        return answer

    def set_alerts(self, **params: Unpack[BillingSetAlertsParams]) -> BillingAlerts:
        """Sets below which balance the owner is told, by mail and at a webhook; a member left out is removed."""
        call = call_of("PUT", "/v1/billing/alerts", {**params}, body=("low_balance_usd", "webhook_url"))
        answer: BillingAlerts = self._ask(call, kind=BillingAlerts)
        return answer
