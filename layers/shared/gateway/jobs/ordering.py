"""What a media job's order is: what was asked, and the routes that can make it, in the order they are tried.

| member | what |
|---|---|
| `kind` | `video` or `3d` |
| `prompt`, `negative_prompt`, `seed`, `output_format` | as asked |
| `reference`, `reference_type` | the object of the media bucket to start from, and its media type |
| `shown` | what the answers of the wire that asked repeat |
| `routes` | each `provider`, `model` (the catalog's id), `upstream_model`; `duration_s` (decimal text: a float would |
| | have lost it) and `aspect_ratio` as that model makes it; `cost_nanousd`, what success there costs |

What was not asked, or what a model does not take, is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.canonical.jobs import Job
from gateway.canonical.media import MediaOrder, ReferenceImage
from gateway.canonical.money import NanoUsd
from gateway.jobs.planning import Asked, MediaRoute


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A reference image as the job keeps it: an object of the media bucket, and its media type by content."""

    object_name: str
    mime_type: str


def order_of(asked: Asked, routes: tuple[MediaRoute, ...], reference: Snapshot | None) -> dict[str, Any]:
    """The order of a job that is asked for."""
    return _present(
        kind=asked.kind.value,
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        seed=asked.seed,
        output_format=asked.output_format,
        reference=reference and reference.object_name,
        reference_type=reference and reference.mime_type,
        shown=dict(asked.shown) or None,
        routes=[
            _present(
                provider=route.model.provider,
                model=route.model.id,
                upstream_model=route.model.upstream_model,
                duration_s=None if route.duration_s is None else f"{route.duration_s:f}",
                aspect_ratio=route.aspect_ratio,
                cost_nanousd=route.cost_nanousd,
            )
            for route in routes
        ],
    )


def amount_to_hold(routes: tuple[MediaRoute, ...]) -> NanoUsd:
    """The dearest route: whichever serves, the hold carries it."""
    return max(route.cost_nanousd for route in routes)


def route_of(job: Job) -> Mapping[str, Any]:
    """The route that the job is on: its attempt's, or the first before there is one."""
    route: Mapping[str, Any] = job.order["routes"][job.attempt.route if job.attempt else 0]
    return route


def media_order(job: Job, reference: ReferenceImage | None, callback_url: str | None) -> MediaOrder:
    """What the job's attempt asks of its provider."""
    if job.attempt is None:
        raise ValueError(f"{job.job_id} has no attempt")
    asked, route = job.order, route_of(job)
    duration_s = route.get("duration_s")
    return MediaOrder(
        model=job.attempt.model,
        attempt_id=job.attempt_id,
        prompt=asked.get("prompt"),
        duration_s=None if duration_s is None else Decimal(duration_s),
        aspect_ratio=route.get("aspect_ratio"),
        reference=reference,
        negative_prompt=asked.get("negative_prompt"),
        seed=asked.get("seed"),
        output_format=asked.get("output_format"),
        callback_url=callback_url,
    )


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
