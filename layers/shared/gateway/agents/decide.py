"""Decides the next action of a run from its state. No clock, no store, no provider: the engine does what it says."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

import orjson
from msgspec import Struct

from gateway.agents.graph import Answer, AskOwner, MakePlan, Reflect, RunNodes, next_decision, node_call
from gateway.agents.records import Closed, Record, Spec, ToolCall, Warned
from gateway.agents.state import PARTIAL, State

SUCCEEDED, FAILED, CANCELED = "succeeded", "failed", "canceled"
NO_ANSWER = "The model gave no answer within {} steps."
NODES_FAILED = "Nodes of the plan failed: {}."
CONFIRM_START, CONFIRM_CALLS = "L1", "L2"


class AskModel(Struct, frozen=True):
    """Ask the model for its next turn; in the last step it may call no tool."""

    step: int
    may_call: bool


class RunTools(Struct, frozen=True):
    """Run the calls; one does not wait for another."""

    step: int
    calls: tuple[ToolCall, ...]


class Verify(Struct, frozen=True):
    """Have the answer scored."""

    step: int


class Deliver(Struct, frozen=True):
    """Put the result on its way to the places that it is to go to."""

    step: int


class Note(Struct, frozen=True):
    """Write a record that follows from the state alone."""

    record: Record


class AwaitConsent(Struct, frozen=True):
    """Wait for the owner: of the start, or of calls with side effects."""

    step: int
    calls: tuple[ToolCall, ...] = ()


class Over(Struct, frozen=True):
    """Do nothing: the run has ended."""


Action: TypeAlias = AskModel | RunTools | MakePlan | RunNodes | Verify | Reflect | Deliver | Note | AwaitConsent | Over


def next_action(spec: Spec, state: State, side_effects: Collection[str] = ()) -> Action:
    """The next action; `side_effects` names the tools whose calls change something outside."""
    if state.closed is not None:
        return Over()
    if spec.autonomy_level == CONFIRM_START and not state.started:
        return AwaitConsent(state.steps)
    if _is_over_budget(spec, state):
        return Note(Warned(state.steps, state.spent_nanousd, spec.max_cost_nanousd or 0))
    guarded = side_effects if spec.autonomy_level == CONFIRM_CALLS else ()
    if spec.enable_planner:
        return _planned(spec, state, guarded)
    if state.pending:
        return _calls(state, guarded)
    if state.steps == 0 or state.turns[-1]["role"] != "assistant":
        steps_max = spec.max_steps * (state.round + 1)
        if state.steps < steps_max:
            return AskModel(state.steps + 1, may_call=state.steps + 1 < steps_max)
        return Note(_without_answer(state))
    if not state.content:
        return Note(_without_answer(state))
    return _finish(spec, state, Closed(state.steps, SUCCEEDED, state.content))


def _planned(spec: Spec, state: State, guarded: Collection[str]) -> Action:
    match next_decision(spec, state, guarded):
        case Answer(failed=failed) if failed:
            message = NODES_FAILED.format(", ".join(failed))
            end = Closed(state.steps, FAILED, state.content, PARTIAL, message)
            return _finish(spec, state, end) if state.content else Note(end)
        case Answer():
            return _finish(spec, state, Closed(state.steps, SUCCEEDED, state.content))
        case AskOwner(nodes=nodes):
            return AwaitConsent(state.steps, tuple(node_call(state.round, node) for node in nodes))
        case decision:
            return decision


def _finish(spec: Spec, state: State, end: Closed) -> Action:
    """Scores an answer, has another round made where the scores are too low and one is left, and ends the run."""
    if spec.enable_verifier and state.verified is None:
        return Verify(state.steps)
    is_refused = state.verified is not None and not state.verified.passed
    if is_refused and state.round < spec.auto_repair_max_rounds:
        return Reflect(state.round)
    places = () if state.sent else delivery_calls(spec)
    if spec.autonomy_level == CONFIRM_CALLS and not state.confirmed.issuperset(call.id for call in places):
        return AwaitConsent(state.steps, places)
    return Deliver(state.steps) if places else Note(end)


def delivery_calls(spec: Spec) -> tuple[ToolCall, ...]:
    """The deliveries of the result, as its owner agrees to them."""
    return tuple(
        ToolCall(f"deliver/{place}", each.type, orjson.dumps({"target": each.target}).decode())
        for place, each in enumerate(spec.deliverables)
    )


def _is_over_budget(spec: Spec, state: State) -> bool:
    return spec.max_cost_nanousd is not None and not state.warned and state.spent_nanousd > spec.max_cost_nanousd


def _calls(state: State, guarded: Collection[str]) -> Action:
    """The calls that may be run; those that need consent wait until all the others are done."""
    free = tuple(call for call in state.pending if call.name not in guarded or call.id in state.confirmed)
    return RunTools(state.steps, free) if free else AwaitConsent(state.steps, state.pending)


def _without_answer(state: State) -> Closed:
    return Closed(state.steps, FAILED, state.content, "no_answer", NO_ANSWER.format(state.steps))
