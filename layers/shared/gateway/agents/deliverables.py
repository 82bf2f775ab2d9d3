"""Delivers results of tasks to the places that their owners named: webhooks as those of jobs, and letters.

The task's run puts a message into the queue for each place before it ends, at least once. A webhook is given the same
message id at every try, by which its receiver knows a repeat. A letter has no such id, so it is claimed in the job
before it is sent: one whose try died is not sent again, and its owner is told that it is not known. An account's
letters of a day are bounded, since they bear the operator's name and go to any address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.agents.journal import Journals, RunRecords
from gateway.agents.views import DELIVERIES, delivered_view
from gateway.canonical.jobs import Job
from gateway.errors import NotFound, ServiceUnavailable
from gateway.jobs.writer import JobWriter
from gateway.people import letters
from gateway.people.attempts import RESULTS_OF, Attempts
from gateway.ports.jobs import Jobs
from gateway.ports.mail import Mail
from gateway.webhooks.posting import Event, Posting, TryResult, pause_s, result_of

EVENT = "task.completed"
SENDING, AGAIN, SENT, UNSURE, FAILED = "sending", "again", "sent", "unsure", "failed"
NO_MAIL = "This deployment sends no mail."
NOT_TAKEN = "The webhook did not take the result in {} tries."
NOT_MAILED = "The mail service did not take the letter in {} tries."
TOO_MANY = "The account has sent its {} letters of this day (UTC); a webhook takes any number."
NOT_KNOWN = "It is not known whether the letter was sent."
DONE = TryResult(delivered=True)


class Deliverables(Struct, frozen=True):
    """Makes tries of deliveries, and notes in the job what became of each."""

    jobs: Jobs
    writer: JobWriter
    journals: Journals
    mail: Mail
    attempts: Attempts
    posting: Posting

    async def deliver(self, job_id: str, place: int, number: int) -> TryResult:
        """Makes the `number`th try, from 1, at one place of a task; does nothing for one that is done with."""
        job = await self.jobs.get(job_id)
        if job is None:
            return DONE
        if not job.status.terminal:
            # The message comes a moment before the task's end, or its process has died between the two.
            return _later(number)
        try:
            run = await self.journals.read(job)
        except NotFound:
            return DONE
        if not run.state.is_deliverable or _state(job, place) in {SENT, UNSURE, FAILED}:
            return DONE
        if run.spec.deliverables[place].type == "email":
            return await self._mail(run, place, number)
        return await self._post(run, place, number)

    async def _post(self, run: RunRecords, place: int, number: int) -> TryResult:
        job = run.job
        data = {**delivered_view(job, run.spec, run.records), "place": place}
        event = Event(job.account_id, f"msg_{job.job_id}_{place}", EVENT, job.updated_at_s, data, job.job_id)
        delivery = await self.posting.post(event, run.spec.deliverables[place].target, number)
        if delivery.delivered:
            await self._note(job, place, SENT)
        elif delivery.next_at_s is None:
            await self._note(job, place, FAILED, NOT_TAKEN.format(number))
        return result_of(delivery)

    async def _mail(self, run: RunRecords, place: int, number: int) -> TryResult:
        if not self.mail.is_configured:
            await self._note(run.job, place, FAILED, NO_MAIL)
            return DONE
        is_new = _state(run.job, place) is None
        if is_new and not await self.attempts.counted(RESULTS_OF, run.job.account_id):
            await self._note(run.job, place, FAILED, TOO_MANY.format(RESULTS_OF.limit))
            return DONE
        job = await self._claimed(run.job, place)
        if job is None:
            await self._note(run.job, place, UNSURE, NOT_KNOWN)
            return DONE
        view = delivered_view(run.job, run.spec, run.records)
        letter = letters.task_result(
            run.spec.deliverables[place].target,
            view["goal"],
            view["content"],
            view["metadata"],
            partial=view["partial"],
        )
        try:
            is_known = await self.mail.send_once(letter)
        except ServiceUnavailable:
            again = _later(number)
            words = None if again.again_s is not None else NOT_MAILED.format(number)
            await self._note(job, place, AGAIN if words is None else FAILED, words)
            return again
        await self._note(job, place, SENT if is_known else UNSURE, None if is_known else NOT_KNOWN)
        return DONE

    async def _claimed(self, job: Job, place: int) -> Job | None:
        """The job with the claim of the one try that may send the letter; nothing for any other."""
        is_first = False

        def claimed(standing: Job) -> Job:
            nonlocal is_first
            is_first = _state(standing, place) in {None, AGAIN}
            return _noted(standing, place, SENDING, None) if is_first else standing

        written = await self.writer.change(job, claimed)
        return written if is_first else None

    async def _note(self, job: Job, place: int, state: str, error: str | None = None) -> None:
        await self.writer.change(job, lambda standing: _noted(standing, place, state, error))


def _state(job: Job, place: int) -> str | None:
    noted: Mapping[str, Any] = job.metadata.get(DELIVERIES, {}).get(str(place), {})
    state: str | None = noted.get("state")
    return state


def _noted(job: Job, place: int, state: str, error: str | None) -> Job:
    deliveries = {**job.metadata.get(DELIVERIES, {}), str(place): {"state": state, "error": error}}
    return replace(job, metadata={**job.metadata, DELIVERIES: deliveries})


def _later(number: int) -> TryResult:
    return TryResult(delivered=False, again_s=pause_s(number))
