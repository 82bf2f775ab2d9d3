"""Builds the steps of media jobs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.jobs.media.mirror import Mirroring
from gateway.jobs.media.steps import MediaSteps, MediaWork
from gateway.pipeline.readmission import Readmission
from gateway.wiring.accounts import keys
from gateway.wiring.jobs import job_dependencies
from gateway.wiring.media import fetcher, media_objects
from gateway.wiring.media_tasks import task_client
from gateway.wiring.money import notices
from gateway.wiring.process import process

if TYPE_CHECKING:
    # Jobs of pictures alone load it.
    from gateway.jobs.media.pictures import Painting


@cache
def media_steps() -> MediaSteps:
    """The steps of media jobs."""
    on, clock = job_dependencies(), process().clock
    mirroring = Mirroring(on.writer, media_objects(), fetcher().download, clock)
    return MediaSteps(
        MediaWork(
            on.jobs,
            on.writer,
            on.closing,
            on.executions,
            Readmission(keys(), on.money, clock),
            task_client(),
            mirroring,
            notices(),
            clock,
            painting,
        )
    )


@cache
def painting() -> Painting:
    """The way in which pictures of jobs are made."""
    from gateway.wiring.picture_jobs import painting as built  # noqa: PLC0415  # jobs of pictures alone load it

    return built()
