"""One process's part of a run: does what `decide.py` says is next, and writes each result before the next is decided.

Calls of one answer, and nodes of one plan, run side by side; their results are written one after another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.agents import decide, prompt, reflect, verify
from gateway.agents import plan as plans
from gateway.agents.calls import Calls, Paid
from gateway.agents.decide import AskModel, AwaitConsent, Deliver, Note, Over, RunTools, Verify, next_action
from gateway.agents.graph import MakePlan, Reflect, RunNodes, filled_call, waiting_calls
from gateway.agents.journal import Canceled, Journals, RunRecords, holds
from gateway.agents.records import (
    Answered,
    Closed,
    Node,
    NodeRan,
    Plan,
    Planned,
    Ran,
    Record,
    Reflected,
    Sent,
    ToolCall,
    Verified,
)
from gateway.agents.scope import Scope
from gateway.agents.tools import spawn_agent
from gateway.agents.tools.run import ToolRunner, arguments_of, error_output
from gateway.agents.tools.tool import ToolRefused
from gateway.agents.views import CONSENT, LEFT_S
from gateway.canonical.jobs import Job, JobStatus
from gateway.errors import Conflict, GatewayError, RateLimited, RequestTimeout, ServiceUnavailable, UpstreamError
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Seconds that a step may take: a model's answer, and the writes around it. With less left, the next process goes on.
STEP_S = 150.0
# Failures of one step's call in a row before the run fails; waits for a rate window are bounded by the run's deadline.
TRIES = 4
WAIT_S_MAX = 30.0
# Processes that one run may use up: more means that a step kills each of them.
PROCESSES_MAX = 40
# Seconds that a run waits for its owner.
CONSENT_S = 24 * 3600
TOO_LATE = "The run came to its deadline."
KILLED = "The run was taken up {} times without coming to its end."
NEXT_AGAIN, NEXT_OVER = {"next": "again"}, {"next": "over"}
# Refusals of the key, the account or its balance: what is asked next would be refused too.
REFUSED = frozenset({401, 402, 403})


class TimeIsShort(Exception):
    """Reports that what is next is left to the next process."""


class DeliveryQueue(Protocol):
    """The queue of what is to be delivered."""

    async def put_deliverable(self, job_id: str, place: int) -> None:
        """Queues the delivery of a task's result to one of its places; raises `ServiceUnavailable`."""


