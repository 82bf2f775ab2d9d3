"""Shapes of a run as its owner sees it: the job, its steps, and the events of a stream (section 8 of the contract)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from gateway.agents.decide import delivery_calls
from gateway.agents.graph import filled_call, node_call
from gateway.agents.records import (
    Answered,
    Closed,
    NodeRan,
    Plan,
    Planned,
    Ran,
    Record,
    Reflected,
    Spawned,
    Spec,
    Verified,
    Warned,
    read_arguments,
)
from gateway.agents.state import State, state_of
from gateway.canonical.jobs import Job, JobKind, JobStatus
from gateway.ledger.money import format_usd

Json = dict[str, Any]

# Members of a job's metadata: the journal's object and how many records it has; the calls that a waiting run waits for,
# and the seconds that it has left when it goes on.
JOURNAL, RECORDS, CONSENT, LEFT_S = "journal", "records", "consent", "left_s"
AWAITS = "awaiting_confirmation"
ONLY_NODE = "n1"
# Member of a task's metadata: the state of the delivery to each of its places.
DELIVERIES = "deliveries"
NOT_DELIVERED = "The task came to no result that is delivered."
BUDGET = "The run has cost {} USD, above its soft limit of {} USD; it goes on."


def steps_of(records: Sequence[Record]) -> list[Json]:
    """The steps that the records tell of, in order; a step's place in the list never changes."""
    return [step for record in records for step in _steps(record)]


def job_view(job: Job, spec: Spec, records: Sequence[Record]) -> Json:
    """A run as JSON; a task has the members of its plan and its deliverables too."""
    state = state_of(records)
    status = _status(job)
    view: Json = {
        "id": job.job_id,
        "task_id": job.job_id,
        "object": "agent.run" if job.kind is JobKind.AGENT else "task",
        "status": status,
        "model": job.model,
        "created_at": job.created_at_s,
        "updated_at": job.updated_at_s,
        "result": _result(state, job),
        "steps": steps_of(records),
        "steps_used": state.steps,
        "total_tokens_in": state.tokens_in,
        "total_tokens_out": state.tokens_out,
        "total_cost_usd": format_usd(state.spent_nanousd),
        "tools_not_offered": dict(spec.not_offered),
        "awaiting": awaited(spec, state, job),
        "error": None if job.error is None else {"code": job.error.code, "message": job.error.message},
    }
    if spec.enable_verifier:
        view |= verified_view(state)
    if job.kind is JobKind.TASK:
        view |= task_view(spec, state, job)
    return view


def awaited(spec: Spec, state: State, job: Job) -> list[Json]:
    """The calls that a waiting run waits for its owner's consent to; none where it waits to start."""
    names = job.metadata.get(CONSENT) if waits(job) else None
    calls = {call.id: call for call in state.pending}
    calls |= {call.id: call for call in delivery_calls(spec)}
    if names and state.plan is not None:
        # Consent is to what is sent, so it shows what strangers' results have put into the arguments.
        asked = [node for node in state.plan.nodes if node_call(state.round, node).id in names]
        calls |= {call.id: call for call in (filled_call(state, node) for node in asked)}
    return [
        {"id": call.id, "tool_name": call.name, "tool_input": _input(call.arguments)}
        for call in map(calls.__getitem__, names or ())
    ]


def listed_view(job: Job) -> Json:
    """A run in a list: what is known without its journal."""
    return {
        "id": job.job_id,
        "task_id": job.job_id,
        "object": "agent.run" if job.kind is JobKind.AGENT else "task",
        "status": _status(job),
        "model": job.model,
        "created_at": job.created_at_s,
        "updated_at": job.updated_at_s,
        "total_cost_usd": None if job.charged_nanousd is None else format_usd(job.charged_nanousd),
        "error": None if job.error is None else {"code": job.error.code, "message": job.error.message},
    }


def verified_view(state: State) -> Json:
    """The verdict on the answer, null where there is none yet."""
    scored = state.verified
    return {
        "verifier_passed": None if scored is None else scored.passed,
        "verifier_scores": None if scored is None else dict(scored.scores),
    }


def delivered_view(job: Job, spec: Spec, records: Sequence[Record]) -> Json:
    """A task's result as its places are given it."""
    state = state_of(records)
    whole = task_view(spec, state, job)
    return {
        "object": "task.deliverable",
        "task_id": job.job_id,
        "status": _status(job),
        "content": state.content,
        "metadata": _scores(state),
        **{name: whole[name] for name in ("goal", "partial", "succeeded_node_ids", "failed_node_ids")},
    }


def task_view(spec: Spec, state: State, job: Job) -> Json:
    """The members of a task beside those of a run. A task without a planner is a plan of one node, which is the run.

    Once it has ended each node of the plan has succeeded or failed; one that could not begin has failed.
    """
    ended, status = state.closed is not None, _status(job)
    succeeded = _succeeded(spec, state, status)
    nodes = _nodes(spec, state)
    failed = [node["id"] for node in nodes if node["id"] not in succeeded]
    return {
        "goal": spec.task,
        "plan": {"nodes": nodes},
        "repair_rounds": state.round,
        "deliverables": _deliverables(spec, state, job) if ended else [],
        "partial": ended and status != JobStatus.SUCCEEDED.value and bool(state.content is not None or succeeded),
        "succeeded_node_ids": succeeded,
        "failed_node_ids": failed if ended else [name for name in failed if name in state.nodes],
    }


def _succeeded(spec: Spec, state: State, status: str) -> list[str]:
    if not spec.enable_planner:
        return [ONLY_NODE] if status == JobStatus.SUCCEEDED.value else []
    nodes = () if state.plan is None else state.plan.nodes
    return [node.id for node in nodes if node.id in state.succeeded]


