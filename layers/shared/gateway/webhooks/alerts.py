"""Tells a key's owner, once for each share and month, that the key's spend has come to a share of its cap.

A look at the spend puts what is to be told into the queue, then notes it: a death in between has it told twice under
one message id, never not at all.
"""

from __future__ import annotations

from typing import Any, Protocol

from gateway.canonical.alerts import SpendAlert, levels_reached
from gateway.ledger.money import format_usd
from gateway.ports.clock import Clock
from gateway.ports.keys import KeyRecord, KeyStore
from gateway.ports.money import Money
from gateway.ports.webhooks import WebhookRecords
from gateway.webhooks.posting import Event, Posting, TryResult, result_of

EVENT = "key.spend_alert"


class AlertQueue(Protocol):
    """The queue of webhooks to deliver."""

    async def put_alert(self, alert: SpendAlert) -> None: ...


class Alerts:
    """Looks at keys' spend, and delivers what their owners are to be told."""

    def __init__(
        self,
        keys: KeyStore,
        money: Money,
        records: WebhookRecords,
        queue: AlertQueue,
        posting: Posting,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._money = money
        self._records = records
        self._queue = queue
        self._posting = posting
        self._clock = clock

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        """Puts the alerts into the queue that a key's spend has come to and that are not on their way."""
        key, now_s = await self._keys.get(account_id, key_id), self._clock.now_s()
        cap = None if key is None or key.alert_webhook_url is None else key.monthly_spend_cap_nanousd
        spend = None if cap is None else await self._money.key_spend(account_id, key_id, now_s)
        if cap is None or spend is None:
            return
        for percent in levels_reached(spend, cap, refused=refused):
            alert = SpendAlert(account_id, key_id, spend.month, percent, spend.spent_nanousd, cap, int(now_s))
            if not await self._records.told(account_id, alert.alert_id):
                await self._queue.put_alert(alert)
                await self._records.note_told(account_id, alert.alert_id, now_s)

    async def deliver(self, alert: SpendAlert, number: int) -> TryResult:
        """Makes the `number`th try, from 1, at the key's webhook; does nothing for a key that has none by now."""
        key = await self._keys.get(alert.account_id, alert.key_id)
        if key is None or key.alert_webhook_url is None:
            return TryResult(delivered=True)
        event = Event(
            alert.account_id,
            message_id=f"msg_{alert.alert_id}",
            event_type=EVENT,
            at_s=alert.at_s,
            data=_view(alert, key),
        )
        return result_of(await self._posting.post(event, key.alert_webhook_url, number))


def _view(alert: SpendAlert, key: KeyRecord) -> dict[str, Any]:
    year, month = divmod(alert.month, 100)
    return {
        "object": "spend_alert",
        "key_id": alert.key_id,
        "name": key.name,
        "month": f"{year}-{month:02}",
        "threshold_percent": alert.percent,
        "spent_usd": format_usd(alert.spent_nanousd),
        "monthly_spend_cap_usd": format_usd(alert.cap_nanousd),
    }
