"""Webhook records in memory, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.ports.webhooks import Delivery, WebhookSecrets


class MemoryWebhookRecords:
    """`WebhookRecords` of one process."""

    def __init__(self) -> None:
        self._secrets: dict[str, WebhookSecrets] = {}
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._told: set[tuple[str, str]] = set()

    async def secrets(self, account_id: str) -> WebhookSecrets | None:
        return self._secrets.get(account_id)

    async def put_secrets(self, secrets: WebhookSecrets, *, instead_of: str | None) -> bool:
        stands = self._secrets.get(secrets.account_id)
        if stands != secrets and (stands.current if stands else None) != instead_of:
            return False
        self._secrets[secrets.account_id] = secrets
        return True

    async def told(self, account_id: str, alert_id: str) -> bool:
        return (account_id, alert_id) in self._told

    async def note_told(self, account_id: str, alert_id: str, now_s: float) -> None:
        del now_s
        self._told.add((account_id, alert_id))

    async def log(self, delivery: Delivery) -> None:
        self._deliveries[delivery.account_id, delivery.delivery_id] = delivery

    async def deliveries(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[Delivery]:
        found = [
            one
            for (account, delivery_id), one in sorted(self._deliveries.items(), reverse=True)
            if account == account_id and (before is None or delivery_id < before)
        ]
        return found[:limit]
