"""Keeps an event loop for handlers of the managed runtime, as their process does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def process_loop() -> Iterator[None]:
    """Closes every loop that is made meanwhile. A handler makes its own at its first event, and keeps it."""
    made: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def remembered() -> asyncio.AbstractEventLoop:
        made.append(new_event_loop())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", remembered)
        patch.setattr(asyncio.events, "new_event_loop", remembered)
        yield
    for loop in made:
        loop.close()
    asyncio.set_event_loop(None)
