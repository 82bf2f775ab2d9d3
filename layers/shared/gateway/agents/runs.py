"""Runs for their owners: begin, read, wait, follow, list, confirm, cancel. The engine does the work."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents import views
from gateway.agents.journal import NOT_WAITING, PREFIX, REQUEST, Journals, RunRecords
from gateway.agents.records import Confirmed, Spec, written_spec
from gateway.auth.principal import Principal
from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.money import Charge, Tier
from gateway.errors import Conflict, GatewayError, NotFound, ServiceUnavailable
from gateway.jobs.cancel import TOO_LATE
from gateway.jobs.reconciler import START_S
from gateway.jobs.writer import JobWriter
from gateway.ledger.hold_ids import hold_id_at
from gateway.pipeline.readmission import KEY_HASH, SOURCE_IP
from gateway.ports.clock import Clock
from gateway.ports.jobs import Executions, Jobs
from gateway.ports.objects import Objects

log = logging.getLogger(__name__)

KINDS = (JobKind.AGENT, JobKind.TASK)
ID_PREFIX = "task_"
POLL_S = 0.4
UNKNOWN = "There is no run or task with the id '{}'."


class Asker(Struct, frozen=True):
    """The origin of a run's request, by which each of its calls is judged anew."""

    principal: Principal
    key_hash: str
    source_ip: str
    request_id: str


