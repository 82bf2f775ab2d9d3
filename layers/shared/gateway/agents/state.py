"""State of a run, folded from its records: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents import plan as plans
from gateway.agents.records import (
    NO_MEMBERS,
    Answered,
    Closed,
    Confirmed,
    Json,
    NodeRan,
    Plan,
    Planned,
    Ran,
    Record,
    Reflected,
    Sent,
    Spawned,
    ToolCall,
    Verified,
    Warned,
)
from gateway.canonical.money import NanoUsd

LESSON = "The answer above was judged and has to be mended: {} Use the results that you have, and answer anew."
# The code of a task whose result is made of a part of its plan.
PARTIAL = "nodes_failed"
NO_NODES: Mapping[str, Ran] = {}
NO_CHILDREN: Mapping[str, Any] = {}


class State(Struct, frozen=True):
    """A run at one moment.

    `turns` are the conversation behind the task. `pending` are the calls that have no result yet, in the model's order.
    `confirmed` names the calls that the owner agreed to; `started` is true once the owner agreed to the start.
    `round` counts repairs. `nodes` are the results of the plan's nodes, with those kept of earlier rounds.
    `reflected` says what was at fault in the last round. `children` are the agents that calls spawned.
    """

    steps: int = 0
    turns: tuple[Json, ...] = ()
    pending: tuple[ToolCall, ...] = ()
    content: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    spent_nanousd: NanoUsd = 0
    warned: bool = False
    started: bool = False
    confirmed: frozenset[str] = frozenset()
    memory: Mapping[str, str] = NO_MEMBERS
    shared: frozenset[str] = frozenset()
    verified: Verified | None = None
    plan: Plan | None = None
    round: int = 0
    nodes: Mapping[str, Ran] = NO_NODES
    reflected: Reflected | None = None
    sent: bool = False
    children: Mapping[str, State] = NO_CHILDREN
    closed: Closed | None = None

    @property
    def succeeded(self) -> dict[str, Ran]:
        """The results of the nodes that did not fail."""
        return {name: ran for name, ran in self.nodes.items() if not ran.failed}

    @property
    def is_deliverable(self) -> bool:
        """True once the run has ended with a result, in full or in part, that is to go to its places."""
        return self.sent and self.closed is not None and self.closed.code in {None, PARTIAL}


def state_of(records: Iterable[Record]) -> State:
    """The state that the records come to."""
    state = State()
    for record in records:
        state = after(record, state)
    return state


@singledispatch
def after(record: Record, state: State) -> State:
    """The state behind one more record."""
    raise NotImplementedError(f"{type(record).__name__} has no effect on a run: {state}")


@after.register
def _(record: Answered, state: State) -> State:
    return replace(
        _paid(state, record),
        steps=record.step,
        turns=(*state.turns, record.message),
        pending=record.calls,
        # Providers may give an id anew: consent was to the earlier call.
        confirmed=state.confirmed.difference(call.id for call in record.calls),
        content=record.content or state.content,
    )


@after.register
def _(record: Ran, state: State) -> State:
    turn = {"role": "tool", "tool_call_id": record.call_id, "content": record.output}
    return replace(
        _ran(state, record),
        turns=(*state.turns, turn),
        pending=tuple(call for call in state.pending if call.id != record.call_id),
    )


@after.register
def _(record: Planned, state: State) -> State:
    kept = NO_NODES
    if state.plan is not None:
        # The answer was at fault in every case, or there would be no new plan.
        blamed = {plans.final(state.plan).id, *(() if state.reflected is None else state.reflected.blamed)}
        good = {name: ran for name, ran in state.succeeded.items() if name not in blamed}
        kept = plans.reusable(state.plan, record.plan, good)
    return replace(_paid(state, record), plan=record.plan, round=record.round, nodes=kept, verified=None)


@after.register
def _(record: NodeRan, state: State) -> State:
    ran, plan = record.ran, state.plan
    is_answer = plan is not None and record.node_id == plans.final(plan).id and not ran.failed
    return replace(
        _ran(state, ran),
        steps=state.steps + 1,
        nodes={**state.nodes, record.node_id: ran},
        content=ran.output if is_answer else state.content,
    )


@after.register
def _(record: Reflected, state: State) -> State:
    state = replace(_paid(state, record), reflected=record)
    if state.plan is not None:
        return state
    turn = {"role": "user", "content": LESSON.format(record.cause)}
    return replace(state, round=record.round + 1, verified=None, turns=(*state.turns, turn))


@after.register
def _(_: Warned, state: State) -> State:
    return replace(state, warned=True)


@after.register
def _(record: Confirmed, state: State) -> State:
    return replace(
        state, started=state.started or not record.call_ids, confirmed=state.confirmed | set(record.call_ids)
    )


@after.register
def _(record: Verified, state: State) -> State:
    return replace(_paid(state, record), verified=record)


@after.register
def _(_: Sent, state: State) -> State:
    return replace(state, sent=True)


@after.register
def _(record: Spawned, state: State) -> State:
    """The agent's costs are the run's, and so are its memory and the paid calls that all calls share."""
    before = state.children.get(record.call, State())
    child = after(record.record, replace(before, memory=state.memory, shared=state.shared))
    return replace(
        state,
        children={**state.children, record.call: child},
        memory=child.memory,
        shared=child.shared,
        spent_nanousd=state.spent_nanousd + child.spent_nanousd - before.spent_nanousd,
        tokens_in=state.tokens_in + child.tokens_in - before.tokens_in,
        tokens_out=state.tokens_out + child.tokens_out - before.tokens_out,
    )


@after.register
def _(record: Closed, state: State) -> State:
    return replace(state, closed=record)


def _ran(state: State, record: Ran) -> State:
    """The state with the cost of a call's result, and with what it leaves in the memory of the run."""
    new = [paid for name, paid in record.shared.items() if name not in state.shared]
    state = _paid(state, record)
    return replace(
        state,
        spent_nanousd=state.spent_nanousd + sum(cost for cost, _, _ in new),
        tokens_in=state.tokens_in + sum(tokens for _, tokens, _ in new),
        tokens_out=state.tokens_out + sum(tokens for _, _, tokens in new),
        shared=state.shared | record.shared.keys(),
        memory={**state.memory, **record.remembered},
    )


def _paid(state: State, record: Answered | Ran | Verified | Planned | Reflected) -> State:
    return replace(
        state,
        tokens_in=state.tokens_in + record.tokens_in,
        tokens_out=state.tokens_out + record.tokens_out,
        spent_nanousd=state.spent_nanousd + record.cost_nanousd,
    )
