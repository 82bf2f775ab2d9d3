"""The steps of a media job, as its state machine calls them. Any of them may run twice, or die halfway.

A step reads the job, does its part, and writes the result; its return value names the next step. A step of a replaced
execution, or of a deleted job, returns `over`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal, may_use
from gateway.auth.regions import ANYWHERE, within
from gateway.canonical.jobs import Attempt, Job, JobError, JobKind, JobStatus, Phase
from gateway.canonical.media import Done, Failed, Moved, Running, TaskState
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied, ServiceUnavailable, UpstreamError
from gateway.jobs.closing import Closing
from gateway.jobs.media.mirror import Mirroring, Refused
from gateway.jobs.media.order import route_of
from gateway.jobs.media.task_client import TaskClient
from gateway.jobs.writer import JobWriter
from gateway.pipeline.readmission import KEY_HASH, Readmission
from gateway.ports.clock import Clock
from gateway.ports.jobs import Executions, Jobs, Notices

if TYPE_CHECKING:
    # Jobs of pictures alone load it.
    from gateway.jobs.media.pictures import Painting

log = logging.getLogger(__name__)

# Tries without a known outcome, after which an attempt has failed.
SUBMIT_TRIES = 8
# How long a try of Await waits for a callback, in seconds; the pause before the next try, and poll, comes on top.
POLL_WAIT_S = 5
CALLBACK_WAIT_S = 60
# The longest pause between two tries of Await, as the state machine has it.
PAUSE_S = 25
# The interval of polls after the deadline: a late provider may still deliver, and bill.
LATE_POLL_S = 900
LATE_S = 24 * 3600
# Seconds beyond a step's own time after which a silent execution counts as dead.
GRACE_S = 30
SUBMIT_S = 90
# One attempt at pictures, which are made while it waits; the function of the steps lives for 900 s.
PAINT_S = 600
MIRROR_S = 90
NOTICE_S = 300
HOPS = 3

OVER = "over"
NEXT = {
    Phase.OPENING: OVER,
    Phase.SUBMIT: "submit",
    Phase.AWAIT: "await",
    # The reconciler restarts it when it is due.
    Phase.LATE: OVER,
    Phase.MIRROR: "mirror",
    Phase.SETTLE: "settle",
    Phase.NOTIFY: "settle",
    Phase.ENDED: OVER,
}


class ProviderBusy(Exception):
    """Reports that the provider cannot take the job now; the state machine's Retry uses this name."""


class MediaWork(Struct, frozen=True):
    """The dependencies of the steps; `painting` is asked for by jobs of pictures alone."""

    jobs: Jobs
    writer: JobWriter
    closing: Closing
    executions: Executions
    readmission: Readmission
    tasks: TaskClient
    mirroring: Mirroring
    notices: Notices
    clock: Clock
    painting: Callable[[], Painting]


