"""Tests of work that goes on beside a request."""

from __future__ import annotations

import asyncio
import sys

import pytest

from gateway.pipeline.beside import begun


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
