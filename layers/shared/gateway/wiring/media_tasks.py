"""Builds the way to media providers, and what their callbacks wake."""

from __future__ import annotations

from functools import cache

from gateway.jobs.media.callbacks import Callbacks
from gateway.jobs.media.task_client import TASK_TIMEOUTS, TaskClient
from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.wiring.jobs import job_dependencies
from gateway.wiring.media import media_objects
from gateway.wiring.process import process
from gateway.wiring.providers import callback_providers, callback_settings, provider_client


@cache
def task_client() -> TaskClient:
    """The way to media providers."""
    return TaskClient(
        MEDIA_VENDORS, provider_client(TASK_TIMEOUTS), callback_settings(), media_objects(), process().clock
    )


@cache
def callbacks() -> Callbacks:
    """Receives providers' callbacks about their tasks."""
    on = job_dependencies()
    return Callbacks(
        on.jobs, on.writer, on.executions, MEDIA_VENDORS, callback_providers(TASK_TIMEOUTS), process().clock
    )
