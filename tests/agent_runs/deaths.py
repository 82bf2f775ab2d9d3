"""Campaign of deaths: runs and tasks whose processes die before or after any call of a port, until each has ended.

What a process leaves is found by the next one. At the end each run is judged: its steps are those of its script, each
side effect happened once, models were asked once for each answer that was kept, and the ledger's entries come to what
the run says that it cost. Planned, repaired and spawned work is among it, and the processes that deliver die too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gateway.agents.deliverables import NOT_KNOWN, Deliverables
from gateway.agents.journal import Journals
from gateway.agents.tools.tool import Arguments, Tool, Work
from gateway.jobs.writer import JobWriter
from gateway.ledger.money import parse_usd
from gateway.people.attempts import Attempts
from gateway.webhooks.posting import Posting
from tests.agent_runs.harness import RUN, TASKS, Place, call, kinds, say, scripted, with_tools
from tests.agent_runs.scenarios import (
    BAD,
    GOOD,
    aggregate,
    blamed,
    model,
    part,
    planned,
    planned_again,
    scored,
    spawn,
    spawning,
    told,
    uses,
)
from tests.fakes.people import MemoryPeople, Outbox
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.webhooks.conftest import Receiver

# No run makes so many calls of ports in one life.
LIFE_MAX = 90
DEATHS_MAX = 60
# Calls of models that one process may have running: two candidates of a plan, or two nodes.
AT_ONCE = 2


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
        # A connection that opens ahead of its request changes nothing.
        if not asyncio.iscoroutinefunction(found) or name == "warm":
            return found

        async def call(*given: Any, **named: Any) -> Any:
            self._life.step()
            answer = await found(*given, **named)
            self._life.step()
            return answer

        return call


class Asked:
    """The providers and the ring's records as they are, with counts of what was asked and of what was kept."""

    def __init__(self, upstream: Any, records: Any) -> None:
        self.bodies: Counter[bytes] = Counter()
        self.kept = 0
        self.upstream, self.records = upstream, records

    def counting(self, port: Any) -> Any:
        """The port, counted if it is one of the two."""
        if port is self.upstream:
            return _Counted(port, "send", lambda given: self.bodies.update([given[0].body]))
        if port is self.records:
            return _Counted(port, "finish", self._keep)
        return port

    def counted_in(self, life: Life) -> Callable[[Any], Any]:
        """Wraps the ports of one process."""
        return lambda port: life.wrap(self.counting(port))

    def _keep(self, _: Any) -> None:
        self.kept += 1

    @property
    def lost(self) -> int:
        """Answers of providers that no process kept."""
        return self.bodies.total() - self.kept


class _Counted:
    def __init__(self, port: Any, name: str, note: Any) -> None:
        self._port, self._name, self._note = port, name, note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._name:
            return found

        async def call(*given: Any, **named: Any) -> Any:
            self._note(given)
            return await found(*given, **named)

        return call


@dataclass
class Outside:
    """The world that side effects reach, which knows a repeat by its id."""

    effects: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    receiver: Receiver = field(default_factory=Receiver)
    outbox: Outbox = field(default_factory=Outbox)
    people: MemoryPeople = field(default_factory=MemoryPeople)
    records: MemoryWebhookRecords = field(default_factory=MemoryWebhookRecords)

    def tool(self, life: Life) -> Tool:
        """Builds a tool with a side effect, which fails where it is told to."""

        async def act(work: Work, arguments: Arguments) -> str:
            life.step()
            self.effects[work.call_id] = 1
            self.asked += 1
            life.step()
            return f"done: {arguments.get('what')}"

        parameters: Mapping[str, Any] = {"type": "object", "properties": {"what": {"type": "string"}}}
        return Tool("web_search", "Acts.", parameters, act, has_side_effect=True)

    def deliverables(self, home: Place, life: Life) -> Deliverables:
        """Builds the notifier's part of one process."""
        jobs = life.wrap(home.jobs)
        writer = JobWriter(jobs, home.clock)
        posting = Posting(life.wrap(self.records), life.wrap(self.receiver), home.clock)
        journals = Journals(jobs, writer, life.wrap(home.objects))
        attempts = Attempts(life.wrap(self.people), home.clock)
        return Deliverables(jobs, writer, journals, life.wrap(self.outbox), attempts, posting)


