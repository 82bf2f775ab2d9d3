"""Jobs, their executions and the notices of their end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from gateway.canonical.jobs import Job, JobKind


class Jobs(Protocol):
    """Jobs by id. Every read by id sees every write before it; lists may lag by a moment.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def add(self, job: Job) -> None:
        """Adds a new job; raises `Conflict` if its id exists."""

    async def get(self, job_id: str) -> Job | None: ...

    async def put(self, job: Job) -> Job | None:
        """Writes the job with its version raised; `None` if another write came first, and the job
        must be read again.
        """

    async def page(
        self,
        account_id: str,
        kinds: Collection[JobKind],
        *,
        limit: int,
        before: str | None = None,
        oldest_first: bool = False,
    ) -> Sequence[Job]:
        """The account's jobs of these kinds, newest first; with `before`, only ids that come after it in that order."""

    async def remove(self, job: Job) -> None:
        """Deletes the job, if it exists."""

    def due(self, now_s: float) -> AsyncIterator[Job]:
        """The jobs that have not ended and whose `due_s` is over, each as it stands."""


class Executions(Protocol):
    """Executions of the state machines. If they cannot be reached, a method raises `ServiceUnavailable`."""

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        """Starts the execution of that name; an existing one is left alone."""

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        """Stops the execution, if it runs."""

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        """Ends the wait of that token; a wait that is already over is left alone."""


class Notices(Protocol):
    """Queue of notices that a job has ended. If it cannot be reached, `put` raises `ServiceUnavailable`."""

    async def put(self, job: Job) -> None:
        """Queues the delivery to the job's webhook, at least once and with the same message id each time."""
