"""Mints client secrets: what opens a session in place of a key, for a short time and for one kind of session.

A secret is minted only under a hold of what a session may cost before its first charge. The hold is given back when a
session is opened, which has its own, or when the secret has expired.
"""

from __future__ import annotations

import secrets

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal, key_hash
from gateway.errors import GatewayError
from gateway.ports.clock import Clock
from gateway.ports.money import DeferredSettlements, Money
from gateway.ports.sockets import ClientSecret, SocketRecords
from gateway.sockets.connecting import SECRET_PREFIX, Wanted
from gateway.sockets.purse import Purse

SECRET_BYTES = 32


class ClientSecrets(Struct, frozen=True):
    """Mints client secrets."""

    records: SocketRecords
    money: Money
    deferred: DeferredSettlements
    clock: Clock

    async def mint(self, principal: Principal, wanted: Wanted, secret: ClientSecret, request_id: str) -> str:
        """Stores the secret with its hold, and gives its text; raises the refusal of the hold."""
        purse = Purse(
            principal,
            self.money,
            self.deferred,
            self.clock,
            request_id=request_id,
            model=wanted.model,
            candidate=wanted.candidate,
            over_by_s=secret.expires_at_s,
            runs=False,
        )
        refusal = await purse.open(wanted.exposure_nanousd)
        if refusal is not None:
            raise refusal.error()
        value = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        try:
            await self.records.add_secret(key_hash(value), replace(secret, hold=purse.hold))
        except GatewayError:
            # The caller does not get the secret, so that no session takes the place of its hold.
            await purse.close()
            raise
        return value
