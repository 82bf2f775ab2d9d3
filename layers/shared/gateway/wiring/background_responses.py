"""Builds the callers' side of background responses, apart from `wiring.responses` since few requests need it."""

from __future__ import annotations

from functools import cache

from gateway.responses.background import BackgroundResponses
from gateway.wiring.job_stores import executions, jobs, writer
from gateway.wiring.money import money
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process
from gateway.wiring.streaming import services


@cache
def background_responses() -> BackgroundResponses:
    """The responses of this deployment that run on without their callers."""
    on = process()
    objects = bucket_objects(on.settings.responses_bucket)
    return BackgroundResponses(jobs(), writer(), executions(), money(), services().pipeline, objects, on.clock)
