"""Shapes of answers about accounts: people, keys, money, organizations, audit logs, webhooks."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from local.openapi.shapes.base import Json, Moment, Shape, Usd, listed

Region = Literal["any", "cn-only", "overseas-only"]
Role = Literal["owner", "admin", "developer"]


class Key(Shape, kw_only=True):
    """An API key as its owner sees it; the key itself is shown once, when it is made."""

    object: Literal["key"]
    key_id: str
    parent_key_id: str | None
    user_id: str | None
    org_id: str | None
    name: str
    last4: str
    created_at: Moment
    expires_at: Moment | None
    disabled: bool
    revoked: bool
    can_manage_keys: bool
    monthly_spend_cap_usd: Usd | None
    rpm_limit: int | None
    tpm_limit: int | None
    max_parallel: int | None
    user_rpm_limit: int | None
    allowed_ips: list[str]
    allowed_models: list[str]
    region_policy: Region
    alert_webhook_url: str | None


class CreatedKey(Shape, kw_only=True):
    """A new key: `full_key` is shown this once."""

    full_key: str
    key: Key


KeyList = listed("KeyList", Key)


class ProviderKey(Shape, kw_only=True):
    """An account's own key of a provider."""

    object: Literal["provider_key"]
    id: str
    provider: str
    name: str
    mode: str
    last4: str
    settings: Json
    verified: bool | None
    reason: str | None
    tested_at: Moment | None
    created_at: Moment
    updated_at: Moment


ProviderKeyList = listed("ProviderKeyList", ProviderKey)


class McpToolView(Shape, kw_only=True):
    """A tool of a server, by its full name."""

    name: str
    description: str


class McpServer(Shape, kw_only=True):
    """An account's server of the Model Context Protocol."""

    object: Literal["mcp_server"]
    id: str
    name: str
    url: str
    token_last4: str | None
    tools: list[McpToolView]
    created_at: Moment
    updated_at: Moment


McpServerList = listed("McpServerList", McpServer)


class Deleted(Shape, kw_only=True):
    """Answer to a deletion."""

    id: str
    object: str
    deleted: bool


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


class Organization(Shape, kw_only=True):
    """An organization as one of its members sees it."""

    object: Literal["organization"]
    org_id: str
    account_id: str
    name: str
    created_at: Moment
    members: int
    role: Role


class OrganizationAnswer(Shape, kw_only=True):
    """One organization."""

    organization: Organization


class OrganizationDeleted(Shape, kw_only=True):
    """An organization that is closed for good."""

    object: Literal["organization"]
    org_id: str
    deleted: bool


OrganizationList = listed("OrganizationList", Organization)


class MemberView(Shape, kw_only=True):
    """A member with its spend of this month."""

    object: Literal["organization.member"]
    org_id: str
    user_id: str
    email: str
    role: Role
    joined_at: Moment
    monthly_spend_cap_usd: Usd | None
    spent_this_month_usd: Usd
    removed: bool


class MemberAnswer(Shape, kw_only=True):
    """One member."""

    member: MemberView


MemberList = listed("MemberList", MemberView)


class InvitationView(Shape, kw_only=True):
    """An invitation, without its token."""

    object: Literal["organization.invitation"]
    invitation_id: str
    org_id: str
    email: str
    role: Role
    status: str
    invited_by: str
    created_at: Moment
    expires_at: Moment


class InvitationAnswer(Shape, kw_only=True):
    """One invitation."""

    invitation: InvitationView


InvitationList = listed("InvitationList", InvitationView)


class User(Shape, kw_only=True):
    """A person as it sees itself; an account without a person has nulls."""

    object: Literal["user"]
    user_id: str | None
    account_id: str
    email: str | None
    email_verified: bool
    full_name: str | None
    default_organization: str | None
    created_at: Moment | None
    password_set: bool
    two_factor_enabled: bool


class LetterSent(Shape, kw_only=True):
    """A letter that may be on its way; the answer is the same for any address."""

    object: Literal["letter"]
    status: Literal["sent"]
    message: str
    registration_token: str | UnsetType = UNSET


class SessionTokens(Shape, kw_only=True):
    """Tokens of a session, shown this once."""

    object: Literal["session"]
    session_id: str
    token_type: Literal["Bearer"]
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class SessionView(Shape, kw_only=True):
    """A session that goes on."""

    object: Literal["session"]
    session_id: str
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    ip: str
    user_agent: str
    current: bool


SessionList = listed("SessionList", SessionView)


class SessionEnded(Shape, kw_only=True):
    """A session that has ended."""

    object: Literal["session"]
    session_id: str
    ended: bool


class PasswordChanged(Shape, kw_only=True):
    """A new password counts; all sessions have ended."""

    object: Literal["password"]
    changed: bool
    sessions_ended: bool


class TwoFactorStatus(Shape, kw_only=True):
    """State of a second factor."""

    object: Literal["two_factor"]
    enabled: bool
    pending: bool
    recovery_codes_left: int


class TwoFactorSetup(Shape, kw_only=True):
    """Secret of a second factor, shown this once."""

    object: Literal["two_factor_setup"]
    secret: str
    otpauth_uri: str


class TwoFactorEnabled(Shape, kw_only=True):
    """A second factor that counts from now on; its recovery codes are shown this once."""

    object: Literal["two_factor"]
    enabled: bool
    recovery_codes: list[str]


class AccountExport(Shape, kw_only=True):
    """What is stored of a person and its account, but for secrets and content."""

    object: Literal["export"]
    exported_at: Moment
    user: User
    two_factor: TwoFactorStatus
    sessions: list[SessionView]
    organizations: list[Json]
    keys: list[Key]
    provider_keys: list[Json]
    balance: Balance | None
    transactions: TransactionList  # type: ignore[valid-type]  # made by a function


class Deactivated(Shape, kw_only=True):
    """An account that has ended for good."""

    object: Literal["user"]
    user_id: str
    account_id: str
    deactivated: bool


class AuditEntry(Shape, kw_only=True):
    """One entry of an account's audit log."""

    object: Literal["audit_entry"]
    id: str
    action: str
    outcome: str
    created_at: Moment
    user_id: str | None
    key_id: str | None
    operator: str | None
    source: str | None
    target: str | None
    before: Json
    after: Json
    note: str | None


AuditEntryList = listed("AuditEntryList", AuditEntry)


class WebhookSecret(Shape, kw_only=True):
    """The secret that signs webhooks; the one before signs too for a day after a rotation."""

    object: Literal["webhook_secret"]
    secret: str
    previous_valid_until: Moment | None


class WebhookDelivery(Shape, kw_only=True):
    """One try of a delivery."""

    object: Literal["webhook_delivery"]
    id: str
    job_id: str | None
    message_id: str
    type: str
    url: str
    attempt: int
    delivered: bool
    status_code: int | None
    error: str | None
    created_at: Moment
    next_attempt_at: Moment | None


WebhookDeliveryList = listed("WebhookDeliveryList", WebhookDelivery)
