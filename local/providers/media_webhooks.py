"""Sends a vendor's webhook when its task ends, as often as its prompt says, and retries a failed delivery."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from local.providers.media_tasks import Task

log = logging.getLogger(__name__)

TRIES = 3
_PAUSE_S = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Notice:
    """One delivery, signed as its vendor signs."""

    headers: dict[str, str]
    body: bytes


class Webhooks:
    """The deliveries in progress."""

    def __init__(self) -> None:
        self._sending: set[asyncio.Task[None]] = set()

    def expect(self, task: Task, url: str, notice: Callable[[int], Notice]) -> None:
        """Sends the task's notice to `url` when it ends. `notice` builds it for a time in epoch seconds."""
        count = 1 if task.shape.media_callback is None else task.shape.media_callback
        for _ in range(count):
            sending = asyncio.get_running_loop().create_task(_send(task, url, notice))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    def close(self) -> None:
        """Cancels the deliveries in progress."""
        for sending in self._sending:
            sending.cancel()


async def _send(task: Task, url: str, notice: Callable[[int], Notice]) -> None:
    await asyncio.sleep(task.takes_s)
    if task.canceled:
        return
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        for _ in range(TRIES):
            status = await _post(session, url, notice(time.time_ns() // 1_000_000_000))
            task.callbacks.append(status)
            if status is not None and status < 300:
                return
            await asyncio.sleep(_PAUSE_S)


async def _post(session: aiohttp.ClientSession, url: str, notice: Notice) -> int | None:
    """Returns the status of the answer, or None if there was none."""
    try:
        async with session.post(url, data=notice.body, headers=notice.headers) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("the webhook to %s did not arrive: %s", url, error)
        return None