class MediaSteps:
    """Runs one step of one media job at a time."""

    def __init__(self, work: MediaWork) -> None:
        self._work = work
        self._steps: Mapping[str, Callable[[Job, str], Awaitable[Job]]] = {
            "submit": self._submit,
            "await": self._await,
            "mirror": self._mirror,
            "settle": self._settle,
            "notify": self._notify,
        }

    async def run(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Runs one step, from `{step, job_id, run}` and, for Await, `token`; returns the next step."""
        job_id, run, token = event["job_id"], int(event["run"]), str(event.get("token", ""))
        job = await self._work.jobs.get(job_id)
        if job is None or job.run != run:
            answer = _answer(job_id, run, OVER, 1)
        else:
            job = await self._steps[event["step"]](job, token)
            answer = _answer(job_id, run, NEXT[job.phase], await self._wait_s(job))
        if token and answer["next"] != "await":
            await self._work.executions.wake(token, answer)
        return answer

    def _now_s(self) -> int:
        return int(self._work.clock.now_s())

    async def _wait_s(self, job: Job) -> int:
        awaits = job.attempt is not None and job.phase is Phase.AWAIT
        return CALLBACK_WAIT_S if awaits and await self._work.tasks.calls_back(job) else POLL_WAIT_S

    async def _submit(self, job: Job, _token: str) -> Job:
        """Submits the attempt to its provider; a final refusal moves the job to the next route."""
        while job.phase is Phase.SUBMIT and not job.decided:
            job = await self._begin(job)
            if job.decided or job.attempt is None:
                break
            judged = await self._judged(job, job.attempt)
            if judged is not job:
                job = judged
                continue
            try:
                job = await self._sent(job)
            except InvalidRequest as refusal:
                job = await self._give_way(job, JobError(refusal.code or "invalid_request", refusal.message))
            except UpstreamError as failure:
                log.warning("%s: the provider did not take it: %s", job.attempt_id, failure.code)
                if not failure.retryable or self._has_another_route(job):
                    job = await self._give_way(job, JobError(failure.code or "upstream_error", failure.message, True))
                    continue
                raise ProviderBusy(failure.message) from failure
        return job

    async def _sent(self, job: Job) -> Job:
        """The job once its provider has taken the attempt, or has made its pictures; raises the provider's refusal."""
        if job.kind is JobKind.IMAGE:
            return await self._painted(job)
        return await self._accepted(job, await self._work.tasks.submit(job))

    async def _painted(self, job: Job) -> Job:
        """The job with its pictures and its end, which are written together; pictures of a job that ended before are
        deleted.
        """
        from gateway.jobs.media.pictures import painted  # noqa: PLC0415  # jobs of pictures alone load it

        painting = self._work.painting()
        made = await painting.paint(job)
        if made is None:
            return await self._work.jobs.get(job.job_id) or job

        def ended(standing: Job) -> Job:
            if standing.decided or standing.attempt_id != job.attempt_id:
                return standing
            return replace(painted(standing, made), verdict=JobStatus.SUCCEEDED, phase=Phase.SETTLE)

        written = await self._work.writer.change(job, ended)
        if written.results != made.results:
            await painting.discard(made.results)
        return written

    async def _begin(self, job: Job) -> Job:
        """The job with its attempt, written before it is sent: after a crash, a repeat sends it under the same id."""

        def begun(standing: Job) -> Job:
            if standing.decided or standing.phase is not Phase.SUBMIT:
                return standing
            attempt = standing.attempt or _attempt(standing, number=1, route=0)
            paints = standing.kind is JobKind.IMAGE
            return replace(
                standing,
                attempt=replace(attempt, tries=attempt.tries + 1),
                status=JobStatus.RUNNING if paints else standing.status,
                due_s=self._now_s() + (PAINT_S if paints else SUBMIT_S) + GRACE_S,
            )

        return await self._work.writer.change(job, begun)

    async def _judged(self, job: Job, attempt: Attempt) -> Job:
        """Returns the job as it is if it may be sent, else on its next route or failed.

        Its caller is judged at each try.
        """
        if attempt.tries > SUBMIT_TRIES:
            return await self._give_way(job, JobError("upstream_error", "The provider did not take the job.", True))
        if KEY_HASH not in job.order:
            # An earlier release did not say whose it is.
            return job
        try:
            principal = await self._work.readmission.principal(job.account_id, job.order)
        except ServiceUnavailable:
            raise
        except GatewayError as refusal:
            return await self._work.writer.decide(job, JobStatus.FAILED, _error_of(refusal))
        region = None if principal.key.region_policy == ANYWHERE else await self._region(job)
        refused = _refused_route(job, principal, region)
        return job if refused is None else await self._give_way(job, _error_of(refused))

    async def _region(self, job: Job) -> str | None:
        """The region in which the attempt's provider is asked: the target's, or that of the credential."""
        route = route_of(job)
        if route.get("region") is not None:
            return str(route["region"])
        return await self._work.tasks.region(route["provider"])

    async def _accepted(self, job: Job, handle: str) -> Job:
        def accepted(standing: Job) -> Job:
            if standing.attempt is None or standing.attempt_id != job.attempt_id:
                return standing
            attempt = replace(standing.attempt, handle=handle)
            if standing.decided:
                return replace(standing, attempt=attempt)
            return replace(
                standing,
                attempt=attempt,
                phase=Phase.AWAIT,
                status=JobStatus.RUNNING,
                due_s=self._now_s() + POLL_WAIT_S + PAUSE_S + GRACE_S,
            )

        return await self._work.writer.change(job, accepted)

    def _has_another_route(self, job: Job) -> bool:
        return job.attempt is not None and job.attempt.route + 1 < len(job.order["routes"])

    async def _give_way(self, job: Job, error: JobError) -> Job:
        """The job on its next route under a new attempt, or its failure if no route is left."""
        if not self._has_another_route(job):
            return await self._work.writer.decide(job, JobStatus.FAILED, error)

        def turned(standing: Job) -> Job:
            if standing.decided or standing.attempt is None or standing.attempt_id != job.attempt_id:
                return standing
            following = _attempt(standing, number=standing.attempt.number + 1, route=standing.attempt.route + 1)
            return replace(standing, attempt=following, phase=Phase.SUBMIT, progress=None, results=())

        return await self._work.writer.change(job, turned)

    async def _await(self, job: Job, token: str) -> Job:
        """Polls the task once. A failed poll changes nothing; polls without a result do not end the job."""
        # The token is stored first, so that a callback or a cancellation can end the wait from here on.
        job = await self._work.writer.change(job, partial(self._waiting, token, await self._wait_s(job)))
        if job.decided or job.phase is not Phase.AWAIT:
            return job
        try:
            state = await self._state(job)
        except GatewayError as unheard:
            log.warning("%s: the poll failed: %s", job.attempt_id, unheard.code)
            return await self._late(job)
        match state:
            case Done():
                return await self._work.writer.change(job, self._arrived)
            case Failed(error):
                return await self._failed(job, error)
            case Running(progress):
                if progress is not None and progress != job.progress:
                    shown = max(progress, job.progress or 0)
                    job = await self._work.writer.change(job, lambda standing: replace(standing, progress=shown))
                return await self._late(job)
            case Moved():
                raise UpstreamError("The provider sends from one address to the next without an end.")

    def _waiting(self, token: str, wait_s: int, standing: Job) -> Job:
        if standing.decided or standing.phase is not Phase.AWAIT:
            return standing
        return replace(standing, token=token, due_s=self._now_s() + wait_s + PAUSE_S + GRACE_S)

    def _arrived(self, standing: Job) -> Job:
        if standing.decided or standing.phase is not Phase.AWAIT:
            return standing
        return replace(standing, phase=Phase.MIRROR, due_s=self._now_s() + MIRROR_S + GRACE_S)

    async def _failed(self, job: Job, error: JobError) -> Job:
        if error.retryable:
            return await self._give_way(job, error)
        return await self._work.writer.decide(job, JobStatus.FAILED, error)

    async def _late(self, job: Job) -> Job:
        """Polls a task beyond its deadline, while the hold stays; fails the job after `LATE_S`."""
        if self._now_s() < job.deadline_s:
            return job
        if self._now_s() >= job.deadline_s + LATE_S:
            error = JobError("deadline_exceeded", "The provider did not deliver in time.", True)
            return await self._work.writer.decide(job, JobStatus.FAILED, error)
        due_s = self._now_s() + LATE_POLL_S

        def late(standing: Job) -> Job:
            if standing.decided or standing.phase is not Phase.AWAIT:
                return standing
            return replace(standing, phase=Phase.LATE, due_s=due_s, token=None)

        return await self._work.writer.change(job, late)

    async def _state(self, job: Job) -> TaskState:
        state: TaskState = Moved(_handle(job))
        for _ in range(HOPS):
            if not isinstance(state, Moved):
                break
            state = await self._work.tasks.poll(job, state.handle)
        return state

    async def _mirror(self, job: Job, _token: str) -> Job:
        """Mirrors the files; asks the provider for their URLs again, because the URLs expire."""
        if job.decided or job.phase is not Phase.MIRROR:
            return job
        state = await self._state(job)
        match state:
            case Done(outputs):
                try:
                    job = await self._work.mirroring.bring(job, outputs)
                except Refused as refused:
                    await self._work.mirroring.clear(job)
                    return await self._give_way(job, JobError("invalid_output", str(refused), True))
                job = await self._work.writer.decide(job, JobStatus.SUCCEEDED)
                if job.verdict is not JobStatus.SUCCEEDED:
                    # The process that ended the job may have deleted files before the last one was stored.
                    await self._work.mirroring.clear(job)
                return job
            case Failed(error):
                await self._work.mirroring.clear(job)
                return await self._failed(job, error)
            case Running() | Moved():
                raise UpstreamError("The provider took back that the task is done.")

    async def _settle(self, job: Job, _token: str) -> Job:
        """Stops the task, deletes unneeded files, ends the money, then makes the status terminal."""
        if job.phase is Phase.ENDED:
            return job
        if job.verdict is not JobStatus.SUCCEEDED:
            await self._stop_task(job)
            await self._work.mirroring.clear(job)
        if job.kind is JobKind.IMAGE:
            await self._work.painting().forget(job)
        return await self._work.closing.close(job)

    async def _stop_task(self, job: Job) -> None:
        """Asks the provider to stop; if that fails, nothing changes for the customer."""
        if job.verdict is not JobStatus.CANCELED or job.attempt is None or job.attempt.handle is None:
            return
        try:
            await self._work.tasks.cancel(job)
        except GatewayError as error:
            log.warning("%s: the provider did not stop: %s", job.attempt_id, error.code)

    async def _notify(self, job: Job, _token: str) -> Job:
        """Queues the webhook; the job stays due until the webhook was delivered, so a lost notice is sent again."""
        if job.phase is not Phase.NOTIFY:
            return job
        if job.webhook_url is None:
            return await self._work.writer.change(job, lambda standing: replace(standing, phase=Phase.ENDED))
        due_s = self._now_s() + NOTICE_S
        job = await self._work.writer.change(job, lambda standing: replace(standing, due_s=due_s))
        await self._work.notices.put(job)
        return job


def _answer(job_id: str, run: int, following: str, wait_s: int) -> dict[str, Any]:
    return {"job_id": job_id, "run": run, "next": following, "wait_s": wait_s}


def _attempt(job: Job, *, number: int, route: int) -> Attempt:
    chosen = job.order["routes"][route]
    return Attempt(number=number, route=route, provider=chosen["provider"], model=chosen["upstream_model"])


def _handle(job: Job) -> str:
    if job.attempt is None or job.attempt.handle is None:
        raise ValueError(f"{job.job_id} has no task to ask for")
    return job.attempt.handle


def _refused_route(job: Job, principal: Principal, region: str | None) -> PermissionDenied | None:
    """The refusal of the attempt's route by the key's models or its region policy, as both are now."""
    route = route_of(job)
    if not may_use(principal.key, (job.model, route["model"])):
        return PermissionDenied(f"This API key may not use the model '{job.model}' any more.", param="model")
    if not within(principal.key.region_policy, route["provider"], region):
        message = f"The region policy of this API key leaves no provider of the model '{job.model}'."
        return PermissionDenied(message, param="model", code="region_not_allowed")
    return None


def _error_of(refusal: GatewayError) -> JobError:
    return JobError(refusal.code or "permission_error", refusal.message)
