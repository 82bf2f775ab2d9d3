"""Jobs: work that outlives its request, the same for every kind. A job holds ids and facts, never content or
credentials.

A job's end is decided once, by its `verdict`. Money and notices follow from it, each harmless when repeated, and only
then does its status become terminal. An *attempt* is one submission to one provider. Its ids are its own, so results of
an earlier attempt are never mistaken for its results.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from gateway.canonical.money import Charge, Hold, NanoUsd


class JobKind(StrEnum):
    """Kinds of jobs, by their result."""

    VIDEO = "video"
    MODEL_3D = "3d"
    IMAGE = "image"
    RESPONSE = "response"
    AGENT = "agent"
    TASK = "task"


class JobStatus(StrEnum):
    """The status that the job's owner sees (section 7 of the public contract)."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """True if the status never changes again."""
        return self in TERMINAL


TERMINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED})


class Phase(StrEnum):
    """The step that a job is at; each may be run twice.

    An `OPENING` job may have no hold yet. A `LATE` one is past its deadline and polled rarely.
    """

    OPENING = "opening"
    SUBMIT = "submit"
    AWAIT = "await"
    LATE = "late"
    MIRROR = "mirror"
    SETTLE = "settle"
    NOTIFY = "notify"
    ENDED = "ended"


class JobError(Struct, frozen=True):
    """The reason why a job failed, in words that a client may see."""

    code: str
    message: str
    retryable: bool = False


class Attempt(Struct, frozen=True):
    """One submission, by one route of the order. `tries` counts the submissions without a known outcome.

    `handle` is the provider's name of its task, once there is one. `upload_id` is the multipart upload of the file that
    is being mirrored; it must be continued or aborted.
    """

    number: int
    route: int
    provider: str
    model: str
    tries: int = 0
    handle: str | None = None
    upload_id: str | None = None


class Result(Struct, frozen=True):
    """One file that a job made: an object of the media bucket and its properties."""

    object_name: str
    mime_type: str
    size_bytes: int
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None


class Job(Struct, frozen=True):
    """One job at one moment. Times are epoch seconds.

    `order` is the request in the form that the job's kind reads. `due_s` is the time at which the reconciler checks
    whether the job has lost its execution. `run` counts executions: a step of an earlier one does nothing. `token` lets
    a callback wake the execution. `charge` is the price on success; `charged_nanousd` is the amount charged.
    """

    job_id: str
    account_id: str
    key_id: str
    kind: JobKind
    model: str
    created_at_s: int
    updated_at_s: int
    deadline_s: int
    due_s: int
    order: Mapping[str, Any]
    charge: Charge
    version: int = 0
    run: int = 0
    phase: Phase = Phase.OPENING
    status: JobStatus = JobStatus.PENDING
    verdict: JobStatus | None = None
    progress: int | None = None
    hold: Hold | None = None
    attempt: Attempt | None = None
    token: str | None = None
    results: tuple[Result, ...] = ()
    error: JobError | None = None
    charged_nanousd: NanoUsd | None = None
    webhook_url: str | None = None
    public_url: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def attempt_id(self) -> str:
        """The id of the current attempt, unique across jobs."""
        return f"{self.job_id}-{self.attempt.number if self.attempt else 0}"

    @property
    def decided(self) -> bool:
        """True once the outcome is decided, although money and notices may still follow."""
        return self.verdict is not None