@dataclass(frozen=True)
class Story:
    """A run that is lived through: its request, and what it has to have come to."""

    path: str
    body: Mapping[str, Any]
    steps: Sequence[str]
    effects: int
    models: int
    places: int = 0
    # False where nodes run side by side, whose steps stand as they come.
    is_in_order: bool = True


CALLED = ("tool_call", "tool_result")
TURNS = (
    call("web_search", what="first"),
    {"calls": [call("memory_write", key="a", value="1"), call("web_search", what="second")]},
    call("memory_read", key="a"),
    say("Done."),
)
PLACES = (
    {"type": "webhook", "target": "https://customer.test/one"},
    {"type": "email", "target": "you@company.com"},
    {"type": "webhook", "target": "https://customer.test/two"},
)
# A memory without a value is refused, so the first round fails.
_ACT = uses("act", "web_search", what="now")
_FIRST = (_ACT, uses("write", "memory_write", key="a"), model("think"), aggregate("answer", "act", "write", "think"))
_SECOND = (
    _ACT,
    uses("write", "memory_write", key="a", value="1"),
    model("think"),
    aggregate("answer", "act", "write", "think"),
)
_TEXTS = told(part("Do think."), "A thought.") + told(part("Do answer."), "Done.")


def a_run(seed: int) -> Story:
    """A run of an agent: four answers, five calls."""
    body = {"task": f"Run {seed}. {scripted(*TURNS)}", "model": "gpt-4o", "wait": False}
    two_at_once = (*["tool_call"] * 2, *["tool_result"] * 2)
    return Story(RUN, body, (*CALLED, *two_at_once, *CALLED, "final_answer"), effects=2, models=4)


def a_plan(seed: int) -> Story:
    """A planned task that is repaired once, whose result goes to three places."""
    goal = f"Task {seed}. {scored(GOOD)} {planned(*_FIRST)} {planned_again(*_SECOND)} {blamed('write')} {_TEXTS}"
    calls = (*CALLED * 3, *["node_result"] * 2)
    # Two candidates of each plan, the thought, the cause, the answer, its scores.
    body = _task(goal, enable_planner=True, planner_n_candidates=2)
    steps = ("plan", "reflection", "plan", *calls, "verification", "final_answer")
    return Story(TASKS, body, steps, effects=1, models=8, places=3, is_in_order=False)


def a_repair(seed: int) -> Story:
    """A task without a plan, whose first answer is refused."""
    first = scripted(call("web_search", what="now"), say("Bad."), model="gpt-4o")
    better = scripted(say("Done."), about="'has to be mended'", model="gpt-4o")
    goal = f"Task {seed}. {first} {better} {scored(GOOD)} {scored(BAD, where='Bad.')} {blamed(cause='It is short.')}"
    steps = (*CALLED, "verification", "reflection", "verification", "final_answer")
    return Story(TASKS, _task(goal), steps, effects=1, models=6, places=3)


def a_family(seed: int) -> Story:
    """A run that has an agent of its own do a part."""
    task = f"Part {seed}. {spawning(call('web_search', what='now'), say('A part.'))}"
    body = {"task": f"Run {seed}. {spawning(spawn(task), say('Done.'))}", "model": "gpt-4o", "wait": False}
    steps = ("tool_call", *CALLED, "agent_answer", "tool_result", "final_answer")
    return Story(RUN, body, steps, effects=1, models=4)


def _task(goal: str, **members: Any) -> dict[str, Any]:
    bounds = {"model": "gpt-4o", "wait": False, "deadline_sec": 3600, "auto_repair_max_rounds": 1}
    return {"goal": goal, **bounds, "deliverables": list(PLACES), **members}


