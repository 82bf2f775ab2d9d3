"""Builds customers' uploads."""

from __future__ import annotations

from functools import cache

from gateway.jobs.media.uploads import Uploads
from gateway.wiring.media import fetcher, media_objects
from gateway.wiring.process import process


@cache
def uploads() -> Uploads:
    """Customers' reference images."""
    return Uploads(media_objects(), fetcher(), process().clock)
