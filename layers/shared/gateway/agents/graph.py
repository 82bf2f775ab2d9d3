"""Decides what a planned task does next: make a plan, run the nodes that are ready, or find out why some failed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents import plan as plans
from gateway.agents.records import Node, Plan, Spec, ToolCall
from gateway.agents.state import State


class MakePlan(Struct, frozen=True):
    """Have the goal split into nodes, in candidates of which the best is taken."""

    round: int


class RunNodes(Struct, frozen=True):
    """Run the nodes; one does not wait for another."""

    round: int
    nodes: tuple[Node, ...]


class AskOwner(Struct, frozen=True):
    """Ask the owner's consent to nodes with side effects."""

    nodes: tuple[Node, ...]


class Reflect(Struct, frozen=True):
    """Find out why the round failed."""

    round: int


class Answer(Struct, frozen=True):
    """Give the answer that there is; `failed` names the nodes without a result."""

    failed: tuple[str, ...] = ()


Decision: TypeAlias = MakePlan | RunNodes | AskOwner | Reflect | Answer


def next_decision(spec: Spec, state: State, side_effects: Collection[str]) -> Decision:
    """The next thing to do; `side_effects` names the tools that need the owner's consent."""
    plan = state.plan
    if plan is None:
        return MakePlan(0)
    if state.reflected is not None and state.reflected.round == state.round:
        return MakePlan(state.round + 1)
    runnable = plans.ready(plan, state.succeeded, state.nodes)
    free = tuple(node for node in runnable if not _needs_consent(node, state, side_effects))
    if free:
        return RunNodes(state.round, free)
    if runnable:
        return AskOwner(tuple(runnable))
    return _after_all(spec, state, plan)


def _after_all(spec: Spec, state: State, plan: Plan) -> Decision:
    """The decision once no node can run any more."""
    missing = tuple(node.id for node in plan.nodes if node.id not in state.succeeded)
    if not missing:
        return Answer()
    if state.round < spec.auto_repair_max_rounds:
        return Reflect(state.round)
    last = plans.final(plan)
    if (
        last.type != "tool_call"
        and last.id not in state.nodes
        and any(each in state.succeeded for each in last.depends_on)
    ):
        # The answer is made of what there is, and says what is missing.
        return RunNodes(state.round, (last,))
    return Answer(missing)


def _needs_consent(node: Node, state: State, side_effects: Collection[str]) -> bool:
    return node.tool in side_effects and node_call(state.round, node).id not in state.confirmed


def node_call(number: int, node: Node) -> ToolCall:
    """The call of a tool's node of a round, under the name by which its owner agrees to it."""
    return ToolCall(f"{number}/{node.id}", node.tool or "", node.input or "{}")


def waiting_calls(state: State, tool: str) -> list[str]:
    """The ids of the plan's calls of a tool that have no result in this round."""
    nodes = () if state.plan is None else state.plan.nodes
    waiting = [node for node in nodes if node.type == "tool_call" and node.id not in state.nodes]
    return [node_call(state.round, node).id for node in waiting if node.tool == tool]


def filled_call(state: State, node: Node) -> ToolCall:
    """The call of a tool's node that is ready, with the results that its arguments refer to."""
    outputs = {name: ran.output for name, ran in state.succeeded.items()}
    return replace(node_call(state.round, node), arguments=plans.filled(node, outputs))