STORIES = (a_run, a_plan, a_repair, a_family)


@dataclass
class Lived:
    """Counts of what a run went through."""

    deaths: int = 0
    effects_asked: int = 0
    models_asked: int = 0
    models_lost: int = 0


async def lived_through(home: Place, seed: int) -> Lived:
    """Runs one run through its deaths and judges it."""
    random, outside, lived = Random(seed), Outside(), Lived()
    story = STORIES[seed % len(STORIES)](seed)
    asked = Asked(home.parts.upstream, home.parts.records)
    home.executions.held = True
    job_id = (await home.call("POST", story.path, story.body)).json["id"]

    async def waited(seconds: float) -> None:
        home.clock.ahead_s += seconds
        await asyncio.sleep(0)

    while not (await home.job(job_id)).status.terminal:
        life, lost = _life(random, lived), asked.lost
        tools = with_tools(outside.tool(life))
        engine = home.parts.engine(asked.counted_in(life), tools=tools, sleep=waited)
        if not await _died(life, lived, engine.run({"job_id": job_id, "run": 1}, home.clock.now_s() + 900)):
            # A process that lives keeps each answer that it asked for.
            assert asked.lost == lost
        assert asked.lost - lost <= AT_ONCE
        home.clock.ahead_s += 1
    await _delivered(home, job_id, random, lived, outside)
    lived.effects_asked, lived.models_asked, lived.models_lost = outside.asked, asked.bodies.total(), asked.lost
    assert (asked.kept, len(asked.bodies)) == (story.models, story.models)
    await _judge(home, job_id, story, outside)
    return lived


def _life(random: Random, lived: Lived) -> Life:
    return Life(random.randrange(1, LIFE_MAX) if lived.deaths < DEATHS_MAX else 10**9)


async def _died(life: Life, lived: Lived, work: Any) -> bool:
    """Has a process do its work until it dies, if it does."""
    try:
        await work
    except Died:
        lived.deaths += 1
        return True
    finally:
        life.dead = True
        assert lived.deaths <= DEATHS_MAX
    return False


async def _delivered(home: Place, job_id: str, random: Random, lived: Lived, outside: Outside) -> None:
    """Receives each message until it is done with, as the queue does; a message may have been put twice."""
    for told_id, place in [each for each in home.parts.queue.put if each[0] == job_id]:
        number, is_done = 0, False
        while not is_done:
            number += 1
            life = Life(random.randrange(1, 12) if number < 4 else 10**9)
            is_done = not await _died(life, lived, outside.deliverables(home, life).deliver(told_id, place, number))


async def _judge(home: Place, job_id: str, story: Story, outside: Outside) -> None:
    view = await home.get(job_id)
    assert (view["status"], view["result"]) == ("succeeded", "Done."), view
    found = kinds(view)
    assert found == list(story.steps) if story.is_in_order else Counter(found) == Counter(story.steps), found
    assert len(outside.effects) == story.effects
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(job_id) > 0
    assert (await home.look()).held_nanousd == 0
    if story.places:
        _judge_deliveries(view, job_id, outside)


def _judge_deliveries(view: Mapping[str, Any], job_id: str, outside: Outside) -> None:
    """Two webhooks are told under one id each, and the letter is sent once, or not at all where that is said."""
    assert {headers["webhook-id"] for _, headers, _ in outside.receiver.received} == {
        f"msg_{job_id}_0",
        f"msg_{job_id}_2",
    }
    bodies = [body["data"] for body in outside.receiver.bodies]
    assert all((body["content"], body["task_id"]) == ("Done.", job_id) for body in bodies)
    first, letter, second = view["deliverables"]
    assert first["delivered"] is second["delivered"] is True
    sent = len(outside.outbox.letters)
    if letter["delivered"] is None:
        assert (letter["delivery_error"], sent <= 1) == (NOT_KNOWN, True)
    else:
        assert (letter["delivered"], sent) == (True, 1)
