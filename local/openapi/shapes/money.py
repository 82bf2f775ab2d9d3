"""Shapes of answers about money: balance, transactions, usage, plans, top-ups."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from local.openapi.shapes.base import Json, Moment, Shape, TriedModel, Usd, listed


class Balance(Shape, kw_only=True):
    """Free and held money of an account."""

    object: Literal["balance"]
    balance_usd: Usd
    held_usd: Usd
    currency: Literal["USD"]
    suspended: bool


class TokenCounts(Shape, kw_only=True):
    """Tokens by the class that they are paid in."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_output_tokens: int


class Transaction(Shape, kw_only=True):
    """One entry of the account's ledger; charges are negative."""

    object: Literal["transaction"]
    id: str
    kind: str
    amount_usd: Usd
    currency: Literal["USD"]
    created_at: Moment
    hold_id: str | None
    key_id: str | None
    request_id: str | None
    generation_id: str | None
    user_id: str | None
    org_id: str | None
    model_requested: str | None
    model_used: str | None
    tier: str | None
    price_version: str | None
    cache: str | None
    models_tried: list[TriedModel]
    usage: TokenCounts | None
    tools: list[Json]
    estimated: bool
    note: str | None
    schema_version: int


TransactionList = listed("TransactionList", Transaction)


class UsageRow(TokenCounts, kw_only=True):
    """Requests, tokens and cost of a group of requests."""

    requests: int
    cost_usd: Usd


class UsageDay(UsageRow, kw_only=True):
    """The requests that were admitted on one day (UTC)."""

    date: str


class UsageGroup(UsageRow, kw_only=True):
    """The requests that agree in the dimensions of `group_by`."""

    date: str | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    key_id: str | UnsetType | None = UNSET
    user_id: str | UnsetType | None = UNSET
    tier: str | UnsetType | None = UNSET


class UsageByTier(Shape, kw_only=True):
    """Usage by what it is billed as."""

    fast: UsageRow
    balanced: UsageRow
    passthrough: UsageRow
    byok: UsageRow


class UsageReport(Shape, kw_only=True):
    """Usage of the last days, today included."""

    object: Literal["usage"]
    days: int
    currency: Literal["USD"]
    daily: list[UsageDay]
    by_tier: UsageByTier
    total: UsageRow
    group_by: list[str] | UnsetType = UNSET
    groups: list[UsageGroup] | UnsetType = UNSET


class Plan(Shape, kw_only=True):
    """Terms that an account may be on."""

    object: Literal["plan"]
    plan: str
    name: str
    monthly_usd: Usd
    passthrough_fee_percent: str
    rpm_limit: int
    currency: Literal["USD"]


PlanList = listed("PlanList", Plan)


class Hint(Shape, kw_only=True):
    """The plan by which the last days would have cost less."""

    recommend_plan: str
    savings_pct: int
    savings_usd: Usd
    days: int


class UpgradeHint(Shape, kw_only=True):
    """A hint, or none where no plan would have cost at least a percent less."""

    object: Literal["upgrade_hint"]
    hint: Hint | None


class Checkout(Shape, kw_only=True):
    """A page on which the account is topped up."""

    object: Literal["checkout"]
    payment_id: str
    checkout_url: str | None
    amount_usd: Usd
    currency: Literal["USD"]
    created_at: Moment


class Receipt(Shape, kw_only=True):
    """A payment that was made."""

    object: Literal["receipt"]
    payment_id: str
    amount_usd: Usd
    returned_usd: Usd
    currency: Literal["USD"]
    source: str
    paid_at: Moment | None
    receipt_url: str | None


ReceiptList = listed("ReceiptList", Receipt)


class AutoTopUpView(Shape, kw_only=True):
    """Terms of the automatic top-up, and how far this month's has come."""

    object: Literal["auto_topup"]
    enabled: bool
    threshold_usd: Usd
    amount_usd: Usd
    monthly_ceiling_usd: Usd
    spent_this_month_usd: Usd
    payment_method_saved: bool
    pending: bool
    failed: str | None


class BillingAlerts(Shape, kw_only=True):
    """The balance below which the owner is told."""

    object: Literal["billing_alerts"]
    low_balance_usd: Usd | None
    webhook_url: str | None
