"""Campaign of deaths: runs whose processes die before or after any call of a port, until each run has ended.

What a process leaves is found by the next one. At the end each run is judged: its steps are those of its script, each
side effect happened once, and the ledger's entries come to what the run says that it cost.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gateway.agents.tools.tool import Arguments, Tool, Work
from gateway.ledger.money import parse_usd
from tests.agent_runs.harness import RUN, Place, call, say, scripted, with_tools

# No run makes so many calls of ports in one life.
LIFE_MAX = 90
DEATHS_MAX = 60


class Died(BaseException):
    """The process has died: nothing after it runs, and no code may catch it."""


@dataclass
class Life:
    """One process: after so many calls of its ports it is dead, and no later call has an effect."""

    left: int
    dead: bool = False

    def wrap(self, port: Any) -> Any:
        """Wraps a port whose every call may be the last one."""
        return _Mortal(port, self)

    def step(self) -> None:
        """Lives through one more moment, or dies."""
        self.left -= 1
        if self.left < 0:
            self.dead = True
        if self.dead:
            raise Died


class _Mortal:
    def __init__(self, port: Any, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*given: Any, **named: Any) -> Any:
            self._life.step()
            answer = await found(*given, **named)
            self._life.step()
            return answer

        return call


@dataclass
class Outside:
    """The world that side effects reach, which knows a repeat by its id."""

    effects: Counter[str] = field(default_factory=Counter)
    asked: int = 0

    def tool(self, life: Life) -> Tool:
        """Builds a tool with a side effect."""

        async def act(work: Work, arguments: Arguments) -> str:
            life.step()
            self.effects[work.call_id] = 1
            self.asked += 1
            life.step()
            return f"done: {arguments.get('what')}"

        parameters: Mapping[str, Any] = {"type": "object", "properties": {"what": {"type": "string"}}}
        return Tool("web_search", "Acts.", parameters, act, has_side_effect=True)


TURNS = (
    call("web_search", what="first"),
    {"calls": [call("memory_write", key="a", value="1"), call("web_search", what="second")]},
    call("memory_read", key="a"),
    say("Done."),
)
STEPS = [
    "tool_call",
    "tool_result",
    *["tool_call"] * 2,
    *["tool_result"] * 2,
    "tool_call",
    "tool_result",
    "final_answer",
]


async def lived_through(home: Place, seed: int) -> tuple[int, int]:
    """Runs one run through its deaths and judges it; returns the deaths, and the requests for side effects."""
    random, outside, deaths = Random(seed), Outside(), 0
    home.executions.held = True
    body = {"task": f"Run {seed}. {scripted(*TURNS)}", "model": "gpt-4o", "wait": False}
    job_id = (await home.call("POST", RUN, body)).json["id"]

    async def waited(seconds: float) -> None:
        home.clock.ahead_s += seconds
        await asyncio.sleep(0)

    while not (await home.job(job_id)).status.terminal:
        life = Life(random.randrange(1, LIFE_MAX) if deaths < DEATHS_MAX else 10**9)
        rows = with_tools(outside.tool(life))
        engine = home.parts.engine(life.wrap, tools=rows, sleep=waited)
        try:
            await engine.run({"job_id": job_id, "run": 1}, home.clock.now_s() + 900)
        except Died:
            deaths += 1
        assert deaths <= DEATHS_MAX
        life.dead = True
        home.clock.ahead_s += 1
    await _judge(home, job_id, outside)
    return deaths, outside.asked


async def _judge(home: Place, job_id: str, outside: Outside) -> None:
    view = await home.get(job_id)
    assert (view["status"], view["result"]) == ("succeeded", "Done."), view
    assert [step["type"] for step in view["steps"]] == STEPS
    assert len(outside.effects) == 2
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(job_id) > 0
    assert (await home.look()).held_nanousd == 0
