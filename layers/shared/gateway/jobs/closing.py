"""Closes a decided job: money first, then the status that its owner sees. Each half is harmless when repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobStatus, Phase
from gateway.canonical.money import Charge, EntryKind, Failure, Settlement
from gateway.canonical.tries import SERVED, Tried, route_of
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock
from gateway.ports.money import Money

# What came of a route that did not end in the job's success: the job keeps no reasons.
FAILED = "failed"


class Closing:
    """Settles or releases a decided job's hold, and makes its status terminal."""

    def __init__(self, writer: JobWriter, money: Money, clock: Clock) -> None:
        self._writer = writer
        self._money = money
        self._clock = clock

    async def close(self, job: Job) -> Job:
        """Closes a decided job; returns it with its terminal status and cost. A job that is already closed is
        unchanged.
        """
        verdict = job.verdict
        if verdict is None:
            raise ValueError(f"{job.job_id} is not decided")
        if job.status.terminal:
            return job
        paid = await self._end_hold(job, verdict)

        def closed(standing: Job) -> Job:
            if standing.status.terminal:
                return standing
            progress = 100 if verdict is JobStatus.SUCCEEDED else standing.progress
            return replace(
                standing, status=verdict, phase=Phase.NOTIFY, progress=progress, charged_nanousd=paid, token=None
            )

        return await self._writer.change(job, closed)

    async def _end_hold(self, job: Job, verdict: JobStatus) -> int:
        """Ends the job's hold; returns the amount paid, as the ledger reports it: an earlier end of the hold stands."""
        if job.hold is None:
            return 0
        now_s = self._clock.now_s()
        if verdict is JobStatus.SUCCEEDED:
            return _paid(await self._money.settle(job.hold, charge(job), now_s))
        return _paid(await self._money.release(job.hold, now_s, failure(job)))


def charge(job: Job) -> Charge:
    """The charge for the job's success, by the route of its attempt."""
    if job.attempt is None:
        return job.charge
    *before, route = job.order["routes"][: job.attempt.route + 1]
    tries = [*(_tried(each, FAILED) for each in before), _tried(route, SERVED)]
    return replace(
        job.charge,
        cost_nanousd=route["cost_nanousd"],
        model_used=route["model"],
        route=route_of(tries, route["model"]),
    )


def failure(job: Job) -> Failure:
    """Describes a job that has failed, or was cancelled, for the log of its account."""
    ordered, tried = job.charge, () if job.attempt is None else job.order["routes"][: job.attempt.route + 1]
    model_used = tried[-1]["model"] if tried else None
    return Failure(
        request_id=ordered.request_id,
        generation_id=ordered.generation_id,
        model_requested=ordered.model_requested,
        model_used=model_used,
        user_id=ordered.user_id,
        org_id=ordered.org_id,
        route=route_of((_tried(each, FAILED) for each in tried), model_used or "") or None,
    )


def _tried(route: Mapping[str, Any], outcome: str) -> Tried:
    return Tried(route["model"], route["provider"], outcome, own_key=route.get("own_key", False))


def _paid(settlement: Settlement) -> int:
    return -sum(entry.amount_nanousd for entry in settlement.entries if entry.kind is EntryKind.CHARGE)
