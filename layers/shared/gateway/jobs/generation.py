"""Video and 3D for one account: from a request to a job, and from a job's id to what its owner may see and do.

A job of another account is as unknown as one that never was, and so is one that is still being opened.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.accounts.pages import Page, page_of
from gateway.auth.principal import Principal, may_use
from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.money import Charge, Tier
from gateway.catalog.media import MediaCatalog
from gateway.catalog.media_listing import media_row
from gateway.errors import Conflict, InvalidRequest, NotFound
from gateway.idempotency import disown_hold
from gateway.job_ports import Jobs, MediaObjects
from gateway.jobs.canceling import Canceling
from gateway.jobs.opening import PREFIX, Opening, hold_id_of
from gateway.jobs.ordering import amount_to_hold, order_of
from gateway.jobs.planning import Asked, MediaRoute, plan, taking
from gateway.jobs.uploads import PREFIX as FILE_PREFIX
from gateway.jobs.uploads import Uploads
from gateway.jobs.views import file_name
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports import Clock, KeyRecord, Money
from gateway.untrusted.urls import PUBLIC_ONLY, Policy, judge_url

MEDIA = (JobKind.VIDEO, JobKind.MODEL_3D)
NOT_ENDED = "The video is still being made; cancel it at POST /v1/generation/jobs/{}/cancel, or wait for its end."


@dataclass(frozen=True, slots=True)
class Came:
    """Where a request came in: API Gateway's id of it, and the URL that the gateway's own paths begin with."""

    request_id: str
    public_url: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What the generation routes stand on.

    `policy` is which webhooks may be told; the operator's, never a request's. `public_url` is what the gateway's own
    paths begin with, where that is fixed, and not what API Gateway says of each request.
    """

    jobs: Jobs
    money: Money
    objects: MediaObjects
    catalog: MediaCatalog
    uploads: Uploads
    opening: Opening
    canceling: Canceling
    clock: Clock
    simulated_providers: frozenset[str] = frozenset()
    policy: Policy = PUBLIC_ONLY
    public_url: str | None = None

    def new_job_id(self) -> str:
        """An id that orders by time, and that names the hold as well."""
        return PREFIX + self._new_id()

    def new_file_id(self) -> str:
        """An id for an uploaded file."""
        return FILE_PREFIX + self._new_id()

    def models(self, key: KeyRecord) -> dict[str, Any]:
        """What the key may ask for, in the contract's list."""
        offers = [offer for offer in self.catalog.offers() if may_use(key, (offer.id,))]
        return Page(offers, None).shown(lambda offer: media_row(offer, self.catalog, self.simulated_providers))

    async def create(self, caller: Principal, job_id: str, asked: Asked, came: Came) -> Job:
        """A job under way; raises what refuses it, after which there is none."""
        routes = plan(asked, self.catalog, partial(may_use, caller.key))
        if asked.webhook_url is not None:
            judge_url(asked.webhook_url, "webhook_url", self.policy)
        snapshot = None
        if asked.reference is not None:
            param = asked.named("reference_image_url")
            file_id = FILE_PREFIX + hold_id_of(job_id)
            snapshot = await self.uploads.snapshot(caller.account_id, file_id, asked.reference, param)
            routes = taking(routes, snapshot.mime_type, param)
        job = self._job(caller, job_id, asked, routes, order_of(asked, routes, snapshot), came)
        return await self.opening.open(job, caller.key, amount_to_hold(routes))

    async def find(self, account_id: str, job_id: str, kinds: Collection[JobKind] = MEDIA) -> Job:
        """The account's job; raises `NotFound`, for a job of another account too."""
        found = await self.jobs.get(job_id) if job_id.startswith(PREFIX) else None
        if found is None or found.account_id != account_id or found.kind not in kinds or found.phase is Phase.OPENING:
            raise NotFound(f"There is no job '{job_id[:80]}'.", param="job_id", code="job_not_found")
        return found

    async def page(self, account_id: str, limit: int, cursor: str | None) -> Page[Job]:
        """The account's jobs, newest first."""
        found = await self.jobs.page(account_id, MEDIA, limit=limit + 1, before=cursor)
        return _page(found, limit)

    async def videos(self, account_id: str, limit: int, after: str | None, *, oldest_first: bool) -> Page[Job]:
        """The account's videos, as OpenAI's list orders them."""
        found = await self.jobs.page(
            account_id, (JobKind.VIDEO,), limit=limit + 1, before=after, oldest_first=oldest_first
        )
        return _page(found, limit)

    async def cancel(self, account_id: str, job_id: str) -> Job:
        """The canceled job; raises `Conflict` where it is too late."""
        return await self.canceling.cancel(await self.find(account_id, job_id))

    async def content_url(self, account_id: str, job_id: str) -> str:
        """Where the video is to be had; raises `InvalidRequest` where there is none."""
        job = await self.find(account_id, job_id, (JobKind.VIDEO,))
        if job.status is not JobStatus.SUCCEEDED or not job.results:
            said = f"The video has no content: it is {job.status.value}."
            raise InvalidRequest(said, param="video_id", code="video_not_ready")
        result = job.results[0]
        return await self.objects.url(result.object_name, self.clock.now_s(), file_name=file_name(job, result))

    async def delete(self, account_id: str, job_id: str) -> Job:
        """Deletes a video that has ended, and its files; raises `Conflict` for one that has not, as OpenAI does."""
        job = await self.find(account_id, job_id, (JobKind.VIDEO,))
        if not job.status.terminal:
            raise Conflict(NOT_ENDED.format(job.job_id), code="video_not_ended", should_retry=False)
        for result in job.results:
            await self.objects.delete(result.object_name)
        await self.jobs.remove(job)
        return job

    async def disown(self, account_id: str, job_id: str) -> None:
        """Undoes a job whose answer nobody has got, however far it came."""
        job = await self.jobs.get(job_id)
        if job is not None and job.phase is not Phase.OPENING:
            try:
                await self.canceling.cancel(job)
            except Conflict:
                # It has ended otherwise; what was paid goes back.
                await disown_hold(self.money, self.clock, account_id, hold_id_of(job_id))
            return
        await disown_hold(self.money, self.clock, account_id, hold_id_of(job_id))
        if job is not None:
            await self.jobs.remove(job)

    def _new_id(self) -> str:
        return hold_id_at(self.clock.now_s(), secrets.randbits(40))

    def _job(
        self,
        caller: Principal,
        job_id: str,
        asked: Asked,
        routes: tuple[MediaRoute, ...],
        order: dict[str, Any],
        came: Came,
    ) -> Job:
        now_s = int(self.clock.now_s())
        return Job(
            job_id=job_id,
            account_id=caller.account_id,
            key_id=caller.key.key_id,
            kind=asked.kind,
            model=asked.model,
            created_at_s=now_s,
            updated_at_s=now_s,
            deadline_s=now_s + max(route.model.deadline_s for route in routes),
            due_s=now_s,
            order=order,
            charge=Charge(
                cost_nanousd=routes[0].cost_nanousd,
                request_id=came.request_id,
                generation_id=job_id,
                model_requested=asked.model,
                model_used=routes[0].model.id,
                tier=Tier.PASSTHROUGH,
                price_version=self.catalog.price_version,
            ),
            webhook_url=asked.webhook_url,
            public_url=came.public_url,
        )


def _page(found: Sequence[Job], limit: int) -> Page[Job]:
    """A page without the jobs that are still being opened."""
    page = page_of(found, limit, lambda job: job.job_id)
    return Page([job for job in page.elements if job.phase is not Phase.OPENING], page.next_cursor)
