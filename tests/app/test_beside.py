"""Tests of work that goes on beside a request."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from gateway.pipeline.beside import begun, together
from tests.hangs import HANGS_AFTER_S


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 knows ordinary tasks alone")
def test_work_has_come_to_its_first_wait_when_it_was_begun() -> None:
    steps: list[str] = []

    async def work() -> str:
        steps.append("begins")
        await asyncio.sleep(0)
        return "done"

    async def story() -> str:
        task = begun(work())
        steps.append("goes on")
        return await task

    assert asyncio.run(story()) == "done"
    assert steps == ["begins", "goes on"]


@pytest.mark.anyio
async def test_pieces_that_are_left_after_a_failure_do_not_go_on() -> None:
    ended: list[str] = []

    async def waits(name: str) -> None:
        try:
            await asyncio.sleep(HANGS_AFTER_S)
        finally:
            ended.append(name)

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("refused")

    pieces: list[Callable[[], Awaitable[None]]] = [partial(waits, "first"), fails, partial(waits, "second")]
    with pytest.raises(ValueError, match="refused"):
        await together(pieces, len(pieces))
    await asyncio.sleep(0)
    assert ended == ["first", "second"]
