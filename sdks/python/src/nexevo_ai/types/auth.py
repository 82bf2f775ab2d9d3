"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import Balance, Key, TransactionList


class AccountExport(NexevoModel):
    """Copy of what is stored of a person and its account, but for secrets and content."""

    object: str
    exported_at: str
    user: User
    two_factor: TwoFactorStatus
    sessions: list[SessionView]
    organizations: list[Object]
    keys: list[Key]
    provider_keys: list[Object]
    balance: Optional[Balance]
    transactions: TransactionList


class Deactivated(NexevoModel):
    """An account that has ended for good."""

    object: str
    user_id: str
    account_id: str
    deactivated: bool


class LetterSent(NexevoModel):
    """A letter that may be on its way; the answer is the same for any address."""

    object: str
    status: str
    message: str
    registration_token: Optional[str] = Field(None, repr=False)


class PasswordChanged(NexevoModel):
    """A new password counts; all sessions have ended."""

    object: str
    changed: bool
    sessions_ended: bool


class SessionEnded(NexevoModel):
    """A session that has ended."""

    object: str
    session_id: str
    ended: bool


class SessionList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[SessionView]
    has_more: bool
    next_cursor: Optional[str]


class SessionTokens(NexevoModel):
    """Tokens of a session, shown this once."""

    object: str
    session_id: str
    token_type: str
    access_token: str = Field(repr=False)
    expires_in: int
    refresh_token: str = Field(repr=False)
    refresh_expires_in: int


class SessionView(NexevoModel):
    """A session that goes on."""

    object: str
    session_id: str
    created_at: str
    last_used_at: str
    expires_at: str
    ip: str
    user_agent: str
    current: bool


class TwoFactorEnabled(NexevoModel):
    """A second factor that counts from now on; its recovery codes are shown this once."""

    object: str
    enabled: bool
    recovery_codes: list[str] = Field(repr=False)


class TwoFactorSetup(NexevoModel):
    """Secret of a second factor, shown this once."""

    object: str
    secret: str = Field(repr=False)
    otpauth_uri: str = Field(repr=False)


class TwoFactorStatus(NexevoModel):
    """State of a second factor."""

    object: str
    enabled: bool
    pending: bool
    recovery_codes_left: int


class User(NexevoModel):
    """A person as it sees itself; an account without a person has nulls."""

    object: str
    user_id: Optional[str]
    account_id: str
    email: Optional[str]
    email_verified: bool
    full_name: Optional[str]
    default_organization: Optional[str]
    created_at: Optional[str]
    password_set: bool
    two_factor_enabled: bool


AccountExport.model_rebuild()
Deactivated.model_rebuild()
LetterSent.model_rebuild()
PasswordChanged.model_rebuild()
SessionEnded.model_rebuild()
SessionList.model_rebuild()
SessionTokens.model_rebuild()
SessionView.model_rebuild()
TwoFactorEnabled.model_rebuild()
TwoFactorSetup.model_rebuild()
TwoFactorStatus.model_rebuild()
User.model_rebuild()
