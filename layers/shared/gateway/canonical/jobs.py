"""Work that outlives its request: one job, whatever it makes. A job holds ids and facts, never content or credentials.

A job's end is decided once, by its `verdict`; money and notices follow from it, each harmless when repeated, and only
then does its status become terminal. An *attempt* is one submission to one provider: its ids are its own, so that what
an earlier attempt left behind is never taken for this one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.canonical.money import Charge, Hold, NanoUsd


class JobKind(StrEnum):
    """What a job makes."""

    VIDEO = "video"
    MODEL_3D = "3d"
    RESPONSE = "response"


class JobStatus(StrEnum):
    """What its owner sees (section 7 of the public contract)."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self in TERMINAL


TERMINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED})


class Phase(StrEnum):
    """The step that a job is at; each may be run twice.

    An `OPENING` job may have no hold yet. A `LATE` one is past its deadline, and looked at now and then.
    """

    OPENING = "opening"
    SUBMIT = "submit"
    AWAIT = "await"
    LATE = "late"
    MIRROR = "mirror"
    SETTLE = "settle"
    NOTIFY = "notify"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, in words that a client may see."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One submission, by one route of the order. `tries` counts how often it was sent without a known outcome.

    `handle` is the provider's own name of its task, once it has given one. `upload_id` is the multipart upload of the
    file that is being mirrored: what is to be gone on with, or aborted.
    """

    number: int
    route: int
    provider: str
    model: str
    tries: int = 0
    handle: str | None = None
    upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One file that a job made: an object of the media bucket, and what is known of it."""

    object_name: str
    mime_type: str
    size_bytes: int
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands. Times are epoch seconds.

    `order` is what was asked, as its kind reads it. `due_s` is when somebody should look whether the job has lost its
    execution. `run` counts executions: a step of an earlier one does nothing. `token` lets a callback wake the
    execution. `charge` is what is to be paid on success; `charged_nanousd` what was.
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
        """Names this attempt and no other."""
        return f"{self.job_id}-{self.attempt.number if self.attempt else 0}"

    @property
    def decided(self) -> bool:
        """Whether how the job ends is settled, although money and notices may still be on their way."""
        return self.verdict is not None
