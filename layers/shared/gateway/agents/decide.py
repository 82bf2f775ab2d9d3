"""Decides the next action of a run from its state. No clock, no store, no provider: the engine does what it says."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from msgspec import Struct

from gateway.agents.records import Closed, Record, Spec, ToolCall, Warned
from gateway.agents.state import State

SUCCEEDED, FAILED, CANCELED = "succeeded", "failed", "canceled"
NO_ANSWER = "The model gave no answer within {} steps."
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


class Note(Struct, frozen=True):
    """Write a record that follows from the state alone."""

    record: Record


class AwaitConsent(Struct, frozen=True):
    """Wait for the owner: of the start, or of calls with side effects."""

    step: int
    calls: tuple[ToolCall, ...] = ()


class Over(Struct, frozen=True):
    """Do nothing: the run has ended."""


Action: TypeAlias = AskModel | RunTools | Verify | Note | AwaitConsent | Over


def next_action(spec: Spec, state: State, side_effects: Collection[str] = ()) -> Action:
    """The next action; `side_effects` names the tools whose calls change something outside."""
    if state.closed is not None:
        return Over()
    if spec.autonomy_level == CONFIRM_START and not state.started:
        return AwaitConsent(state.steps)
    if _is_over_budget(spec, state):
        return Note(Warned(state.steps, state.spent_nanousd, spec.max_cost_nanousd or 0))
    if state.pending:
        return _calls(spec, state, side_effects)
    if state.steps == 0 or _has_results(state):
        if state.steps < spec.max_steps:
            return AskModel(state.steps + 1, may_call=state.steps + 1 < spec.max_steps)
        return Note(_without_answer(spec, state))
    if not state.content:
        return Note(_without_answer(spec, state))
    if spec.enable_verifier and state.verified is None:
        return Verify(state.steps)
    return Note(Closed(state.steps, SUCCEEDED, state.content))


def _is_over_budget(spec: Spec, state: State) -> bool:
    return spec.max_cost_nanousd is not None and not state.warned and state.spent_nanousd > spec.max_cost_nanousd


def _calls(spec: Spec, state: State, side_effects: Collection[str]) -> Action:
    """The calls that may be run; those that need consent wait until all the others are done."""
    if spec.autonomy_level != CONFIRM_CALLS:
        return RunTools(state.steps, state.pending)
    free = tuple(call for call in state.pending if call.name not in side_effects or call.id in state.confirmed)
    return RunTools(state.steps, free) if free else AwaitConsent(state.steps, state.pending)


def _has_results(state: State) -> bool:
    return bool(state.turns) and state.turns[-1]["role"] == "tool"


def _without_answer(spec: Spec, state: State) -> Closed:
    return Closed(state.steps, FAILED, state.content, "no_answer", NO_ANSWER.format(spec.max_steps))
