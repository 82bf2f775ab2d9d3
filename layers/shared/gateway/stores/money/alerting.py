"""Money whose ends have the owners of keys told of their spend: beside the ledger, never in its way.

An end says when a key's spend, with what it holds, has come to where its owner is told. Whether that is so without what
is still held is found out later, by the function that sends webhooks.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from gateway.canonical.money import Admission, Charge, Hold, HoldRequest, Refusal, RefusedBy, Settlement
from gateway.stores.money.state import Account
from gateway.stores.money.store import DynamoMoney, Seen
from gateway.stores.money.tables import DynamoDb

log = logging.getLogger(__name__)

WITHIN_S = 1.0
# A process asks so often at most because of refusals; each end asks for itself.
PAUSE_S = 60.0
KEYS_MAX = 10_000


class SpendNotices(Protocol):
    """Asks for a look at a key's spend."""

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        """Asks for one; `refused` says that the key's cap has refused a request."""

    async def look_balance(self, account_id: str) -> None:
        """Asks for a look at an account's balance."""


class AlertingMoney(DynamoMoney):
    """`Money` in the Accounts and Ledger tables, and the queue of webhooks."""

    def __init__(self, api: DynamoDb, accounts_table: str, ledger_table: str, notices: SpendNotices) -> None:
        super().__init__(api, accounts_table, ledger_table)
        self._notices = notices
        self._asked_s: dict[tuple[str, str], float] = {}
        # Accounts that were last seen below what their owners are told of.
        self._low: set[str] = set()

    async def admit(self, request: HoldRequest, now_s: float) -> Admission | Refusal:
        outcome = await super().admit(request, now_s)
        is_told = request.alert_at_nanousd is not None and self._is_due(request.account_id, request.key_id, now_s)
        if isinstance(outcome, Refusal) and outcome.by is RefusedBy.SPEND_CAP and is_told:
            self._note(request.account_id, request.key_id, now_s)
            await self._look(request.account_id, request.key_id, refused=True)
        if self._low and request.account_id in self._low:
            await self._look_balance(request.account_id, now_s)
        return outcome

    def _see(self, account: Account) -> Seen:
        if account.low_nanousd is not None and account.free_nanousd < account.low_nanousd:
            self._low.add(account.account_id)
        elif self._low:
            self._low.discard(account.account_id)
        return super()._see(account)

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        return await self._told(hold, await super().settle(hold, charge, now_s))

    async def expire(self, hold: Hold, now_s: float) -> Settlement:
        return await self._told(hold, await super().expire(hold, now_s))

    async def _told(self, hold: Hold, ended: Settlement) -> Settlement:
        key_id = next((entry.key_id for entry in ended.entries if entry.key_id), None)
        if ended.alert and key_id is not None:
            await self._look(hold.account_id, key_id, refused=False)
        return ended

    def _is_due(self, account_id: str, key_id: str, now_s: float) -> bool:
        return self._asked_s.get((account_id, key_id), 0.0) + PAUSE_S <= now_s

    def _note(self, account_id: str, key_id: str, now_s: float) -> None:
        if len(self._asked_s) >= KEYS_MAX:
            self._asked_s.clear()
        self._asked_s[account_id, key_id] = now_s

    async def _look_balance(self, account_id: str, now_s: float) -> None:
        if not self._is_due(account_id, "", now_s):
            return
        self._note(account_id, "", now_s)
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._notices.look_balance(account_id)
        except Exception:
            # The hold is made; another request asks again.
            log.exception("the owner of %s may not be told of its balance", account_id)

    async def _look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._notices.look(account_id, key_id, refused=refused)
        except Exception:
            # The ledger's step is done; the key's next end asks again.
            log.exception("the owner of %s may not be told of its spend", key_id)
