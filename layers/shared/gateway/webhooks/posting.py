"""Posts one event to a webhook: signed by the account's secrets, and written into the account's log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.pages import iso_utc
from gateway.errors import GatewayError
from gateway.ledger.hold_ids import hold_id_at
from gateway.logs.metrics import Metric, count
from gateway.ports.clock import Clock
from gateway.ports.webhooks import Delivery, WebhookRecords
from gateway.providers.auth.standard_webhooks import signed
from gateway.webhooks.secrets import secrets_of

log = logging.getLogger(__name__)

# Pauses between the tries, in seconds: some 30 hours. SQS hides a message for 12 hours at most.
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 28_800, 28_800)
JSON_TYPE = "application/json"


def pause_s(number: int) -> int | None:
    """The pause after the `number`th try, from 1; nothing after the last one."""
    return PAUSES_S[number - 1] if number <= len(PAUSES_S) else None


class Poster(Protocol):
    """Sends a body to a user's URL, which may be hostile."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Posts a body; returns the answer's status, or raises `GatewayError` if the address is refused or does not
        answer.
        """


class TryResult(Struct, frozen=True):
    """The result of one try. `again_s` is the pause before the next one, `None` if there is none."""

    delivered: bool
    again_s: int | None = None


class Event(Struct, frozen=True):
    """An event of an account; its message id is the same at every try. `job_id` is empty for one that no job has."""

    account_id: str
    message_id: str
    event_type: str
    at_s: int
    data: Mapping[str, Any]
    job_id: str = ""


class Posting:
    """Makes tries."""

    def __init__(self, records: WebhookRecords, poster: Poster, clock: Clock) -> None:
        self._records = records
        self._poster = poster
        self._clock = clock

    async def post(self, event: Event, url: str, number: int) -> Delivery:
        """Makes the `number`th try, from 1, and logs it."""
        delivery = await self._try(event, url, number)
        again_s = None if delivery.delivered else pause_s(number)
        delivery = replace(delivery, next_at_s=None if again_s is None else delivery.at_s + again_s)
        await self._records.log(delivery)
        if not delivery.delivered:
            count(Metric.WEBHOOK_TRIES_FAILED)
        return delivery

    async def _try(self, event: Event, url: str, number: int) -> Delivery:
        now_s = int(self._clock.now_s())
        document = {"type": event.event_type, "timestamp": iso_utc(event.at_s), "data": event.data}
        keys = (await secrets_of(self._records, event.account_id)).good(now_s)
        delivery = Delivery(
            account_id=event.account_id,
            delivery_id=hold_id_at(self._clock.now_s(), secrets.randbits(40)),
            job_id=event.job_id,
            message_id=event.message_id,
            event_type=event.event_type,
            url=url,
            number=number,
            at_s=now_s,
        )
        body = orjson.dumps(document)
        headers = {"content-type": JSON_TYPE, **signed(keys, event.message_id, now_s, body)}
        try:
            return replace(delivery, status=await self._poster.post(url, headers, body))
        except GatewayError as error:
            log.info("%s: the webhook did not answer: %s", event.message_id, error.message)
            return replace(delivery, error=error.message)


def result_of(delivery: Delivery) -> TryResult:
    """The result of a try, for the queue of its message."""
    return TryResult(delivery.delivered, None if delivery.next_at_s is None else delivery.next_at_s - delivery.at_s)
