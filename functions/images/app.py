"""Serves pictures on OpenAI's wire: of a prompt, edited, and varied."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.http.app import only
from gateway.http.images import deferring
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.openai_images import EDITS, GENERATIONS, VARIATIONS
from gateway.wiring.images import images
from gateway.wiring.streaming import services

if TYPE_CHECKING:
    from gateway.jobs.media.pictures import PictureJobs


def jobs() -> PictureJobs:
    """Imports jobs at their first use, so that a cold start does not pay for them."""
    from gateway.wiring.picture_jobs import picture_jobs  # noqa: PLC0415  # no cold start pays for it

    return picture_jobs()


PRODUCE = deferring(jobs)
ROUTES = {
    "/v1/images/generations": OperationRoute(partial(images, GENERATIONS), produce=PRODUCE),
    "/v1/images/edits": OperationRoute(partial(images, EDITS), produce=PRODUCE),
    "/v1/images/variations": OperationRoute(partial(images, VARIATIONS), produce=PRODUCE),
}
app = StreamingApp(services, GENERATIONS, only(ROUTES))
