"""Keeps an event loop for handlers of the managed runtime, as their process does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def process_loop() -> Iterator[None]:
    """Makes a loop current, and closes every loop that was made meanwhile.

    A handler makes its own at its first event; one that another test has called before makes none any more.
    """
    made: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def remembered() -> asyncio.AbstractEventLoop:
        made.append(new_event_loop())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", remembered)
        asyncio.set_event_loop(remembered())
        yield
    for loop in made:
        loop.close()
    asyncio.set_event_loop(None)
