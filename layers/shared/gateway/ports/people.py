"""People with their sessions, the tokens that they are mailed, and the counters of their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from gateway.ports.audit import AuditEntry
from gateway.ports.provider_keys import Envelope

Purpose = Literal["verify", "reset"]


class User(Struct, frozen=True):
    """A person who can sign in. Times are epoch seconds; a password and recovery codes are stored as hashes alone.

    `version` counts the writes. `epoch` counts what ends all sessions and reset tokens: a new password, for example.
    `totp` is the sealed secret of a second factor that is on, `totp_offered` one that is not confirmed yet, and
    `totp_step` the time step of the last code that was accepted. Of a `deactivated` person the ids alone are left, and
    one that is `leaving` joins no organization. A `disabled` one is kept out by an operator. `default_org_id` is the
    organization that its sessions act for where a call names none.
    """

    user_id: str
    account_id: str
    email: str
    password_hash: str
    created_at_s: int
    full_name: str = ""
    version: int = 1
    epoch: int = 1
    totp: Envelope | None = None
    totp_offered: Envelope | None = None
    totp_step: int = 0
    recovery_hashes: tuple[str, ...] = ()
    deactivated: bool = False
    disabled: bool = False
    leaving: bool = False
    default_org_id: str = ""

    @property
    def may_act(self) -> bool:
        """False for a person that is gone, or that an operator keeps out."""
        return not self.deactivated and not self.disabled


class Session(Struct, frozen=True):
    """A signed-in device: the hashes of its two current tokens, and of the access token before.

    `session_id` is the hash of a part of every token, so it tells no token. `nonce` and `rotation_key_hash` let the
    last rotation be answered again to a repeat with its Idempotency-Key. The session ends at `ends_at_s` in any case.
    """

    user_id: str
    session_id: str
    epoch: int
    created_at_s: int
    used_at_s: int
    source: str
    user_agent: str
    access_hash: str
    access_until_s: int
    refresh_hash: str
    refresh_until_s: int
    ends_at_s: int
    former_access_hash: str = ""
    former_access_until_s: int = 0
    former_refresh_hash: str = ""
    nonce: str = ""
    rotation_key_hash: str = ""


class MailedToken(Struct, frozen=True):
    """A token that was mailed, by its hash. `user_id` is the person's, or that of the person to be made.

    A registration waits in its token: `email`, `password_hash`, `full_name` and `account_id` become the person's, the
    middle two for the holder of the token with `registration_hash` alone. The token of a reset is good in the `epoch`
    in which it was made.
    """

    token_hash: str
    purpose: Purpose
    user_id: str
    until_s: int
    epoch: int = 0
    account_id: str = ""
    email: str = ""
    password_hash: str = ""
    full_name: str = ""
    invitation_hash: str = ""
    registration_hash: str = ""


class PeopleStore(Protocol):
    """People by id, by the hash of their address, and by their account. Every read sees every write before it.

    An `audit` entry is written with what it tells of: both or neither.
    """

    async def user(self, user_id: str) -> User | None:
        """The person of that id, or `None`."""

    async def user_id_at(self, email_hash: str) -> str | None:
        """The id of the person with that address, or `None`."""

    async def owner_of(self, account_id: str) -> str | None:
        """The id of the person whose account it is; `None` for an account that an operator made."""

    async def add(
        self, user: User, email_hash: str, *, invitation_hash: str = "", audit: AuditEntry | None = None
    ) -> bool:
        """Adds a person, and uses up the invitation if one is named; false if the address is taken or the invitation
        is not there, and nothing is added. A repeat for the same person is true.
        """

    async def put(self, user: User, *, instead_of: User, audit: AuditEntry | None = None) -> bool:
        """Replaces a version of a person by the next one; false if another write came first."""

    async def erase(self, user: User, *, instead_of: User, email_hash: str, audit: AuditEntry | None = None) -> bool:
        """Replaces a person by what is left of it, and frees the address; false if another write came first."""

    async def keep_token(self, token: MailedToken) -> None:
        """Keeps a mailed token until it expires."""

    async def token(self, token_hash: str) -> MailedToken | None:
        """The mailed token of that hash, also one that has expired."""

    async def drop_token(self, token_hash: str) -> None:
        """Deletes a mailed token."""

    async def add_session(self, session: Session, audit: AuditEntry | None = None) -> None:
        """Adds a session."""

    async def session(self, user_id: str, session_id: str) -> Session | None:
        """The session of that id, or `None`."""

    async def rotate(self, session: Session, *, instead_of: Session) -> bool:
        """Replaces a session's tokens; false if they are others by now, or the session has ended."""

    async def end_session(self, user_id: str, session_id: str) -> None:
        """Ends a session for good."""

    async def sessions(self, user_id: str) -> Sequence[Session]:
        """All sessions of a person that have not been ended, also those that have expired."""

    async def count(self, scope: str, window: int, *, limit: int, until_s: int) -> bool:
        """Counts one attempt in a window that is over at `until_s`; false, and nothing is counted, if it is full."""

    async def forget(self, scope: str, window: int) -> None:
        """Empties a window."""

    async def invite(self, invitation_hash: str, until_s: int) -> None:
        """Keeps an invitation until it is used, or expires."""

    async def invited(self, invitation_hash: str, now_s: float) -> bool:
        """True for an invitation that can be used."""
