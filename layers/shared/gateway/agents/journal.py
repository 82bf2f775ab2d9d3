"""Keeps a run's records: one document, written whole under a new name at each step; the job says which name counts.

The job's compare-and-set is the only write that counts: it names the new document, and the run's end with it. Only the
process that holds the job may make it, so a process that was overtaken can add nothing. The document before it is
deleted afterwards; what a death leaves is forgotten by the bucket.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents import records
from gateway.agents.records import Closed, Confirmed, Record, Spec
from gateway.agents.state import State, state_of
from gateway.agents.views import CONSENT, JOURNAL, LEFT_S, RECORDS
from gateway.canonical.jobs import Job, JobError, JobStatus, Phase
from gateway.errors import Conflict, GatewayError, NotFound, ServiceUnavailable
from gateway.jobs.writer import JobWriter
from gateway.ports.jobs import Jobs
from gateway.ports.objects import Objects

log = logging.getLogger(__name__)

# Members of a job's order: the object of its request, and the beginning of its journal's names.
REQUEST, PREFIX = "request", "prefix"
READ_TRIES = 5
NOT_WAITING = "The task waits for no confirmation."
GONE = "The records of '{}' are not kept any more."


class Overtaken(Exception):
    """Reports that another process has taken the run over; this one is to do nothing more."""


class Canceled(Exception):
    """Reports that the owner has cancelled the run: what is under way is its last."""


class RunRecords(Struct, frozen=True):
    """A run as it stands: its job, its request, its records."""

    job: Job
    spec: Spec
    records: tuple[Record, ...]

    @property
    def state(self) -> State:
        """The state that the records come to."""
        return state_of(self.records)


class Journals(Struct, frozen=True):
    """Reads and writes the journals of runs."""

    jobs: Jobs
    writer: JobWriter
    objects: Objects

    async def read(self, job: Job) -> RunRecords:
        """The run as it stands; raises `NotFound` once the bucket has forgotten it."""
        spec = records.read_spec(await self._must(job, job.order[REQUEST]))
        return RunRecords(job, spec, await self.records(job))

    async def records(self, job: Job) -> tuple[Record, ...]:
        """The records of the run. A journal that was just replaced is read under its new name."""
        standing = job
        for _ in range(READ_TRIES):
            name = standing.metadata.get(JOURNAL)
            if name is None:
                return ()
            document = await self.objects.get(name)
            if document is not None:
                return records.read(document)
            standing = await self.jobs.get(job.job_id) or standing
        raise _gone(job)

    async def append(self, run: RunRecords, more: Sequence[Record], *, process: str) -> RunRecords:
        """Adds records, and the end if one of them is it; raises `Overtaken` or `Canceled`, which leave nothing.

        Past a cancellation no other end than its own is added, but what was paid by then still is.
        """
        added = (*run.records, *more)
        name = self._new_name(run.job, added)
        await self.objects.put(name, records.written(added))
        end = next((each for each in more if isinstance(each, Closed)), None)
        is_refused_late = end is not None and end.status != JobStatus.CANCELED

        def appended(standing: Job) -> Job:
            if not holds(standing, run.job, process) or (standing.decided and is_refused_late):
                return standing
            metadata = {**standing.metadata, JOURNAL: name, RECORDS: len(added)}
            metadata.pop(CONSENT, None)
            changed = replace(standing, metadata=metadata)
            return changed if end is None else ended(changed, end, state_of(added))

        job = await self.writer.change(run.job, appended)
        if job.metadata.get(JOURNAL) != name:
            await self._forget(name)
            raise Canceled if job.decided and holds(job, run.job, process) else Overtaken
        await self._forget(run.job.metadata.get(JOURNAL))
        return RunRecords(job, run.spec, added)

    async def consent(self, run: RunRecords, record: Confirmed, *, now_s: int, due_s: int) -> Job:
        """Adds the owner's consent and has a new run go on, with the time that was left; raises `Conflict` if none is
        waited for.
        """
        added = (*run.records, record)
        name = self._new_name(run.job, added)
        await self.objects.put(name, records.written(added))

        def agreed(standing: Job) -> Job:
            if CONSENT not in standing.metadata or standing.decided or standing.run != run.job.run:
                return standing
            metadata = {**standing.metadata, JOURNAL: name, RECORDS: len(added)}
            del metadata[CONSENT]
            deadline_s = now_s + metadata.pop(LEFT_S)
            return replace(standing, metadata=metadata, run=standing.run + 1, deadline_s=deadline_s, due_s=due_s)

        job = await self.writer.change(run.job, agreed)
        if job.metadata.get(JOURNAL) != name:
            # What does not count is left to the bucket: those who answer callers may delete nothing.
            raise Conflict(NOT_WAITING, code="task_not_waiting", should_retry=False)
        return job

    def _new_name(self, job: Job, added: Sequence[Record]) -> str:
        return f"{job.order[PREFIX]}/{len(added):06d}-{secrets.token_hex(8)}"

    async def _must(self, job: Job, name: str) -> bytes:
        found = await self.objects.get(name)
        if found is None:
            raise _gone(job)
        return found

    async def _forget(self, name: str | None) -> None:
        """Deletes a document that does not count; the bucket forgets the ones that this misses."""
        if name is None:
            return
        try:
            await self.objects.delete(name)
        except ServiceUnavailable:
            log.warning("%s is left to the bucket", name)


def holds(standing: Job, held: Job, process: str) -> bool:
    """True while the process holds the job: no later run, and no later process of this run, has taken it."""
    attempt = standing.attempt
    return (
        standing.run == held.run and attempt is not None and attempt.handle == process and not standing.status.terminal
    )


def ended(job: Job, end: Closed, state: State) -> Job:
    """The job with its end; a verdict that was decided before stays."""
    verdict = job.verdict or JobStatus(end.status)
    error = None if end.code is None else JobError(end.code, end.message or end.code)
    return replace(
        job,
        verdict=verdict,
        status=verdict,
        phase=Phase.ENDED,
        error=error,
        progress=100 if verdict is JobStatus.SUCCEEDED else job.progress,
        charged_nanousd=state.spent_nanousd,
    )


def _gone(job: Job) -> GatewayError:
    return NotFound(GONE.format(job.job_id), code="task_not_found")
