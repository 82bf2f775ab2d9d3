"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional, TypedDict

from nexevo_ai._request import Amount, RequestOptions

# Shared.


class DeliverableBodyParam(TypedDict, total=False):
    """One place that a task's result goes to."""

    type: Literal["email", "webhook"]
    target: str


class TasksSubmitParams(RequestOptions, total=False):
    """Arguments of `tasks.submit`."""

    model: str
    tools: Optional[Sequence[str]]
    deliverables: Sequence[DeliverableBodyParam]
    budget_usd: Optional[Amount]
    deadline_sec: int
    wait: bool
    enable_planner: bool
    planner_model: str
    planner_n_candidates: int
    auto_repair_max_rounds: int
    autonomy_level: Literal["L1", "L2", "L3"]
    max_steps: int
    rag_documents: Sequence[str]


class TasksListParams(RequestOptions, total=False):
    """Arguments of `tasks.list`."""

    limit: int
    cursor: Optional[str]


class TasksGetParams(RequestOptions, total=False):
    """Arguments of `tasks.get`."""


class TasksConfirmParams(RequestOptions, total=False):
    """Arguments of `tasks.confirm`."""


class TasksCancelParams(RequestOptions, total=False):
    """Arguments of `tasks.cancel`."""
