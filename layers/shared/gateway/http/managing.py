"""Offers what the endpoints that manage an account need: to a key that may manage it, and to its person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.keyring import Caller, Keyring
from gateway.canonical.money import AccountState
from gateway.errors import NotFound
from gateway.http.calls import KeyedCall

if TYPE_CHECKING:
    from gateway.accounts.provider_keys import ProviderKeys


class ManagerCall(KeyedCall):
    """One call by a key that manages its account, or by a person who is signed in to it."""

    @property
    def manager(self) -> Caller:
        """The caller, as keys are managed by it."""
        return Caller(self.principal, self.request.source_ip, is_person=self.signed_in is not None)

    @property
    def keyring(self) -> Keyring:
        """Accounts' keys, to be managed."""
        on = self.services
        return Keyring(on.key_store, on.money, on.clock, on.own_hosts)

    @property
    def provider_keys(self) -> ProviderKeys:
        """Accounts' own keys of providers."""
        return self.services.provider_keys()

    @property
    def state(self) -> AccountState:
        """The manager's account; raises `NotFound`."""
        if self.account is None:
            raise NotFound(f"There is no account '{self.account_id}'.", code="account_not_found")
        return self.account
