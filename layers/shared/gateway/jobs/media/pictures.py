"""Makes pictures as jobs, for callers that do not wait: a job is opened with its hold, and one step makes its pictures.

The request is kept as an object of the media bucket, with its pictures in it and the targets that can make it, so that
neither a changed catalog nor a deleted file changes what was ordered. It is deleted when the job ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.images import Drawn, ImageModel, ImagePrice, ImageRequest
from gateway.canonical.jobs import Job, JobKind, Result
from gateway.canonical.models import ModelTarget, Name
from gateway.canonical.money import Charge
from gateway.canonical.request import RoutingPreferences
from gateway.canonical.usage import Usage
from gateway.errors import (
    CredentialRefused,
    InsufficientBalance,
    ProviderKeyRefused,
    RequestTooLarge,
    ServiceUnavailable,
    UpstreamError,
)
from gateway.jobs.media.service import RequestOrigin
from gateway.jobs.media.steps import PAINT_S
from gateway.jobs.opening import PREFIX, Opening
from gateway.operations.image_meter import ImageBounds, ImageCandidate, meter_of
from gateway.operations.images import ImagesOperation
from gateway.operations.media import present
from gateway.pipeline.context import RequestContext
from gateway.pipeline.operation import Cost
from gateway.pipeline.provider_client import ProviderClient
from gateway.pipeline.readmission import KEY_HASH, SOURCE_IP
from gateway.ports.clock import Clock
from gateway.ports.jobs import Jobs
from gateway.ports.media import MediaObjects
from gateway.ports.provider_keys import OwnKeys, ProviderKey
from gateway.untrusted.urls import PUBLIC_ONLY, Policy, judge_url

# How often a step that makes pictures looks whether they are still wanted.
WATCH_S = 2.0
# From its opening to its last attempt's end.
DEADLINE_S = 3600
# All pictures of a request together: four of the largest.
GIVEN_BYTES_MAX = 40 * 1024 * 1024
ORDER_BYTES_MAX = GIVEN_BYTES_MAX + 1024 * 1024
ORDERED = "application/octet-stream"
GONE = "The request of the job is gone."
KEY_GONE = "The account's own provider key of the job is gone."
LATE = "The provider did not make the picture in time."


class Routed(Struct, frozen=True):
    """One target that can make what was ordered, with the account's own key of that id where it has one."""

    model: ImageModel
    target: ModelTarget[ImagePrice]
    own_key_id: str | None = None


class PictureOrder(Struct, frozen=True):
    """An order in the form that is kept: the request, and the targets that can make it."""

    request: ImageRequest
    routes: tuple[Routed, ...]

    @property
    def candidates(self) -> tuple[ImageCandidate, ...]:
        """The targets in the order in which they are tried."""
        name = self.request.model
        return tuple(ImageCandidate(Name(name, each.model), each.model, each.target) for each in self.routes)


class Painted(Struct, frozen=True):
    """The pictures that an attempt made, and what they cost."""

    results: tuple[Result, ...]
    usage: Usage
    cost: Cost


_ORDER = msgspec.msgpack.Decoder(PictureOrder)


class PictureJobs(Struct, frozen=True):
    """Opens jobs of pictures. `policy` is the operator's rule for webhook addresses.

    `public_url` is the fixed base URL of the gateway's own paths, if it has one.
    """

    objects: MediaObjects
    opening: Opening
    clock: Clock
    policy: Policy = PUBLIC_ONLY
    public_url: str | None = None

    async def begin(self, context: RequestContext[ImageRequest, Drawn], origin: RequestOrigin) -> Job:
        """Opens the job of a planned request and starts it; a refusal leaves no job.

        The pictures that the request names are read once the job has its hold.
        """
        request, inbound = context.request, context.inbound
        if request.webhook_url is not None:
            judge_url(request.webhook_url, "webhook_url", self.policy)
        candidates = context.plan.candidates
        try:
            return await self._opened(context, origin, candidates)
        except InsufficientBalance:
            own = context.plan.held_for.candidates
            if not inbound.principal.own_keys or own == candidates:
                raise
            # The account's own keys serve without a balance, and then alone.
            return await self._opened(context, origin, own)

    async def _opened(
        self,
        context: RequestContext[ImageRequest, Drawn],
        origin: RequestOrigin,
        candidates: tuple[ImageCandidate, ...],
    ) -> Job:
        request, inbound = context.request, context.inbound
        job = self._job(inbound.principal, context.hold_id, request, candidates, origin)

        async def completed(opening: Job) -> Job:
            fetched = context.operation.fetching(request)
            whole = request if fetched is None else await fetched(inbound, request)
            given = sum(len(one.picture.content) for one in whole.pictures if one.picture is not None)
            if given > GIVEN_BYTES_MAX:
                message = f"The pictures of a request in the background may have {GIVEN_BYTES_MAX} bytes together."
                raise RequestTooLarge(message, param="image")
            # The targets are chosen.
            plain = replace(whole, routing=RoutingPreferences(), echo={})
            routes = tuple(map(_routed, candidates))
            content = msgspec.msgpack.encode(PictureOrder(plain, routes))
            await self.objects.put(opening.order["request"], content, ORDERED)
            return opening

        return await self.opening.open(job, inbound.principal, meter_of(request, candidates), completed)

    def _job(
        self,
        caller: Principal,
        hold_id: str,
        request: ImageRequest,
        candidates: Sequence[ImageCandidate],
        origin: RequestOrigin,
    ) -> Job:
        now_s, job_id = int(self.clock.now_s()), PREFIX + hold_id
        meter, bounds, first = meter_of(request, tuple(candidates)), ImageBounds(request), candidates[0]
        worst = [meter.cost(each, bounds.at_most(each)) for each in candidates]
        return Job(
            job_id=job_id,
            account_id=caller.account_id,
            key_id=caller.key.key_id,
            kind=JobKind.IMAGE,
            model=request.model,
            created_at_s=now_s,
            updated_at_s=now_s,
            deadline_s=now_s + DEADLINE_S,
            due_s=now_s,
            order={
                "kind": JobKind.IMAGE.value,
                "request": f"media/{caller.account_id}/{job_id}/request",
                "routes": [_route(each, cost) for each, cost in zip(candidates, worst, strict=True)],
                KEY_HASH: origin.key_hash,
                SOURCE_IP: origin.source_ip,
            },
            charge=Charge(
                cost_nanousd=worst[0].nanousd,
                request_id=origin.request_id,
                generation_id=job_id,
                model_requested=request.model,
                model_used=first.model.id,
                tier=worst[0].tier,
                price_version=worst[0].price_version,
                user_id=caller.key.user_id,
                org_id=caller.key.org_id,
            ),
            webhook_url=request.webhook_url,
            public_url=origin.public_url,
        )


