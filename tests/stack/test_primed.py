"""Tests that a function restored from a snapshot loads nothing for its first requests, and that others do."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench import bed
from bench.asks import BRIDGED, SAME_WIRE
from bench.environment import started

# A line of `PYTHONPROFILEIMPORTTIME`: one for each module, when it is loaded.
LOADED = re.compile(r"import time: .*\| +(\S+)$", re.MULTILINE)
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


async def loaded_by_requests(data: Path, environment: Mapping[str, str]) -> list[str]:
    """Lists what the families load after their start, on their own wire and bridged, for whole answers and streams."""
    found = []
    async with bed.open_bed(None, data) as opened:
        for ask in (*SAME_WIRE, *BRIDGED):
            kind = opened.families[ask.family]
            log = data / f"{ask.name}.log"
            env = {**kind.env, **environment, "PYTHONPROFILEIMPORTTIME": "1"}
            async with started(replace(kind, env=env, log=log)) as running:
                at_start = len(log.read_text())
                await running.ask(opened.request(ask))
                await running.ask(opened.stream(2, ask=ask))
                found += LOADED.findall(log.read_text()[at_start:])
    return found


def test_first_requests_after_a_restore_load_nothing(tmp_path: Path) -> None:
    assert asyncio.run(loaded_by_requests(tmp_path, SNAP_START)) == []


def test_first_requests_load_what_a_cold_start_left_out(tmp_path: Path) -> None:
    assert "gateway.protocols.anthropic_messages.codec" in asyncio.run(loaded_by_requests(tmp_path, {}))
