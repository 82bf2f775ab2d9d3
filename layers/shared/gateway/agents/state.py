"""State of a run, folded from its records: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents.records import (
    NO_MEMBERS,
    Answered,
    Closed,
    Confirmed,
    Json,
    Ran,
    Record,
    ToolCall,
    Verified,
    Warned,
)
from gateway.canonical.money import NanoUsd


class State(Struct, frozen=True):
    """A run at one moment.

    `turns` are the conversation behind the task. `pending` are the calls that have no result yet, in the model's order.
    `confirmed` names the calls that the owner agreed to; `started` is true once the owner agreed to the start.
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
    closed: Closed | None = None


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
        content=record.content or state.content,
    )


@after.register
def _(record: Ran, state: State) -> State:
    turn = {"role": "tool", "tool_call_id": record.call_id, "content": record.output}
    new = [paid for name, paid in record.shared.items() if name not in state.shared]
    state = _paid(state, record)
    return replace(
        state,
        spent_nanousd=state.spent_nanousd + sum(cost for cost, _, _ in new),
        tokens_in=state.tokens_in + sum(tokens for _, tokens, _ in new),
        tokens_out=state.tokens_out + sum(tokens for _, _, tokens in new),
        shared=state.shared | record.shared.keys(),
        turns=(*state.turns, turn),
        pending=tuple(call for call in state.pending if call.id != record.call_id),
        memory={**state.memory, **record.remembered},
    )


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
def _(record: Closed, state: State) -> State:
    return replace(state, closed=record)


def _paid(state: State, record: Answered | Ran | Verified) -> State:
    return replace(
        state,
        tokens_in=state.tokens_in + record.tokens_in,
        tokens_out=state.tokens_out + record.tokens_out,
        spent_nanousd=state.spent_nanousd + record.cost_nanousd,
    )
