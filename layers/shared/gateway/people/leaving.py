"""Exports what is stored of a person, and erases it. docs/privacy.md says what stays, for how long, and why.

An end is done step by step, each of which may be repeated; the person goes last, so that an end which was cut off can
be asked for again. Content is erased by an erasure that goes on by itself, which has begun before the person goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.keyring import key_view
from gateway.accounts.pages import every_key, iso_utc
from gateway.accounts.statement import balance_view, entry_view, transactions
from gateway.audit.trail import Trail
from gateway.errors import Conflict
from gateway.people.changes import TRIES, changed
from gateway.people.refusals import changed_meanwhile
from gateway.people.registration import user_view
from gateway.people.second_factor import status_view
from gateway.people.sessions import Sessions, session_view
from gateway.people.tokens import hashed
from gateway.ports.audit import AuditEntry
from gateway.ports.clock import Clock
from gateway.ports.erasure import Erasures
from gateway.ports.keys import KeyRecord, KeyStore
from gateway.ports.money import Money
from gateway.ports.people import PeopleStore, User
from gateway.ports.provider_keys import ProviderKeyStore

ENTRIES_MAX = 1_000


class Memberships(Protocol):
    """A person's places in organizations."""

    async def places_of(self, user_id: str) -> list[dict[str, Any]]:
        """The organizations that a person is in, each with its role and cap there."""

    async def refuse_end_of(self, user_id: str) -> None:
        """Raises `Conflict` for the last owner of an organization, which it names."""

    async def end_of(self, user_id: str, trail: Trail) -> None:
        """Takes the person out of all its organizations, and revokes its keys in them."""


class Leaving(Struct, frozen=True):
    """Export and erasure over the stores."""

    store: PeopleStore
    sessions: Sessions
    keys: KeyStore
    provider_keys: ProviderKeyStore
    money: Money
    clock: Clock
    memberships: Callable[[], Memberships]
    erasures: Erasures

    async def export(self, user: User) -> dict[str, Any]:
        """All that is stored of a person and its account, but for secrets, which are not stored, and content.

        `transactions` are the newest ones; the list of transactions goes on from `next_cursor`.
        """
        now_s = self.clock.now_s()
        account = await self.money.state(user.account_id, user.user_id, 0, now_s)
        entries = await transactions(self.money, user.account_id, now_s, ENTRIES_MAX, None)
        own = await self.provider_keys.all(user.account_id)
        return {
            "object": "export",
            "exported_at": iso_utc(int(now_s)),
            "user": user_view(user),
            "two_factor": status_view(user),
            "sessions": [session_view(one, None) for one in await self.store.sessions(user.user_id)],
            "organizations": await self.memberships().places_of(user.user_id),
            "keys": [key_view(one) for one in await every_key(self.keys, user.account_id)],
            "provider_keys": [{"provider": one.provider, "name": one.name, "last4": one.last4} for one in own],
            "balance": None if account is None else balance_view(account),
            "transactions": entries.shown(entry_view),
        }

    async def deactivate(self, user: User, trail: Trail) -> None:
        """Ends an account for good: memberships first, then keys, content, the person and its sessions.

        The last owner of an organization is refused before anything has changed.
        """
        memberships = self.memberships()
        await memberships.refuse_end_of(user.user_id)
        # It joins no organization from here on: in one that it joined meanwhile its membership would outlast it.
        leaving = await changed(self.store, user, lambda one: replace(one, leaving=True))
        try:
            await memberships.end_of(user.user_id, trail)
        except Conflict:
            await changed(self.store, leaving, lambda one: replace(one, leaving=False))
            raise
        await self.money.set_account(user.account_id, disabled=True)
        for key in await every_key(self.keys, user.account_id):
            if not key.revoked:
                await self._revoke(key)
        await self.erasures.begin(user.account_id)
        await self._erase(leaving, trail.entry("account.deactivated", target=user.account_id))
        for session in await self.store.sessions(user.user_id):
            await self.store.end_session(user.user_id, session.session_id)

    async def _erase(self, user: User, told: AuditEntry) -> None:
        """Leaves of the person its ids, by which the ledger stays the account's, and frees the address."""
        standing: User | None = user
        for _ in range(TRIES):
            if standing is None or standing.deactivated:
                return
            erased = User(
                user_id=standing.user_id,
                account_id=standing.account_id,
                email="",
                password_hash="",
                created_at_s=standing.created_at_s,
                version=standing.version + 1,
                epoch=standing.epoch + 1,
                deactivated=True,
            )
            email_hash = hashed(standing.email)
            if await self.store.erase(erased, instead_of=standing, email_hash=email_hash, audit=told):
                return
            standing = await self.store.user(user.user_id)
        raise changed_meanwhile()

    async def _revoke(self, key: KeyRecord) -> None:
        """Revokes a key, and takes its name, its addresses and its webhook away, which the person has written."""
        try:
            await self.keys.change(
                key.account_id,
                key.key_id,
                {"revoked": True, "name": "deactivated", "allowed_ips": (), "alert_webhook_url": None},
            )
        except Conflict as conflict:
            if conflict.code != "key_revoked":
                raise
