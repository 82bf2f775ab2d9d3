"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

from nexevo_ai._models import Money, NexevoModel

# Shared.
from nexevo_ai.types.shared import AwaitedCall, RunError, Step


class DeliverableView(NexevoModel):
    """A task's result at one of its places; `delivered` is null while the delivery is on its way."""

    type: str
    target: Optional[str]
    content: Optional[str]
    metadata: dict[str, float]
    delivered: Optional[bool]
    delivery_error: Optional[str]


class PlanNode(NexevoModel):
    """A part of a task's plan."""

    id: str
    type: str
    goal: Optional[str]
    depends_on: list[str]
    tool: Optional[str] = None
    input: Any = None


class RunList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[RunSummary]
    has_more: bool
    next_cursor: Optional[str]


class RunSummary(NexevoModel):
    """A run in a list."""

    id: str
    task_id: str
    object: Union[Literal["agent.run", "task"], str]
    status: Union[Literal["awaiting_confirmation", "canceled", "failed", "pending", "running", "succeeded"], str]
    model: str
    created_at: int
    updated_at: int
    total_cost_usd: Optional[Money]
    error: Optional[RunError]


class Task(NexevoModel):
    """A task: a run with a plan and deliverables. A run of an agent that is asked for as a task has none of them."""

    id: str
    task_id: str
    object: Union[Literal["agent.run", "task"], str]
    status: Union[Literal["awaiting_confirmation", "canceled", "failed", "pending", "running", "succeeded"], str]
    model: str
    created_at: int
    updated_at: int
    total_cost_usd: Optional[Money]
    error: Optional[RunError]
    result: Optional[str]
    steps: list[Step]
    steps_used: int
    total_tokens_in: int
    total_tokens_out: int
    tools_not_offered: dict[str, str]
    awaiting: list[AwaitedCall]
    verifier_passed: Optional[bool] = None
    verifier_scores: Optional[dict[str, float]] = None
    goal: Optional[str] = None
    plan: Optional[TaskPlan] = None
    repair_rounds: Optional[int] = None
    deliverables: Optional[list[DeliverableView]] = None
    partial: Optional[bool] = None
    succeeded_node_ids: Optional[list[str]] = None
    failed_node_ids: Optional[list[str]] = None


class TaskPlan(NexevoModel):
    """The parts of a task, and which of them wait for which."""

    nodes: list[PlanNode]


DeliverableView.model_rebuild()
PlanNode.model_rebuild()
RunList.model_rebuild()
RunSummary.model_rebuild()
Task.model_rebuild()
TaskPlan.model_rebuild()
