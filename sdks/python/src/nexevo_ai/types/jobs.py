"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

from nexevo_ai._models import Money, NexevoModel

# Shared.


class Job(NexevoModel):
    """A job of media."""

    id: str
    kind: str
    model: str
    model_used: str
    status: Union[Literal["canceled", "failed", "pending", "running", "succeeded"], str]
    progress: Optional[int]
    results: list[JobResult]
    charged_usd: Optional[Money]
    error: Optional[JobErrorView]
    created_at: str
    updated_at: str


class JobErrorView(NexevoModel):
    """Reason for which a job has failed."""

    code: str
    message: str
    retryable: bool


class JobList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Job]
    has_more: bool
    next_cursor: Optional[str]


class JobResult(NexevoModel):
    """A result; its URL is signed for 24 hours, and a later look signs it afresh."""

    url: Optional[str]
    b64_json: Optional[str]
    mime_type: str
    duration_ms: Optional[int]
    width: Optional[int]
    height: Optional[int]
    bytes: int


Job.model_rebuild()
JobErrorView.model_rebuild()
JobList.model_rebuild()
JobResult.model_rebuild()
