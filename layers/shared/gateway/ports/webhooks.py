"""Webhook secrets of accounts and the log of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class WebhookSecrets(Struct, frozen=True):
    """The secrets that sign an account's webhooks: `current`, and for a day after a rotation the previous one."""

    account_id: str
    current: str
    previous: str | None = None
    previous_until_s: int = 0

    def good(self, now_s: float) -> tuple[str, ...]:
        """The secrets valid now, the current one first."""
        if self.previous is None or self.previous_until_s <= now_s:
            return (self.current,)
        return (self.current, self.previous)


class Delivery(Struct, frozen=True):
    """One delivery try. `status` is the webhook's HTTP answer, `error` the reason for none; times are epoch seconds.

    `job_id` is empty for the webhook of a key.
    """

    account_id: str
    delivery_id: str
    job_id: str
    message_id: str
    event_type: str
    url: str
    number: int
    at_s: int
    status: int | None = None
    error: str | None = None
    next_at_s: int | None = None

    @property
    def delivered(self) -> bool:
        """True if the webhook accepted it."""
        return self.status is not None and 200 <= self.status < 300


class WebhookRecords(Protocol):
    """Accounts' webhook secrets and the log of deliveries, which is kept for 30 days.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def secrets(self, account_id: str) -> WebhookSecrets | None: ...

    async def put_secrets(self, secrets: WebhookSecrets, *, instead_of: str | None) -> bool:
        """Writes the secrets if `instead_of` is the current one, or none exists; false if another write came first."""

    async def told(self, account_id: str, alert_id: str) -> bool:
        """True if an alert is noted as on its way."""

    async def note_told(self, account_id: str, alert_id: str, now_s: float) -> None:
        """Notes an alert as on its way, for longer than its month."""

    async def log(self, delivery: Delivery) -> None: ...

    async def deliveries(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[Delivery]:
        """The account's deliveries, newest first; with `before`, only ids below it."""