class Painting(Struct, frozen=True):
    """Makes the pictures of a job's attempt, and deletes what is not needed of them."""

    objects: MediaObjects
    operation: ImagesOperation
    providers: ProviderClient
    jobs: Jobs
    clock: Clock
    own_keys: OwnKeys

    async def paint(self, job: Job) -> Painted | None:
        """The attempt's pictures, stored in the media bucket; raises the provider's refusal or failure.

        Nothing where the job has ended meanwhile, as by a cancellation: its vendor's task is given up then.
        """
        painting = asyncio.create_task(self._painted(job))
        try:
            while not painting.done():
                await asyncio.wait({painting}, timeout=WATCH_S)
                if not painting.done() and await self._is_over(job):
                    painting.cancel()
                    await asyncio.wait({painting})
            return None if painting.cancelled() else painting.result()
        finally:
            painting.cancel()

    async def _is_over(self, job: Job) -> bool:
        try:
            standing = await self.jobs.get(job.job_id)
        except ServiceUnavailable:
            # The next look tells.
            return False
        return standing is None or standing.decided

    async def _painted(self, job: Job) -> Painted:
        if job.attempt is None:
            raise ValueError(f"{job.job_id} has no attempt")
        content = await self.objects.read(job.order["request"], 0, ORDER_BYTES_MAX)
        if content is None:
            raise UpstreamError(GONE, retryable=False)
        order = _ORDER.decode(content)
        candidates, request = order.candidates, order.request
        own = await self._own_key(job.account_id, order.routes[job.attempt.route].own_key_id)
        candidate = replace(candidates[job.attempt.route], own=own)
        credential = await self.providers.credential(candidate.target.provider, own)
        try:
            async with asyncio.timeout(PAINT_S):
                drawn = await self.operation.made(request, candidate, credential, self.clock.now_s())
        except TimeoutError:
            raise UpstreamError(LATE, retryable=False) from None
        except CredentialRefused:
            if own is None:
                raise
            raise ProviderKeyRefused(own.provider) from None
        meter = meter_of(request, candidates)
        usage = meter.bounded(candidate, meter.estimate(0, drawn.usage))
        results = tuple(
            Result(one.object_name, one.mime_type, one.size_bytes, width=one.width, height=one.height)
            for one in drawn.drawings
        )
        return Painted(results, usage, meter.cost(candidate, usage))

    async def _own_key(self, account_id: str, key_id: str | None) -> ProviderKey | None:
        """The account's own key that was ordered with, as it is now; raises `UpstreamError` once it is gone."""
        if key_id is None:
            return None
        found = next((key for key in await self.own_keys.of(account_id) if key.key_id == key_id), None)
        if found is None:
            raise UpstreamError(KEY_GONE, retryable=False)
        return found

    async def discard(self, results: Sequence[Result]) -> None:
        """Deletes pictures of a job that has ended otherwise."""
        for result in results:
            await self.objects.delete(result.object_name)

    async def forget(self, job: Job) -> None:
        """Deletes the request of a job that has ended."""
        await self.objects.delete(job.order["request"])


def _routed(candidate: ImageCandidate) -> Routed:
    return Routed(candidate.model, candidate.target, None if candidate.own is None else candidate.own.key_id)


def painted(job: Job, made: Painted) -> Job:
    """The job with its pictures, priced by what they cost in place of what they may cost at most."""
    number = job.attempt.route if job.attempt is not None else 0
    routes = list(job.order["routes"])
    routes[number] = {**routes[number], "cost_nanousd": made.cost.nanousd}
    charge = replace(job.charge, usage=made.usage, tier=made.cost.tier, price_version=made.cost.price_version)
    return replace(job, results=made.results, order={**job.order, "routes": routes}, charge=charge)


def _route(candidate: ImageCandidate, worst: Cost) -> dict[str, object]:
    return present(
        provider=candidate.target.provider,
        model=candidate.model.id,
        upstream_model=candidate.target.upstream_model,
        region=candidate.target.region,
        cost_nanousd=worst.nanousd,
        own_key=None if candidate.own is None else True,
    )
