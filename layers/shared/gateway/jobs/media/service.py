"""Video and 3D jobs of one account: creation, reading, listing, cancellation and deletion.

A job of another account, or one that is still being opened, is answered as unknown.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.pages import Page, page_of
from gateway.auth.principal import Principal
from gateway.canonical.file_ids import PREFIX as FILE_PREFIX
from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.media_models import MediaModel
from gateway.canonical.models import ModelTarget, Offer
from gateway.canonical.money import Charge
from gateway.canonical.usage import Usage
from gateway.catalog.media_listing import media_row
from gateway.errors import Conflict, InvalidRequest, NotFound
from gateway.files.uploads import Uploads
from gateway.idempotency.ring import disown_hold
from gateway.jobs.cancel import Canceling
from gateway.jobs.media.views import file_name
from gateway.jobs.opening import PREFIX, Opening, hold_id_of
from gateway.ledger.hold_ids import hold_id_at
from gateway.operations.media import MediaPlan, taking
from gateway.operations.media_fit import MediaRequest, Snapshot
from gateway.pipeline.operation import DeferredOperation
from gateway.pipeline.readmission import KEY_HASH, SOURCE_IP
from gateway.ports.catalog import Catalog
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs
from gateway.ports.media import MediaObjects
from gateway.ports.money import Money
from gateway.untrusted.urls import PUBLIC_ONLY, Policy, judge_url

if TYPE_CHECKING:
    from gateway.canonical.images import ImageModel

MEDIA = (JobKind.VIDEO, JobKind.MODEL_3D, JobKind.IMAGE)
NOT_ENDED = "The video is still being made; cancel it at POST /v1/generation/jobs/{}/cancel, or wait for its end."


ModelRow = Callable[[Offer, Catalog[Any], frozenset[str]], dict[str, Any]]


class RequestOrigin(Struct, frozen=True):
    """The origin of a request: API Gateway's request id, and the URL that the gateway's own paths begin with.

    Key and address are kept for the start of the job, which asks again whether they may have it made.
    """

    request_id: str
    public_url: str
    key_hash: str
    source_ip: str


class Generation(Struct, frozen=True):
    """The dependencies of the generation routes.

    `policy` is the operator's rule for webhook addresses. `public_url` is the fixed base URL of the gateway's own
    paths; if it is `None`, the base URL comes from each request.
    """

    jobs: Jobs
    money: Money
    objects: MediaObjects
    catalog: Catalog[MediaModel]
    pictures: Callable[[], Awaitable[Catalog[ImageModel]]]
    operation: DeferredOperation[MediaRequest, MediaPlan]
    uploads: Uploads
    opening: Opening
    canceling: Canceling
    clock: Clock
    simulated_providers: frozenset[str] = frozenset()
    policy: Policy = PUBLIC_ONLY
    public_url: str | None = None

    def new_job_id(self) -> str:
        """An id that sorts by time, and that also names the hold."""
        return PREFIX + hold_id_at(self.clock.now_s(), secrets.randbits(40))

    async def models(self, caller: Principal) -> dict[str, Any]:
        """Lists the models that the caller's key may use and reach, in the contract's shape: of jobs, and of pictures,
        which are made in the request.
        """
        from gateway.catalog.image_listing import image_row  # noqa: PLC0415  # no job needs it

        listed: tuple[tuple[Catalog[Any], ModelRow], ...] = (
            (self.catalog, media_row),
            (await self.pictures(), image_row),
        )
        rows = [
            shown(offer, catalog, self.simulated_providers)
            for catalog, shown in listed
            for offer in catalog.offers()
            if caller.may_see((offer.id,), _targets(catalog, offer))
        ]
        return Page(rows, None).shown(dict)

    async def create(self, caller: Principal, job_id: str, request: MediaRequest, origin: RequestOrigin) -> Job:
        """Creates a job and starts it; a refusal leaves no job. A reference is fetched once the job has its hold."""
        plan = self.operation.plan(caller, request)
        if request.webhook_url is not None:
            judge_url(request.webhook_url, "webhook_url", self.policy)
        reference = request.reference
        job = self._job(caller, job_id, request, plan, origin)
        meter = self.operation.meter(request, plan)
        if reference is None or isinstance(reference, Snapshot):
            return await self.opening.open(job, caller, meter)

        async def completed(opening: Job) -> Job:
            param = request.named("reference_image_url")
            file_id = FILE_PREFIX + hold_id_of(job_id)
            snapshot = await self.uploads.snapshot(caller.account_id, file_id, reference, param)
            whole, able = replace(request, reference=snapshot), taking(plan, snapshot.mime_type, param)
            found = self._job(caller, job_id, whole, able, origin)
            return replace(opening, order=found.order, charge=found.charge)

        return await self.opening.open(job, caller, meter, completed)

    async def find(self, account_id: str, job_id: str, kinds: Collection[JobKind] = MEDIA) -> Job:
        """The account's job; raises `NotFound`, also for a job of another account."""
        found = await self.jobs.get(job_id) if job_id.startswith(PREFIX) else None
        if found is None or found.account_id != account_id or found.kind not in kinds or found.phase is Phase.OPENING:
            raise NotFound(f"There is no job '{job_id[:80]}'.", param="job_id", code="job_not_found")
        return found

    async def page(self, account_id: str, limit: int, cursor: str | None) -> Page[Job]:
        """The account's jobs, newest first."""
        found = await self.jobs.page(account_id, MEDIA, limit=limit + 1, before=cursor)
        return _page(found, limit)

    async def videos(self, account_id: str, limit: int, after: str | None, *, oldest_first: bool) -> Page[Job]:
        """The account's videos, in the order of OpenAI's list."""
        found = await self.jobs.page(
            account_id, (JobKind.VIDEO,), limit=limit + 1, before=after, oldest_first=oldest_first
        )
        return _page(found, limit)

    async def cancel(self, account_id: str, job_id: str) -> Job:
        """Cancels the job; raises `Conflict` if it is too late."""
        return await self.canceling.cancel(await self.find(account_id, job_id))

    async def content_url(self, account_id: str, job_id: str) -> str:
        """The URL of the video's content; raises `InvalidRequest` if there is none."""
        job = await self.find(account_id, job_id, (JobKind.VIDEO,))
        if job.status is not JobStatus.SUCCEEDED or not job.results:
            message = f"The video has no content: it is {job.status.value}."
            raise InvalidRequest(message, param="video_id", code="video_not_ready")
        result = job.results[0]
        return await self.objects.url(result.object_name, self.clock.now_s(), file_name=file_name(job, result))

    async def delete(self, account_id: str, job_id: str) -> Job:
        """Deletes a video that has ended, and its files; raises `Conflict` for a running one, as OpenAI does."""
        job = await self.find(account_id, job_id, (JobKind.VIDEO,))
        if not job.status.terminal:
            raise Conflict(NOT_ENDED.format(job.job_id), code="video_not_ended", should_retry=False)
        for result in job.results:
            await self.objects.delete(result.object_name)
        await self.jobs.remove(job)
        return job

    async def disown(self, account_id: str, job_id: str) -> None:
        """Undoes a job whose answer the caller never received."""
        job = await self.jobs.get(job_id)
        if job is not None and job.phase is not Phase.OPENING:
            try:
                await self.canceling.cancel(job)
            except Conflict:
                # The job has another end, so the amount paid is credited back.
                await disown_hold(self.money, self.clock, account_id, hold_id_of(job_id))
            return
        await disown_hold(self.money, self.clock, account_id, hold_id_of(job_id))
        if job is not None:
            await self.jobs.remove(job)

    def _job(
        self,
        caller: Principal,
        job_id: str,
        request: MediaRequest,
        plan: MediaPlan,
        origin: RequestOrigin,
    ) -> Job:
        now_s = int(self.clock.now_s())
        first = plan.candidates[0]
        cost = self.operation.meter(request, plan).cost(first, Usage())
        return Job(
            job_id=job_id,
            account_id=caller.account_id,
            key_id=caller.key.key_id,
            kind=request.kind,
            model=request.model,
            created_at_s=now_s,
            updated_at_s=now_s,
            deadline_s=now_s + max(candidate.model.deadline_s for candidate in plan.candidates),
            due_s=now_s,
            order={
                **self.operation.order(request, plan),
                KEY_HASH: origin.key_hash,
                SOURCE_IP: origin.source_ip,
            },
            charge=Charge(
                cost_nanousd=cost.nanousd,
                request_id=origin.request_id,
                generation_id=job_id,
                model_requested=request.model,
                model_used=first.model.id,
                tier=cost.tier,
                price_version=cost.price_version,
                user_id=caller.key.user_id,
                org_id=caller.key.org_id,
            ),
            webhook_url=request.webhook_url,
            public_url=origin.public_url,
        )


def _page(found: Sequence[Job], limit: int) -> Page[Job]:
    """A page without the jobs that are still being opened."""
    page = page_of(found, limit, lambda job: job.job_id)
    return Page([job for job in page.elements if job.phase is not Phase.OPENING], page.next_cursor)


def _targets(catalog: Catalog[Any], offer: Offer) -> list[ModelTarget[Any]]:
    return [target for model in catalog.models_behind(offer) for target in model.targets]
