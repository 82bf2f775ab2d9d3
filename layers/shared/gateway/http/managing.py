"""Admits calls to the endpoints that manage an account, which take a key that may manage it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from gateway.accounts.keyring import Caller, Keyring
from gateway.canonical.money import AccountState
from gateway.errors import NotFound
from gateway.http.calls import KeyedCall
from gateway.http.exchange import Exchange
from gateway.wiring.control_plane import ControlServices

if TYPE_CHECKING:
    from gateway.accounts.provider_keys import ProviderKeys


class ManagerCall(KeyedCall):
    """One call by a key that manages its account."""

    manager: Caller

    @classmethod
    async def admitted(cls, exchange: Exchange, services: ControlServices, path: Mapping[str, str]) -> Self:
        call = await super().admitted(exchange, services, path)
        call.manager = Caller(call.principal, exchange.request.source_ip)
        return call

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
