"""Opens jobs: writes the job, makes its hold, starts its execution. A crash in between leaves nothing or a whole job.

The job is written before its hold and names it, so that a half-open job can be withdrawn with its hold. A job whose
execution could not be started is due like a job that lost its execution, and the reconciler starts it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.jobs import Job, Phase
from gateway.canonical.money import Hold, Refusal
from gateway.errors import ServiceUnavailable
from gateway.idempotency.ring import disown_hold
from gateway.jobs.reconciler import START_S
from gateway.pipeline.holding import Billable, make_hold
from gateway.pipeline.operation import Meter
from gateway.ports.clock import Clock
from gateway.ports.jobs import Executions, Jobs
from gateway.ports.money import Money

log = logging.getLogger(__name__)

Complete: TypeAlias = Callable[[Job], Awaitable[Job]]

PREFIX = "gen_"
# Longer than the 29 s that the opening function may live.
OPENING_S = 60
# A provider may deliver for a day after the job's deadline, which is polled every 15 minutes. The hold lasts all that
# time and an hour more, so that a late result is still paid from it (docs/adr/0009-jobs.md).
HOLD_GRACE_S = 25 * 3600
SLOW = "The job took too long to open; nothing was charged. Try again."


class Opening:
    """Opens jobs, and withdraws jobs that were not opened."""

    def __init__(self, jobs: Jobs, money: Money, executions: Executions, clock: Clock) -> None:
        self._jobs = jobs
        self._money = money
        self._executions = executions
        self._clock = clock

    async def open(self, job: Job, principal: Principal, meter: Meter, complete: Complete | None = None) -> Job:
        """Opens and starts the job with its hold; raises the account's refusal, which leaves no job.

        `complete` does what the job needs before it starts and what its request is to be admitted for first; what it
        raises leaves no job either.
        """
        job = replace(job, phase=Phase.OPENING, due_s=self._due_s(OPENING_S))
        await self._jobs.add(job)
        outcome = await make_hold(self._money, _billable(job, principal), meter, self._clock.now_s())
        if isinstance(outcome, Refusal):
            await self._jobs.remove(job)
            raise outcome.error()
        whole = await self._completed(job, complete)
        hold = await self._parked(outcome.hold)
        opened = await self._jobs.put(replace(whole, hold=hold, phase=Phase.SUBMIT, due_s=self._due_s(START_S)))
        if opened is None:
            # The reconciler withdrew it as dead.
            await self.withdraw(job)
            raise ServiceUnavailable(SLOW)
        try:
            await self._executions.start(opened.kind, opened.job_id, opened.run)
        except ServiceUnavailable:
            log.exception("%s waits for the reconciler", opened.job_id)
        return opened

    async def _completed(self, job: Job, complete: Complete | None) -> Job:
        if complete is None:
            return job
        try:
            return await complete(job)
        except BaseException:
            await self.withdraw(job)
            raise

    async def withdraw(self, job: Job) -> None:
        """Undoes a job that was never opened: its hold, if there is one, then the job."""
        await disown_hold(self._money, self._clock, job.account_id, hold_id_of(job.job_id))
        await self._jobs.remove(job)

    async def _parked(self, hold: Hold) -> Hold:
        """Parks the hold, because it lives for minutes; if that fails it stays in the account's item, which only costs
        more.
        """
        try:
            return await self._money.park(hold)
        except ServiceUnavailable:
            return hold

    def _due_s(self, after_s: int) -> int:
        return int(self._clock.now_s()) + after_s


def hold_id_of(job_id: str) -> str:
    """The id of the hold of a job with this id."""
    return job_id.removeprefix(PREFIX)


def _billable(job: Job, principal: Principal) -> Billable:
    return Billable(
        hold_id=hold_id_of(job.job_id),
        generation_id=job.charge.generation_id,
        request_id=job.charge.request_id,
        principal=principal,
        model_requested=job.model,
        hold_until_s=job.deadline_s + HOLD_GRACE_S,
        over_by_s=job.deadline_s,
    )
