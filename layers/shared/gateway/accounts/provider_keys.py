"""Brings, lists, tests, changes and removes an account's own keys of providers, on behalf of a key that manages it.

A provider key serves the whole account, and the owner of the provider's account may see what is sent there. So only a
key that no other key has made may bring, change or remove one: a key that was given a part of the account's rights must
not draw all its requests to a provider account of its own.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from gateway.accounts.keyring import Caller
from gateway.accounts.provider_key_seal import opened_credential, sealed_credential
from gateway.accounts.provider_key_settings import NewProviderKey, ProviderKeyChanges, provider_key_view
from gateway.accounts.provider_key_test import KeyTester, Verdict
from gateway.accounts.refusals import no_provider_key, provider_key_exists
from gateway.accounts.sealing import SealBroken
from gateway.errors import InvalidRequest, PermissionDenied, ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.clock import Clock
from gateway.ports.keys import KeyStore
from gateway.ports.provider_keys import DataKeys, ProviderKey, ProviderKeyStore
from gateway.ports.upstream import Credential
from gateway.providers.own_settings import faults, takes_own_key

ONLY_OWNERS = "Only an API key that no other key has made can bring, change or remove provider keys and MCP servers."
NOT_TESTED = Verdict(verified=False, reason="The key has not been tested.")
UNREADABLE = "The provider key cannot be opened; replace it."

log = logging.getLogger(__name__)


class ProviderKeys(Struct, frozen=True):
    """The provider keys of accounts, over the stores."""

    store: ProviderKeyStore
    keys: KeyStore
    data_keys: DataKeys
    tester: KeyTester
    clock: Clock

    def new_id(self) -> str:
        """Draws the id of a provider key to be brought."""
        return f"pvk_{hold_id_at(self.clock.now_s(), secrets.randbits(40))}"

    async def brought(self, caller: Caller, key_id: str, wanted: NewProviderKey) -> dict[str, Any]:
        """Tests a key, seals and stores it; shows it without its text."""
        refuse_made(caller)
        if not takes_own_key(wanted.provider):
            message = f"'{wanted.provider}' is not a provider whose key can be brought."
            raise InvalidRequest(message, param="provider", code="unknown_provider")
        if any(one.provider == wanted.provider for one in await self.store.all(caller.account_id)):
            raise provider_key_exists(wanted.provider)
        credential = credential_of(wanted.provider, wanted.api_key, wanted.settings)
        verdict = await self._judged(wanted.provider, credential) if wanted.verify else NOT_TESTED
        envelope = await sealed_credential(
            credential, self.data_keys, account_id=caller.account_id, provider=wanted.provider, key_id=key_id
        )
        now_s = int(self.clock.now_s())
        key = ProviderKey(
            account_id=caller.account_id,
            provider=wanted.provider,
            key_id=key_id,
            name=str(wanted.name or wanted.provider),
            mode=wanted.mode,
            last4=wanted.api_key[-4:],
            created_at_s=now_s,
            updated_at_s=now_s,
            version=1,
            envelope=envelope,
            settings=wanted.settings,
            **_tested(verdict, now_s if wanted.verify else None),
        )
        # First, so that no request is served without a look at the keys once there is one.
        await self.keys.note_provider_keys(caller.account_id)
        await self.store.add(key)
        _note("brought", caller, key)
        return provider_key_view(key)

    async def disown(self, account_id: str, key_id: str) -> None:
        """Removes a key whose creation was never answered."""
        found = [one for one in await self.store.all(account_id) if one.key_id == key_id]
        for one in found:
            await self.store.remove(one)

    async def all(self, caller: Caller) -> Sequence[ProviderKey]:
        """The account's keys, by provider."""
        return await self.store.all(caller.account_id)

    async def get(self, caller: Caller, key_id: str) -> ProviderKey:
        """The account's key of that id; raises `NotFound`, also for a key of another account."""
        found = [one for one in await self.store.all(caller.account_id) if one.key_id == key_id]
        if not found:
            raise no_provider_key(key_id)
        return found[0]

    async def change(self, caller: Caller, key_id: str, changes: ProviderKeyChanges) -> ProviderKey:
        """Changes name and mode, and replaces the key and its settings; they hold for requests after 5 s."""
        refuse_made(caller)
        before = await self.get(caller, key_id)
        after = before
        if changes.api_key is not UNSET:
            settings = {} if changes.settings is UNSET else changes.settings
            after = await self._replaced(before, changes.api_key, settings, verify=changes.verify)
        if changes.name is not UNSET:
            after = replace(after, name=str(changes.name))
        if changes.mode is not UNSET:
            after = replace(after, mode=changes.mode)
        return await self._put(caller, before, after, "changed")

    async def test(self, caller: Caller, key_id: str) -> ProviderKey:
        """Asks the provider about the key as it stands, and notes what it says."""
        before = await self.get(caller, key_id)
        try:
            credential = await opened_credential(before, self.data_keys)
        except SealBroken as broken:
            raise ServiceUnavailable(UNREADABLE) from broken
        verdict = await self.tester.verdict(before.provider, credential)
        return await self._put(caller, before, replace(before, **_tested(verdict, int(self.clock.now_s()))), "tested")

    async def remove(self, caller: Caller, key_id: str) -> ProviderKey:
        """Removes a key for good; requests that begin after 5 s do not use it."""
        refuse_made(caller)
        found = await self.get(caller, key_id)
        await self.store.remove(found)
        _note("removed", caller, found)
        return found

    async def _replaced(
        self, before: ProviderKey, api_key: str, settings: Mapping[str, str], *, verify: bool
    ) -> ProviderKey:
        credential = credential_of(before.provider, api_key, settings)
        verdict = await self._judged(before.provider, credential) if verify else NOT_TESTED
        envelope = await sealed_credential(
            credential,
            self.data_keys,
            account_id=before.account_id,
            provider=before.provider,
            key_id=before.key_id,
        )
        return replace(
            before,
            last4=api_key[-4:],
            envelope=envelope,
            settings=settings,
            **_tested(verdict, int(self.clock.now_s()) if verify else None),
        )

    async def _judged(self, provider: str, credential: Credential) -> Verdict:
        """The provider's word on a key that is to be stored; raises `InvalidRequest` for one that it refuses."""
        verdict = await self.tester.verdict(provider, credential)
        if verdict.refused:
            message = f"The provider '{provider}' refused the key; send 'verify': false to store it all the same."
            raise InvalidRequest(message, param="api_key", code="provider_key_refused")
        return verdict

    async def _put(self, caller: Caller, before: ProviderKey, after: ProviderKey, action: str) -> ProviderKey:
        if after == before:
            return before
        raised = replace(after, version=before.version + 1, updated_at_s=int(self.clock.now_s()))
        await self.store.put(raised, instead_of=before)
        _note(action, caller, raised)
        return raised


def refuse_made(caller: Caller) -> None:
    """Raises `PermissionDenied` for a caller whose key another key has made."""
    if caller.principal.key.parent_key_id is not None:
        raise PermissionDenied(ONLY_OWNERS, code="insufficient_role")


def credential_of(provider: str, api_key: str, settings: Mapping[str, str]) -> Credential:
    """The credential of a key and its settings; raises `InvalidRequest` that names the setting that does not fit."""
    for name, fault in faults(provider, settings).items():
        raise InvalidRequest(fault, param=f"settings.{name}", code="invalid_value")
    return Credential(str(api_key), extra=dict(settings))


def _tested(verdict: Verdict, at_s: int | None) -> dict[str, Any]:
    return {"verified": verdict.verified, "reason": verdict.reason, "tested_at_s": at_s}


def _note(action: str, caller: Caller, key: ProviderKey) -> None:
    """Writes who did what to which key: there is no other trace of a key that is gone."""
    line = {"event": "provider_key", "action": action, "provider": key.provider, "provider_key_id": key.key_id}
    log.info("provider key %s", action, extra={**line, "account_id": caller.account_id, "key_id": caller.key_id})
