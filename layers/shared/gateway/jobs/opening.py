"""How a job begins: written down, held for, sent on its way. Whatever dies in between leaves nothing, or a whole job.

The job is written before its hold and names it, so that a job that died half open can be withdrawn with its hold. A job
whose execution could not be started is due like any that lost its own, and the reconciler starts it.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from gateway.canonical.jobs import Job, Phase
from gateway.canonical.money import Hold, NanoUsd, Refusal, Wanted
from gateway.errors import ServiceUnavailable
from gateway.idempotency import disown_hold
from gateway.job_ports import Executions, Jobs
from gateway.jobs.reconciling import START_S
from gateway.limits.windows import KEY_RPM_LIMIT
from gateway.ports import Clock, KeyRecord, Money

log = logging.getLogger(__name__)

PREFIX = "gen_"
# Beyond the 29 s that whoever opens it may live.
OPENING_S = 60
# A provider may deliver for a day after the job's deadline, which is looked at every 15 minutes: the hold is there for
# all of it, and an hour more, so that what comes last is still paid out of it (docs/adr/0009-jobs.md).
HOLD_GRACE_S = 25 * 3600
SLOW = "The job took too long to open; nothing was charged. Try again."


class Opening:
    """Opens jobs, and takes back what was not opened."""

    def __init__(self, jobs: Jobs, money: Money, executions: Executions, clock: Clock) -> None:
        self._jobs = jobs
        self._money = money
        self._executions = executions
        self._clock = clock

    async def open(self, job: Job, key: KeyRecord, amount_nanousd: NanoUsd) -> Job:
        """The job under way, with its hold; raises the account's refusal, after which there is no job."""
        job = replace(job, phase=Phase.OPENING, due_s=self._due_s(OPENING_S))
        await self._jobs.add(job)
        outcome = await self._money.admit(_wanted(job, key, amount_nanousd), self._clock.now_s())
        if isinstance(outcome, Refusal):
            await self._jobs.remove(job)
            raise outcome.error()
        hold = await self._parked(outcome.hold)
        opened = await self._jobs.put(replace(job, hold=hold, phase=Phase.SUBMIT, due_s=self._due_s(START_S)))
        if opened is None:
            # The reconciler took it for dead.
            await self.withdraw(job)
            raise ServiceUnavailable(SLOW)
        try:
            await self._executions.start(opened.kind, opened.job_id, opened.run)
        except ServiceUnavailable:
            log.exception("%s waits for the reconciler", opened.job_id)
        return opened

    async def withdraw(self, job: Job) -> None:
        """Undoes a job that was never opened: its hold, whether it was made or not, then the job."""
        await disown_hold(self._money, self._clock, job.account_id, hold_id_of(job.job_id))
        await self._jobs.remove(job)

    async def _parked(self, hold: Hold) -> Hold:
        """Out of its account's item, since it lives for minutes; where that fails it stays, and is only dearer."""
        try:
            return await self._money.park(hold)
        except ServiceUnavailable:
            return hold

    def _due_s(self, after_s: int) -> int:
        return int(self._clock.now_s()) + after_s


def hold_id_of(job_id: str) -> str:
    """The id of the hold that a job of this id has, or would have."""
    return job_id.removeprefix(PREFIX)


def _wanted(job: Job, key: KeyRecord, amount_nanousd: NanoUsd) -> Wanted:
    return Wanted(
        account_id=job.account_id,
        key_id=key.key_id,
        hold_id=hold_id_of(job.job_id),
        amount_nanousd=amount_nanousd,
        deadline_s=job.deadline_s + HOLD_GRACE_S,
        key_rpm_limit=KEY_RPM_LIMIT if key.rpm_limit is None else key.rpm_limit,
        spend_cap_nanousd=key.monthly_spend_cap_nanousd,
    )
