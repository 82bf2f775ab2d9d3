"""Place of an agent in a run: the run itself, or an agent that one of its calls spawned."""

from __future__ import annotations

from msgspec import Struct

from gateway.agents.journal import RunRecords
from gateway.agents.records import Record, Spawned, Spec
from gateway.agents.state import State


class Scope(Struct, frozen=True):
    """The run itself, or an agent within it: its request, and the calls that spawned it and those above it."""

    spec: Spec
    path: tuple[str, ...] = ()

    def state(self, run: RunRecords) -> State:
        """The state of this agent."""
        state = run.state
        for call in self.path:
            state = state.children.get(call, State())
        return state

    def written(self, record: Record) -> Record:
        """The record as the run's journal has it."""
        for call in reversed(self.path):
            record = Spawned(call, record)
        return record

    def named(self, part: str) -> str:
        """The name of a paid call or of a side effect of this agent."""
        return "/".join(("agent", *self.path, part)) if self.path else part