def _nodes(spec: Spec, state: State) -> list[Json]:
    if not spec.enable_planner:
        return [{"id": ONLY_NODE, "type": "model", "goal": spec.task, "depends_on": []}]
    return [] if state.plan is None else _plan_view(state.plan)


def _plan_view(plan: Plan) -> list[Json]:
    return [
        {
            "id": node.id,
            "type": node.type,
            "goal": node.goal,
            "tool": node.tool,
            "input": None if node.input is None else _input(node.input),
            "depends_on": list(node.depends_on),
        }
        for node in plan.nodes
    ]


def _deliverables(spec: Spec, state: State, job: Job) -> list[Json]:
    """The result for each place that it was to go to; one for the answer alone where none was named.

    `delivered` is null while the delivery is on its way, and where it is not known what became of it.
    """
    content = {"content": state.content, "metadata": _scores(state)}
    if not spec.deliverables:
        return [{"type": "text", "target": None, **content, "delivered": None, "delivery_error": None}]
    return [
        {"type": each.type, "target": each.target, **content, **_delivery(state, job, place)}
        for place, each in enumerate(spec.deliverables)
    ]


def _delivery(state: State, job: Job, place: int) -> Json:
    if not state.is_deliverable:
        return {"delivered": False, "delivery_error": NOT_DELIVERED}
    noted = job.metadata.get(DELIVERIES, {}).get(str(place), {})
    return {
        "delivered": {"sent": True, "failed": False}.get(noted.get("state")),
        "delivery_error": noted.get("error"),
    }


def _scores(state: State) -> dict[str, float]:
    return {} if state.verified is None else dict(state.verified.scores)


def step_events(job_id: str, steps: Sequence[Json], after: int) -> Iterator[bytes]:
    """The events of the steps behind the first `after` ones, each with its id."""
    for number, step in enumerate(steps[after:], after + 1):
        yield event(job_id, number, {"type": "step", "step": step})


def event(job_id: str, number: int, content: Json) -> bytes:
    """One event of a run's stream. Its id says after how many steps a client that lost the stream goes on."""
    return b"id: %b:%d\ndata: %b\n\n" % (job_id.encode(), number, orjson.dumps(content))


def begun_event(job_id: str) -> bytes:
    """Tells the id of the run before its first step; browsers and SDKs note the id and raise no event."""
    return b"id: %b:0\n\n" % job_id.encode()


def waits(job: Job) -> bool:
    """True for a run that goes on only with its owner's consent."""
    return job.metadata.get(CONSENT) is not None and not job.decided


def _status(job: Job) -> str:
    """The owner's status: a cancelled run is so at once, and one that waits for its owner says so."""
    if job.verdict is JobStatus.CANCELED:
        return JobStatus.CANCELED.value
    return AWAITS if waits(job) else job.status.value


def _result(state: State, job: Job) -> str | None:
    if state.closed is not None:
        return state.closed.result
    return state.content if job.decided else None


def _steps(record: Record) -> Iterator[Json]:
    match record:
        case Answered(step=step, content=content, calls=calls):
            for call in calls:
                yield _step(
                    step,
                    "tool_call",
                    tool_name=call.name,
                    tool_input=_input(call.arguments),
                    content=content or None,
                    id=call.id,
                )
        case Ran(step=step, call_id=call_id, name=name, output=output, failed=failed):
            yield _step(step, "tool_result", tool_name=name, tool_output=output, id=call_id, is_error=failed)
        case Warned(step=step, spent_nanousd=spent, limit_nanousd=limit):
            yield _step(step, "budget_warning", content=BUDGET.format(format_usd(spent), format_usd(limit)))
        case Closed(step=step, status=JobStatus.SUCCEEDED, result=result):
            yield _step(step, "final_answer", content=result)
        case Verified(step=step, scores=scores, passed=passed):
            yield _step(step, "verification", tool_output=dict(scores), passed=passed)
        case _:
            yield from _task_steps(record)


def _task_steps(record: Record) -> Iterator[Json]:
    match record:
        case NodeRan():
            yield from _node_steps(record)
        case Spawned(call=call, record=within):
            yield from _agent_steps(call, within)
        case Planned(round=number, plan=plan):
            yield _step(number, "plan", tool_output={"nodes": _plan_view(plan)})
        case Reflected(round=number, cause=cause, blamed=blamed):
            yield _step(number, "reflection", content=cause, failed_node_ids=list(blamed))


def _agent_steps(call: str, record: Record) -> Iterator[Json]:
    """The steps of an agent that a call spawned; its answer is not that of the run."""
    for step in _steps(record):
        kind = "agent_answer" if step["type"] == "final_answer" else step["type"]
        yield {**step, "type": kind, "agent": f"{call}/{step['agent']}" if "agent" in step else call}


def _node_steps(record: NodeRan) -> Iterator[Json]:
    ran, node_id = record.ran, record.node_id
    if not ran.name:
        yield _step(ran.step, "node_result", content=ran.output, node_id=node_id, is_error=ran.failed)
        return
    yield _step(ran.step, "tool_call", tool_name=ran.name, tool_input=_input(record.arguments), node_id=node_id)
    yield _step(
        ran.step, "tool_result", tool_name=ran.name, tool_output=ran.output, node_id=node_id, is_error=ran.failed
    )


def _step(number: int, kind: str, **members: Any) -> Json:
    return {
        "type": kind,
        "step": number,
        "tool_name": None,
        "tool_input": None,
        "tool_output": None,
        "content": None,
    } | members


def _input(arguments: str) -> Any:
    """The arguments as JSON, or as the text that the model wrote where they are none."""
    try:
        return read_arguments(arguments)
    except ValueError:
        return arguments
