"""Reads an order's image from its address as the vendor would. An unreadable image fails the task."""

from __future__ import annotations

import asyncio
import base64
import logging

import aiohttp

from local.providers.media_tasks import Task

log = logging.getLogger(__name__)

# A picture of one point, for tests that have no image of their own.
SAMPLE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_SIGNATURE_BYTES = 12
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")


class Images:
    """The image downloads in progress."""

    def __init__(self) -> None:
        self._reading: set[asyncio.Task[None]] = set()

    def read(self, task: Task, url: str) -> None:
        """Starts to check that an image is at `url`. The task runs until the check ends."""
        reading = asyncio.get_running_loop().create_task(_read(task, url))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

    def close(self) -> None:
        """Cancels the downloads in progress."""
        for reading in self._reading:
            reading.cancel()


async def _read(task: Task, url: str) -> None:
    try:
        # A stack on this machine may have a self-signed certificate.
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(url, ssl=False) as answer,
        ):
            head = await answer.content.read(_SIGNATURE_BYTES)
            task.image_read = answer.status == 200 and head.startswith(_SIGNATURES)
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("the image at %s could not be read: %s", url, error)
        task.image_read = False
