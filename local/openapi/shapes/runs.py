"""Shapes of answers about runs of agents and tasks: their steps, plans and results."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from local.openapi.shapes.base import Json, Shape, Usd, listed

RunStatus = Literal["pending", "running", "succeeded", "failed", "canceled", "awaiting_confirmation"]


class Step(Shape, kw_only=True):
    """A step of a run; which members are set depends on its type."""

    type: str
    step: int
    tool_name: str | None
    tool_input: Any
    tool_output: Any
    content: str | None
    id: str | UnsetType = UNSET
    node_id: str | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    is_error: bool | UnsetType = UNSET
    passed: bool | UnsetType = UNSET
    failed_node_ids: list[str] | UnsetType = UNSET


class RunError(Shape, kw_only=True):
    """Reason for which a run has failed."""

    code: str
    message: str


class AwaitedCall(Shape, kw_only=True):
    """A call that waits for its owner's consent."""

    id: str
    tool_name: str
    tool_input: Any


class RunSummary(Shape, kw_only=True):
    """A run in a list."""

    id: str
    task_id: str
    object: Literal["agent.run", "task"]
    status: RunStatus
    model: str
    created_at: int
    updated_at: int
    total_cost_usd: Usd | None
    error: RunError | None


RunList = listed("RunList", RunSummary)


class Run(RunSummary, kw_only=True):
    """A run of an agent: its steps, and its result once it has ended."""

    result: str | None
    steps: list[Step]
    steps_used: int
    total_tokens_in: int
    total_tokens_out: int
    tools_not_offered: dict[str, str]
    awaiting: list[AwaitedCall]
    verifier_passed: bool | UnsetType | None = UNSET
    verifier_scores: dict[str, float] | UnsetType | None = UNSET


class PlanNode(Shape, kw_only=True):
    """A part of a task's plan."""

    id: str
    type: str
    goal: str | None
    depends_on: list[str]
    tool: str | UnsetType | None = UNSET
    input: Any | UnsetType = UNSET


class TaskPlan(Shape, kw_only=True):
    """The parts of a task, and which of them wait for which."""

    nodes: list[PlanNode]


class DeliverableView(Shape, kw_only=True):
    """A task's result at one of its places; `delivered` is null while the delivery is on its way."""

    type: str
    target: str | None
    content: str | None
    metadata: dict[str, float]
    delivered: bool | None
    delivery_error: str | None


class Task(Run, kw_only=True):
    """A task: a run with a plan and deliverables. A run of an agent that is asked for as a task has none of them."""

    goal: str | UnsetType = UNSET
    plan: TaskPlan | UnsetType = UNSET
    repair_rounds: int | UnsetType = UNSET
    deliverables: list[DeliverableView] | UnsetType = UNSET
    partial: bool | UnsetType = UNSET
    succeeded_node_ids: list[str] | UnsetType = UNSET
    failed_node_ids: list[str] | UnsetType = UNSET


class RunEvent(Shape, kw_only=True):
    """An event of a run's stream: a step, or the end with the whole run."""

    type: Literal["step", "done", "error"]
    step: Step | UnsetType = UNSET
    job: Run | UnsetType = UNSET
    error: Json | UnsetType = UNSET
