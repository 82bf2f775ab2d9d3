"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import Money, NexevoModel

# Shared.


class AutoTopUpView(NexevoModel):
    """Terms of the automatic top-up, and how far this month's has come."""

    object: str
    enabled: bool
    threshold_usd: Money
    amount_usd: Money
    monthly_ceiling_usd: Money
    spent_this_month_usd: Money
    payment_method_saved: bool
    pending: bool
    failed: Optional[str]


class BillingAlerts(NexevoModel):
    """The balance below which the owner is told."""

    object: str
    low_balance_usd: Optional[Money]
    webhook_url: Optional[str]


class Checkout(NexevoModel):
    """A page on which the account is topped up."""

    object: str
    payment_id: str
    checkout_url: Optional[str]
    amount_usd: Money
    currency: str
    created_at: str


class Hint(NexevoModel):
    """The plan by which the last days would have cost less."""

    recommend_plan: str
    savings_pct: int
    savings_usd: Money
    days: int


class Plan(NexevoModel):
    """Terms that an account may be on."""

    object: str
    plan: str
    name: str
    monthly_usd: Money
    passthrough_fee_percent: str
    rpm_limit: int
    currency: str


class PlanList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Plan]
    has_more: bool
    next_cursor: Optional[str]


class Receipt(NexevoModel):
    """A payment that was made."""

    object: str
    payment_id: str
    amount_usd: Money
    returned_usd: Money
    currency: str
    source: str
    paid_at: Optional[str]
    receipt_url: Optional[str]


class ReceiptList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Receipt]
    has_more: bool
    next_cursor: Optional[str]


class UpgradeHint(NexevoModel):
    """A hint, or none where no plan would have cost at least a percent less."""

    object: str
    hint: Optional[Hint]


class UsageByTier(NexevoModel):
    """Usage by what it is billed as."""

    fast: UsageRow
    balanced: UsageRow
    passthrough: UsageRow
    byok: UsageRow


class UsageDay(NexevoModel):
    """The requests that were admitted on one day (UTC)."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_output_tokens: int
    requests: int
    cost_usd: Money
    date: str


class UsageGroup(NexevoModel):
    """The requests that agree in the dimensions of `group_by`."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_output_tokens: int
    requests: int
    cost_usd: Money
    date: Optional[str] = None
    model: Optional[str] = None
    key_id: Optional[str] = None
    user_id: Optional[str] = None
    tier: Optional[str] = None


class UsageReport(NexevoModel):
    """Usage of the last days, today included."""

    object: str
    days: int
    currency: str
    daily: list[UsageDay]
    by_tier: UsageByTier
    total: UsageRow
    group_by: Optional[list[str]] = None
    groups: Optional[list[UsageGroup]] = None


class UsageRow(NexevoModel):
    """Requests, tokens and cost of a group of requests."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_output_tokens: int
    requests: int
    cost_usd: Money


AutoTopUpView.model_rebuild()
BillingAlerts.model_rebuild()
Checkout.model_rebuild()
Hint.model_rebuild()
Plan.model_rebuild()
PlanList.model_rebuild()
Receipt.model_rebuild()
ReceiptList.model_rebuild()
UpgradeHint.model_rebuild()
UsageByTier.model_rebuild()
UsageDay.model_rebuild()
UsageGroup.model_rebuild()
UsageReport.model_rebuild()
UsageRow.model_rebuild()