class Process(Struct):
    """One process's part of a run. `run` is the run as it was written last; `lock` orders the writes.

    `is_over` is set once something had to be left to the next process.
    """

    name: str
    deadline_s: float
    run: RunRecords
    calls: Calls
    tools: ToolRunner
    writer: JobWriter
    journals: Journals
    clock: Clock
    queue: DeliveryQueue
    sleep: Callable[[float], Awaitable[None]]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_over: bool = False

    async def go_on(self) -> Mapping[str, Any]:
        """Does what is next until the run ends, waits for its owner, or the time is short."""
        try:
            while True:
                if self.run.job.decided:
                    raise Canceled
                told = await self._act()
                if told is not None:
                    return told
        except TimeIsShort:
            return NEXT_AGAIN

    async def _act(self) -> Mapping[str, Any] | None:
        """Does the next action; returns what the execution is to be told, if this process has done its part."""
        early = self._ending()
        match Note(early) if early is not None else self._next(self.run):
            case Over():
                return NEXT_OVER
            case AwaitConsent(calls=waiting):
                return await self._await_consent([call.id for call in waiting])
            case Note(record=record):
                await self._write(record)
            case _ if self._is_short():
                return NEXT_AGAIN
            case action:
                await self._do(action)
        return None

    async def _do(self, action: decide.Action) -> None:
        """Does what asks models or calls tools."""
        match action:
            case AskModel(step=step, may_call=may_call):
                await self._attempt(partial(self._ask, self._whole, step, may_call=may_call))
            case RunTools(step=step, calls=asked):
                await side_by_side([self._run_tool(self._whole, step, call) for call in asked])
            case MakePlan(round=number):
                await self._attempt(partial(self._plan, number))
            case RunNodes():
                await self._run_nodes()
            case Verify():
                await self._attempt(self._verify)
            case Reflect(round=number):
                await self._attempt(partial(self._reflect, number))
            case Deliver(step=step):
                await self._attempt(partial(self._deliver, step))

    @property
    def _whole(self) -> Scope:
        return Scope(self.run.spec)

    def _next(self, run: RunRecords) -> decide.Action:
        return next_action(run.spec, run.state, self.tools.side_effects(run.spec))

    def _ending(self) -> Closed | None:
        """The end of a run that is too late, or that has cost too many processes."""
        state, job = self.run.state, self.run.job
        if state.closed is not None:
            return None
        if job.attempt is not None and job.attempt.number > PROCESSES_MAX:
            message = KILLED.format(PROCESSES_MAX)
            return Closed(state.steps, decide.FAILED, state.content, "internal_error", message)
        if self.clock.now_s() >= job.deadline_s:
            return Closed(state.steps, decide.FAILED, state.content, "deadline_exceeded", TOO_LATE)
        return None

    @property
    def _must_stop(self) -> bool:
        """True where nothing more may begin in this process."""
        return self._is_short() or self.run.job.decided or self._ending() is not None

    def _is_short(self, wait_s: float = 0.0) -> bool:
        return self.is_over or self.deadline_s - self.clock.now_s() < STEP_S + wait_s

    async def _write(self, record: Record) -> None:
        """Writes the record, with those that follow from it alone: one write for a step and its consequences.

        Of a run that is cancelled meanwhile the record is written alone, since it has been paid.
        """
        async with self.lock:
            added = [record]
            while True:
                following = self._next(replace(self.run, records=(*self.run.records, *added)))
                if not isinstance(following, Note):
                    break
                added.append(following.record)
            try:
                self.run = await self.journals.append(self.run, added, process=self.name)
            except Canceled:
                if isinstance(record, Closed):
                    raise
                self.run = await self.journals.append(self.run, [record], process=self.name)

    async def _attempt(self, work: Callable[[], Awaitable[Record]]) -> None:
        """Writes the result of the work; work that cannot be done ends the run, whose partial result stays."""
        try:
            record = await work()
        except GatewayError as error:
            record = self._failed(error)
        await self._write(record)

    def _failed(self, error: GatewayError, scope: Scope | None = None) -> Closed:
        log.warning("%s failed: %s", self.run.job.job_id, error.code)
        state = (scope or self._whole).state(self.run)
        return Closed(state.steps, decide.FAILED, state.content, error.code or error.type, error.message)

    async def _paid(self, body: bytes, part: str) -> Paid:
        """The answer of a model."""
        return await self._tried(partial(self.calls.ask, "chat", body, part))

    async def _tried(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of work that is done again while another try may be spared what this one met."""
        failures = 0
        while True:
            try:
                return await work()
            except GatewayError as error:
                failures += not isinstance(error, RateLimited)
                if failures >= TRIES or not _may_pass(error):
                    raise
                wait_s = min(error.retry_after_s or 2.0**failures, WAIT_S_MAX)
                if self._is_short(wait_s):
                    self.is_over = True
                    raise TimeIsShort from error
                await self.sleep(wait_s)

    async def _ask(self, scope: Scope, step: int, *, may_call: bool) -> Answered:
        spec, state = scope.spec, scope.state(self.run)
        body = prompt.step_request(spec, state, self.tools.offered(spec), may_call=may_call)
        return prompt.answered(step, await self._paid(body, scope.named(f"step/{step}")), may_call=may_call)

    async def _verify(self) -> Verified:
        spec, state = self.run.spec, self.run.state
        paid = await self._paid(verify.request(spec, state), f"verify/{state.round}/{state.steps}")
        return verify.verified(state.steps, paid, spec.verifier_threshold)

    async def _run_tool(self, scope: Scope, step: int, call: ToolCall) -> None:
        """Runs one call and writes its result as soon as there is one, so that a death loses none that there is."""
        ran = await self._called(scope, step, call)
        if ran is not None:
            await self._write(scope.written(ran))

    async def _called(self, scope: Scope, step: int, call: ToolCall) -> Ran | None:
        """The result of a call; nothing of an agent that goes on in the next process."""
        if call.name == spawn_agent.NAME and call.name in {tool.name for tool in self.tools.offered(scope.spec)}:
            return await self._spawned(scope, step, call)
        within = replace(self.run, spec=scope.spec)
        ran = await self.tools.run(self.calls, within, step, replace(call, id=scope.named(call.id)))
        return replace(ran, call_id=call.id)

    async def _spawned(self, scope: Scope, step: int, call: ToolCall) -> Ran | None:
        """The answer of the agent that a call spawns, once it has ended."""
        key, state = f"{step}/{call.id}", scope.state(self.run)
        asked = [f"{step}/{each.id}" for each in state.pending if each.name == spawn_agent.NAME]
        asked += waiting_calls(state, spawn_agent.NAME)
        number = list(dict.fromkeys([*state.children, *asked, key])).index(key)
        try:
            spec = spawn_agent.child_spec(
                scope.spec, arguments_of(call), number, len(scope.path) + 1, self._forbidden()
            )
        except ToolRefused as refused:
            return Ran(step, call.id, call.name, error_output(str(refused)), failed=True)
        end = await self._lived(Scope(spec, (*scope.path, key)))
        if end is None:
            return None
        if end.status == decide.SUCCEEDED:
            return Ran(step, call.id, call.name, orjson.dumps({"answer": end.result}).decode())
        output = error_output(end.message or "The agent failed.")
        return Ran(step, call.id, call.name, output, failed=True)

    def _forbidden(self) -> frozenset[str]:
        """The tools that need the owner's consent, which an agent within the run cannot ask for."""
        spec = self.run.spec
        return self.tools.side_effects(spec) if spec.autonomy_level == decide.CONFIRM_CALLS else frozenset()

    async def _lived(self, scope: Scope) -> Closed | None:
        """The end of an agent within the run; nothing where the next process goes on with it."""
        while True:
            match next_action(scope.spec, scope.state(self.run)):
                case Over():
                    return scope.state(self.run).closed
                case Note(record=record):
                    await self._write(scope.written(record))
                case _ if self._must_stop:
                    return None
                case AskModel(step=step, may_call=may_call):
                    try:
                        record = await self._ask(scope, step, may_call=may_call)
                    except TimeIsShort:
                        return None
                    except GatewayError as error:
                        record = self._failed(error, scope)
                    await self._write(scope.written(record))
                case RunTools(step=step, calls=asked):
                    await side_by_side([self._run_tool(scope, step, call) for call in asked])
                case action:
                    raise AssertionError(f"an agent within a run does not {action}")

    async def _plan(self, number: int) -> Planned:
        """The best of the candidates; where none can be run, the plan before or the goal as one node."""
        spec, state = self.run.spec, self.run.state
        tools = self.tools.offered(spec)
        before = None
        if state.reflected is not None:
            before = {**reflect.outcome(state), "lesson": state.reflected.cause, "at_fault": state.reflected.blamed}
        asked = [
            self._candidate(plans.request(spec, tools, variant=each, before=before), f"plan/{number}/{each}")
            for each in range(spec.planner_n_candidates)
        ]
        found = await side_by_side(asked)
        best = plans.best([plan for plan, _ in found], {tool.name for tool in tools})
        return Planned(
            number,
            best or state.plan or plans.only(spec.task),
            sum(paid.tokens_in for _, paid in found),
            sum(paid.tokens_out for _, paid in found),
            sum(paid.cost_nanousd for _, paid in found),
        )

    async def _candidate(self, body: bytes, part: str) -> tuple[Plan | None, Paid]:
        """One candidate, which is missing where its planner fails; raises what would refuse every call."""
        try:
            paid = await self._paid(body, part)
        except GatewayError as error:
            if error.status in REFUSED:
                raise
            return None, Paid(b"")
        return plans.read(prompt.text_of(paid)), paid

    async def _reflect(self, number: int) -> Reflected:
        """The cause of the round's failure; unknown where the model that looks for it fails."""
        try:
            paid = await self._paid(reflect.request(self.run.spec, self.run.state), f"reflect/{number}")
        except GatewayError as error:
            if error.status in REFUSED:
                raise
            return Reflected(number, reflect.UNKNOWN)
        found, plan = reflect.reflected(number, paid), self.run.state.plan
        # A side effect that has happened is not made to happen again.
        acted = {
            node.id
            for node in (() if plan is None else plan.nodes)
            if node.tool in self.tools.side_effects(self.run.spec)
        }
        return replace(found, blamed=tuple(name for name in found.blamed if name not in acted))

    async def _deliver(self, step: int) -> Sent:
        """Queues the deliveries; one that is queued again after a death is known by its task and place."""
        for place in range(len(self.run.spec.deliverables)):
            await self._tried(partial(self.queue.put_deliverable, self.run.job.job_id, place))
        return Sent(step)

    async def _run_nodes(self) -> None:
        """Runs every node that is ready beside the others; one that another's result makes ready begins at once."""
        doing: dict[str, asyncio.Task[GatewayError | None]] = {}
        refused: GatewayError | None = None
        try:
            while True:
                for node in () if refused is not None else self._ready():
                    if node.id not in doing:
                        doing[node.id] = asyncio.ensure_future(self._run_node(node))
                waiting = [task for task in doing.values() if not task.done()]
                if not waiting:
                    break
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    refused = task.result() or refused
        finally:
            await _stopped(doing.values())
        if refused is not None:
            await self._write(self._failed(refused))

    def _ready(self) -> Sequence[Node]:
        if self._must_stop:
            return ()
        action = self._next(self.run)
        return action.nodes if isinstance(action, RunNodes) else ()

    async def _run_node(self, node: Node) -> GatewayError | None:
        """Writes the result of one node; returns what would refuse every other node too."""
        state, spec = self.run.state, self.run.spec
        if node.type == "tool_call":
            call = replace(filled_call(state, node), id=node.id)
            ran = await self._called(self._whole, state.round, call)
            if ran is not None:
                await self._write(NodeRan(node.id, ran, call.arguments))
            return None
        try:
            paid = await self._paid(prompt.node_request(spec, state, node), f"node/{state.round}/{node.id}")
        except TimeIsShort:
            # Raised out of here, it would stop the nodes beside this one in their calls, which may have side effects.
            return None
        except GatewayError as error:
            if error.status in REFUSED:
                return error
            await self._write(NodeRan(node.id, prompt.node_failed(state.round, node, error.message)))
            return None
        await self._write(NodeRan(node.id, prompt.node_ran(state.round, node, paid)))
        return None

    async def _await_consent(self, call_ids: list[str]) -> Mapping[str, Any]:
        """Leaves the run to its owner, and stops its time; the reconciler ends it a day later without a word."""
        now_s, held = int(self.clock.now_s()), self.run.job
        until_s = now_s + CONSENT_S

        def waiting(standing: Job) -> Job:
            if not holds(standing, held, self.name) or standing.decided:
                return standing
            metadata = {**standing.metadata, CONSENT: call_ids, LEFT_S: standing.deadline_s - now_s}
            return replace(standing, metadata=metadata, status=JobStatus.PENDING, deadline_s=until_s, due_s=until_s)

        job = await self.writer.change(held, waiting)
        if job.decided:
            raise Canceled
        return NEXT_OVER


async def side_by_side(works: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all, in their order; where one fails, the others are stopped."""
    doing = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*doing)
    finally:
        await _stopped(doing)


async def _stopped(tasks: Collection[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _may_pass(error: GatewayError) -> bool:
    """True for a failure that another try may be spared: load, time, the gateway's own stores."""
    if isinstance(error, UpstreamError):
        return error.retryable and error.should_retry is not False
    is_ours = error.status == GatewayError.status
    return is_ours or isinstance(error, RateLimited | ServiceUnavailable | RequestTimeout | Conflict)
