"""Tests that many agents stream at once, each step in order, and that a client that reconnects misses none."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from tests.agent_runs.harness import call, say, scripted
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

# `make agent-streams` has 50, which take some 100 processes.
STREAMS = int(os.environ.get("STREAMS", "4"))
TURNS = (
    call("memory_write", key="a", value="1"),
    {"calls": [call("memory_read", key="a"), call("list_models", kind="embedding")]},
    say("Done."),
)


class Followed:
    """One run as its client saw it: the events with their ids, over as many connections as it took."""

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.task = f"Run {number}. [[sim: delay_ms=200]] {scripted(*TURNS)}"
        self.begun = ""
        self.events: list[tuple[str, Any]] = []
        self.connections = 0

    @property
    def is_done(self) -> bool:
        return bool(self.events) and self.events[-1][1]["type"] == "done"

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Follows the run to its end; leaves each connection after a few events, and comes back behind the last one."""
        while not self.is_done:
            self.connections += 1
            leave_after = self.random.randrange(1, 4)
            async with self._connected(client) as answer:
                assert answer.status_code == 200, await answer.aread()
                async for event in _events(answer):
                    self._take(*event)
                    leave_after -= event[1] is not None
                    if leave_after == 0:
                        break

    def _connected(self, client: httpx.AsyncClient) -> Any:
        if not self.begun:
            return client.stream("POST", "/agents/run/stream", json={"task": self.task, "model": "gpt-4o"})
        last = self.events[-1][0] if self.events else self.begun
        return client.stream("GET", "/agents/run/stream", headers={"Last-Event-ID": last})

    def _take(self, event_id: str, content: Any) -> None:
        if not self.begun:
            self.begun = event_id
        if content is not None:
            self.events.append((event_id, content))


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    event_id = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            event_id = value
            if value.endswith(":0"):
                yield value, None
        elif name == "data":
            yield event_id, orjson.loads(value)


def test_agents_stream_at_once_and_clients_that_reconnect_miss_nothing(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    followed = [Followed(number) for number in range(STREAMS)]

    async def all_at_once() -> list[Any]:
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, limits=limits
        ) as client:
            await asyncio.gather(*(each.follow(client) for each in followed))
            answers = [await client.get(f"/tasks/{each.begun.partition(':')[0]}") for each in followed]
            return [answer.raise_for_status().json() for answer in answers]

    views = asyncio.run(all_at_once())
    for each, view in zip(followed, views, strict=True):
        assert (view["status"], view["result"]) == ("succeeded", "Done.")
        assert [content["step"] for _, content in each.events[:-1]] == view["steps"]
        assert [int(event_id.rpartition(":")[2]) for event_id, _ in each.events[:-1]] == [
            *range(1, len(view["steps"]) + 1)
        ]
        assert each.events[-1][1]["job"]["id"] == view["id"]
    assert len({view["id"] for view in views}) == STREAMS
    connections = sum(each.connections for each in followed)
    with capsys.disabled():
        sys.stdout.write(f"\n{STREAMS} agents streamed over {connections} connections\n")
    assert connections > STREAMS
