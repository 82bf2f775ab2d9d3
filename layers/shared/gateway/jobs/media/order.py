"""Reads a media job's order, as `MediaOperation.order` wrote it, for the provider of an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.canonical.jobs import Job
from gateway.canonical.media import MediaOrder, ReferenceImage


def route_of(job: Job) -> Mapping[str, Any]:
    """The current route of the job: its attempt's, or the first before there is an attempt."""
    route: Mapping[str, Any] = job.order["routes"][job.attempt.route if job.attempt else 0]
    return route


def media_order(job: Job, reference: ReferenceImage | None, callback_url: str | None) -> MediaOrder:
    """The order to the provider of the job's attempt."""
    if job.attempt is None:
        raise ValueError(f"{job.job_id} has no attempt")
    order, route = job.order, route_of(job)
    duration_s = route.get("duration_s")
    return MediaOrder(
        model=job.attempt.model,
        attempt_id=job.attempt_id,
        prompt=order.get("prompt"),
        duration_s=None if duration_s is None else Decimal(duration_s),
        aspect_ratio=route.get("aspect_ratio"),
        reference=reference,
        negative_prompt=order.get("negative_prompt"),
        seed=order.get("seed"),
        output_format=order.get("output_format"),
        callback_url=callback_url,
    )
