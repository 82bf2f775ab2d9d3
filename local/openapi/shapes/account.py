"""Shapes of answers about accounts: people, keys, organizations, audit logs, webhooks."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from local.openapi.shapes.base import Json, Moment, Secret, Shape, Usd, listed
from local.openapi.shapes.money import Balance, TransactionList

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
    cache: Literal["off", "exact", "semantic"]
    cache_threshold: float | None


class CreatedKey(Shape, kw_only=True):
    """A new key: `full_key` is shown this once."""

    full_key: Secret
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
    registration_token: Secret | UnsetType = UNSET


class SessionTokens(Shape, kw_only=True):
    """Tokens of a session, shown this once."""

    object: Literal["session"]
    session_id: str
    token_type: Literal["Bearer"]
    access_token: Secret
    expires_in: int
    refresh_token: Secret
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
    secret: Secret
    otpauth_uri: Secret


class TwoFactorEnabled(Shape, kw_only=True):
    """A second factor that counts from now on; its recovery codes are shown this once."""

    object: Literal["two_factor"]
    enabled: bool
    recovery_codes: list[Secret]


class AccountExport(Shape, kw_only=True):
    """Copy of what is stored of a person and its account, but for secrets and content."""

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
    secret: Secret
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