class Runs(Struct, frozen=True):
    """The runs of all accounts; each method is told whose it may see."""

    jobs: Jobs
    writer: JobWriter
    executions: Executions
    journals: Journals
    objects: Objects
    clock: Clock

    def new_id(self) -> str:
        """A new id, which sorts by its time."""
        return ID_PREFIX + hold_id_at(self.clock.now_s(), secrets.randbits(40))

    async def begin(self, job_id: str, kind: JobKind, spec: Spec, asker: Asker, *, limit_s: int) -> None:
        """Writes the run and starts its execution; one that could not be started is the reconciler's."""
        now_s = int(self.clock.now_s())
        prefix = f"responses/{secrets.token_hex(32)}"
        job = Job(
            job_id=job_id,
            account_id=asker.principal.account_id,
            key_id=asker.principal.key.key_id,
            kind=kind,
            model=spec.model,
            created_at_s=now_s,
            updated_at_s=now_s,
            deadline_s=now_s + limit_s,
            due_s=now_s + START_S,
            order={
                REQUEST: f"{prefix}/request",
                PREFIX: f"{prefix}/records",
                KEY_HASH: asker.key_hash,
                SOURCE_IP: asker.source_ip,
            },
            charge=Charge(0, asker.request_id, "", spec.model, "", Tier.PASSTHROUGH, ""),
            phase=Phase.SUBMIT,
            run=1,
        )
        await self.objects.put(job.order[REQUEST], written_spec(spec))
        await self.jobs.add(job)
        await self._start(job)

    async def withdraw(self, job_id: str) -> None:
        """Cancels a run whose owner was never told of it, if it was begun."""
        job = await self.jobs.get(job_id)
        if job is not None:
            await self.writer.decide(job, JobStatus.CANCELED)

    async def view(self, account_id: str, job_id: str) -> views.Json:
        """The run as JSON; raises `NotFound`."""
        run = await self._read(account_id, job_id)
        return views.job_view(run.job, run.spec, run.records)

    async def memory(self, account_id: str, job_id: str) -> Mapping[str, str]:
        """The memory of a run as it stands; raises `NotFound`."""
        return (await self._read(account_id, job_id)).state.memory

    async def page(self, account_id: str, limit: int, cursor: str | None) -> views.Json:
        """The account's runs and tasks, newest first."""
        found = await self.jobs.page(account_id, KINDS, limit=limit + 1, before=cursor)
        shown = found[:limit]
        has_more = len(found) > limit
        return {
            "object": "list",
            "data": [views.listed_view(job) for job in shown],
            "has_more": has_more,
            "next_cursor": shown[-1].job_id if has_more else None,
        }

    async def waited(self, account_id: str, job_id: str, until_s: float) -> views.Json:
        """The run once it has ended or waits for its owner, or as it stands at that time."""
        while True:
            job = await self._find(account_id, job_id)
            if job.status.terminal or views.waits(job) or self.clock.now_s() >= until_s:
                return await self.view(account_id, job_id)
            await asyncio.sleep(POLL_S)

    async def events(self, account_id: str, job_id: str, after: int) -> AsyncIterator[bytes]:
        """The events of the run's steps behind the first `after` ones as they come, and its end; raises `NotFound`."""
        run = await self._read(account_id, job_id)
        return self._events(run, after)

    async def confirm(self, account_id: str, job_id: str) -> views.Json:
        """Lets a task that waits for its owner go on; raises `Conflict` for one that does not wait."""
        run = await self._read(account_id, job_id)
        waiting = run.job.metadata.get(views.CONSENT)
        if waiting is None or run.job.decided:
            raise Conflict(NOT_WAITING, code="task_not_waiting", should_retry=False)
        now_s = int(self.clock.now_s())
        record = Confirmed(run.state.steps, tuple(waiting))
        started = await self.journals.consent(run, record, now_s=now_s, due_s=now_s + START_S)
        await self._start(started)
        return await self.view(account_id, job_id)

    async def cancel(self, account_id: str, job_id: str) -> views.Json:
        """Cancels the run; the step that is being done is its last. Raises `Conflict` for one that has ended."""
        job = await self._find(account_id, job_id)
        was_waiting = views.waits(job)
        decided, is_first = await self.writer.decide_first(job, JobStatus.CANCELED)
        if not is_first:
            raise Conflict(TOO_LATE, code="job_not_cancelable", should_retry=False)
        if was_waiting:
            await self._restart(decided)
        return await self.view(account_id, job_id)

    async def _restart(self, job: Job) -> None:
        """Has a process write the end of a run that none works on."""
        due_s = int(self.clock.now_s()) + START_S
        await self._start(
            await self.writer.change(
                job, lambda each: each if each.run != job.run else replace(each, run=job.run + 1, due_s=due_s)
            )
        )

    async def _start(self, job: Job) -> None:
        try:
            await self.executions.start(job.kind, job.job_id, job.run)
        except ServiceUnavailable:
            log.exception("%s waits for the reconciler", job.job_id)

    async def _events(self, run: RunRecords, after: int) -> AsyncIterator[bytes]:
        job_id, sent = run.job.job_id, after
        if not after:
            yield views.begun_event(job_id)
        while True:
            steps = views.steps_of(run.records)
            told = b"".join(views.step_events(job_id, steps, sent))
            sent = max(sent, len(steps))
            if told:
                yield told
            if run.job.status.terminal or views.waits(run.job):
                done = {"type": "done", "job": views.job_view(run.job, run.spec, run.records)}
                yield views.event(job_id, sent, done)
                return
            run = await self._changed(run)

    async def _changed(self, run: RunRecords) -> RunRecords:
        """The run once it has changed; a moment without the store is waited for."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                job = await self.jobs.get(run.job.job_id)
                if job is None:
                    raise _unknown(run.job.job_id)
                if job.version != run.job.version:
                    return replace(run, job=job, records=await self.journals.records(job))
            except ServiceUnavailable:
                log.warning("%s: the next look tells how it stands", run.job.job_id)

    async def _read(self, account_id: str, job_id: str) -> RunRecords:
        return await self.journals.read(await self._find(account_id, job_id))

    async def _find(self, account_id: str, job_id: str) -> Job:
        job = await self.jobs.get(job_id) if job_id.startswith(ID_PREFIX) else None
        if job is None or job.account_id != account_id or job.kind not in KINDS:
            raise _unknown(job_id)
        return job


def _unknown(job_id: str) -> GatewayError:
    return NotFound(UNKNOWN.format(job_id[:100]), code="task_not_found")
