"""Builds the delivery of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.canonical.jobs import Job
from gateway.jobs.media.views import job_view
from gateway.webhooks.alerts import Alerts
from gateway.webhooks.batch import deliver_batch as deliver
from gateway.webhooks.delivering import Deliveries
from gateway.webhooks.posting import Posting
from gateway.wiring.job_stores import jobs, writer
from gateway.wiring.key_store import key_store
from gateway.wiring.media import fetcher, media_objects
from gateway.wiring.money import money, notices
from gateway.wiring.process import process
from gateway.wiring.webhooks import webhook_records

if TYPE_CHECKING:
    from gateway.agents.deliverables import Deliverables
    from gateway.webhooks.balance import BalanceWatch


async def deliver_batch(event: dict[str, Any]) -> dict[str, Any]:
    """Delivers the webhooks of a batch of the queue's messages; returns the messages that must come again."""
    on = process()

    async def view(job: Job) -> dict[str, Any]:
        return await job_view(job, media_objects(), on.clock.now_s())

    deliveries = Deliveries(jobs(), writer(), webhook_records(), fetcher(), view, on.clock)
    posting = Posting(webhook_records(), fetcher(), on.clock)
    alerts = Alerts(key_store(), money(), webhook_records(), notices(), posting, on.clock)

    def balances() -> BalanceWatch:
        from gateway.wiring.balances import balance_watch  # noqa: PLC0415  # few notices are of a balance

        return balance_watch(posting)

    def deliverables() -> Deliverables:
        from gateway.wiring.deliverables import deliverables_by  # noqa: PLC0415  # few notices are of a task

        return deliverables_by(posting)

    return await deliver(deliveries, alerts, notices(), event, balances, deliverables)
