"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

from nexevo_ai._models import Money, NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import AwaitedCall, RunError, Step


class Run(NexevoModel):
    """A run of an agent: its steps, and its result once it has ended."""

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


class RunEvent(NexevoModel):
    """An event of a run's stream: a step, or the end with the whole run."""

    type: Union[Literal["done", "error", "step"], str]
    step: Optional[Step] = None
    job: Optional[Run] = None
    error: Optional[Object] = None


Run.model_rebuild()
RunEvent.model_rebuild()
