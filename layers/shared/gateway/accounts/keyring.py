"""An account's keys, created, shown, changed and revoked by one of them.

A key's text leaves once, in the answer that creates it; kept are its hash and its last 4 characters. No change may
leave an account without a key that manages keys and lasts: its owner could not undo that.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.accounts.pages import Page, iso_utc, page_of
from gateway.accounts.refusals import key_revoked, last_managing_key, no_key, shut_out
from gateway.auth.principal import Principal, admit_key, key_hash
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import format_usd
from gateway.ports import Clock, KeyRecord, KeyStore, Money

PREFIX = "sk-xc-"
RANDOM_BYTES = 32
KEY_ID = re.compile(r"key_[0-9a-z]{1,64}")
SEARCHED = 100


@dataclass(frozen=True, slots=True)
class Caller:
    """Who manages: a principal whose key may, and the address its request comes from."""

    principal: Principal
    source_ip: str

    def __post_init__(self) -> None:
        if not self.principal.key.can_manage_keys:
            raise PermissionDenied("This API key may not manage its account.", code="insufficient_role")

    @property
    def account_id(self) -> str:
        """The account that everything is about."""
        return self.principal.account_id

    @property
    def key_id(self) -> str:
        """The key it came with."""
        return self.principal.key.key_id


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of accounts, over the stores."""

    store: KeyStore
    money: Money
    clock: Clock

    def new_id(self) -> str:
        """The id of a key that is to be created."""
        return f"key_{hold_id_at(self.clock.now_s(), secrets.randbits(40))}"

    async def disown(self, account_id: str, key_id: str) -> None:
        """Revokes a key whose creation was never answered: nobody knows its text."""
        found = await self.store.get(account_id, key_id)
        if found is not None and not found.revoked:
            await self.store.change(account_id, key_id, {"revoked": True}, while_managed_by=None)

    async def create(self, account_id: str, key_id: str, settings: Mapping[str, Any]) -> tuple[str, KeyRecord]:
        """A new key's text, never to be had again, and its record.

        `settings` are by names of `KeyRecord`'s fields, `name` among them.
        """
        now_s = self.clock.now_s()
        refuse_past(settings, now_s)
        full_key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        record = KeyRecord(
            key_id=key_id,
            account_id=account_id,
            last4=full_key[-4:],
            created_at_s=int(now_s),
            **settings,
        )
        await self.store.add(key_hash(full_key), record)
        return full_key, record

    async def created(self, account_id: str, key_id: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A new key as its creator sees it, this once."""
        full_key, record = await self.create(account_id, key_id, settings)
        return {"full_key": full_key, "key": key_view(record)}

    async def page(self, caller: Caller, limit: int, cursor: str | None) -> Page[KeyRecord]:
        """The account's keys, newest first, revoked ones too."""
        found = await self.store.page(caller.account_id, limit=limit + 1, before=cursor)
        return page_of(found, limit, lambda record: record.key_id)

    async def get(self, caller: Caller, key_id: str) -> KeyRecord:
        """The account's key of that id; raises `NotFound`, for a key of another account too."""
        found = await self.store.get(caller.account_id, key_id) if KEY_ID.fullmatch(key_id) else None
        if found is None:
            raise no_key(key_id)
        return found

    async def change(self, caller: Caller, key_id: str, changes: Mapping[str, Any]) -> KeyRecord:
        """The key with other settings; raises `Conflict` where it is revoked or the account would be locked out."""
        now_s = self.clock.now_s()
        refuse_past(changes, now_s)
        before = await self.get(caller, key_id)
        if before.revoked:
            raise key_revoked()
        after = replace(before, **changes)
        if after == before:
            return before
        if key_id == caller.key_id and "allowed_ips" in changes:
            _refuse_shutting_out(after, caller.source_ip, now_s)
        witness = await self._witness(caller, before, after)
        if before.monthly_spend_cap_nanousd is None and after.monthly_spend_cap_nanousd is not None:
            # Before the cap is in force: then no request has been counted by it yet, and none is counted twice.
            await self.money.track_spend(caller.account_id, key_id, now_s)
        return await self.store.change(caller.account_id, key_id, changes, while_managed_by=witness)

    async def revoke(self, caller: Caller, key_id: str) -> KeyRecord:
        """The key, revoked for good; a repeat changes nothing."""
        found = await self.get(caller, key_id)
        return found if found.revoked else await self.change(caller, key_id, {"revoked": True})

    async def _witness(self, caller: Caller, before: KeyRecord, after: KeyRecord) -> str | None:
        """A key that must go on managing the account while this one stops doing so; nothing where it does not stop."""
        if not before.manages_lastingly or after.manages_lastingly:
            return None
        cursor: str | None = None
        while True:
            found = await self.store.page(caller.account_id, limit=SEARCHED, before=cursor)
            for record in found:
                if record.manages_lastingly and record.key_id != before.key_id:
                    return record.key_id
            if len(found) < SEARCHED:
                raise last_managing_key()
            cursor = found[-1].key_id


def refuse_past(settings: Mapping[str, Any], now_s: float) -> None:
    """Raises `InvalidRequest` for an expiry that is over already."""
    expires_at_s = settings.get("expires_at_s")
    if expires_at_s is not None and expires_at_s <= now_s:
        raise InvalidRequest("Input should be a time in the future", param="expires_at", code="invalid_value")


def key_view(record: KeyRecord) -> dict[str, Any]:
    """A key as its owner sees it."""
    cap = record.monthly_spend_cap_nanousd
    return {
        "object": "key",
        "key_id": record.key_id,
        "name": record.name,
        "last4": record.last4,
        "created_at": iso_utc(record.created_at_s),
        "expires_at": None if record.expires_at_s is None else iso_utc(record.expires_at_s),
        "disabled": record.disabled,
        "revoked": record.revoked,
        "can_manage_keys": record.can_manage_keys,
        "monthly_spend_cap_usd": None if cap is None else format_usd(cap),
        "rpm_limit": record.rpm_limit,
        "tpm_limit": record.tpm_limit,
        "max_parallel": record.max_parallel,
        "allowed_ips": list(record.allowed_ips),
        "allowed_models": list(record.allowed_models),
        "region_policy": record.region_policy,
        "alert_webhook_url": record.alert_webhook_url,
    }


def _refuse_shutting_out(after: KeyRecord, source_ip: str, now_s: float) -> None:
    try:
        admit_key(replace(after, disabled=False, expires_at_s=None), source_ip, now_s)
    except GatewayError as refused:
        raise shut_out() from refused
