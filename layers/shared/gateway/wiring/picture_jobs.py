"""Builds jobs of pictures: the images family's side, which opens them, and what makes them. Few requests need it."""

from __future__ import annotations

from functools import cache

from gateway.jobs.media.pictures import Painting, PictureJobs
from gateway.jobs.media.steps import PAINT_S
from gateway.jobs.opening import Opening
from gateway.operations.image_files import ImageFiles
from gateway.operations.images import ImagesOperation, Studio
from gateway.ports.upstream import UpstreamTimeouts
from gateway.protocols.openai_images import GENERATIONS
from gateway.untrusted.urls import Policy
from gateway.wiring.files import media_inputs
from gateway.wiring.images import CATALOG
from gateway.wiring.job_stores import executions, jobs
from gateway.wiring.media import fetcher, media_objects
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.providers import OWN_KEYS, provider_client

# A vendor that answers with the picture itself is silent until it is made.
PAINT_TIMEOUTS = UpstreamTimeouts(connect_s=5.0, first_byte_s=float(PAINT_S), idle_s=60.0)


@cache
def picture_jobs() -> PictureJobs:
    """Opens jobs of pictures."""
    on = process()
    opening = Opening(jobs(), money(), executions(), on.clock)
    return PictureJobs(media_objects(), opening, on.clock, Policy(on.settings.own_hosts), on.settings.public_url)


@cache
def painting() -> Painting:
    """Makes the pictures of jobs."""
    clock, providers = process().clock, provider_client(PAINT_TIMEOUTS)
    files = ImageFiles(media_objects(), media_inputs(), fetcher().download, clock)
    operation = ImagesOperation(GENERATIONS, CATALOG, lambda: Studio(providers.ask, files))
    return Painting(media_objects(), operation, providers, jobs(), clock, OWN_KEYS)
