"""Builds the worker of background responses: the chat pipeline, and jobs beside it."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from gateway.pipeline.readmission import Readmission
from gateway.protocols.openai_responses import CLIENT
from gateway.responses.worker import BackgroundRun, RunDependencies
from gateway.wiring.accounts import keys
from gateway.wiring.chat import chat_at
from gateway.wiring.jobs import job_dependencies
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process
from gateway.wiring.providers import OWN_KEYS
from gateway.wiring.responses import stored
from gateway.wiring.streaming import services

if TYPE_CHECKING:
    from gateway.responses.conversing import Conversing


def _conversing() -> Conversing:
    from gateway.wiring.conversing import conversing  # noqa: PLC0415  # no cold start pays for it

    return conversing()


@cache
def background_run() -> BackgroundRun:
    """Runs responses on."""
    on, clock = job_dependencies(), process().clock
    objects = bucket_objects(process().settings.responses_bucket)
    pipeline = services().pipeline
    dependencies = RunDependencies(
        on.jobs,
        on.writer,
        Readmission(keys(), on.money, clock, OWN_KEYS),
        on.money,
        pipeline,
        partial(chat_at, CLIENT),
        objects,
        stored(),
        _conversing,
        clock,
    )
    return BackgroundRun(dependencies)
