"""What is said between a job and its provider: one request, one answer, in the words of the provider's row."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.jobs import Job
from gateway.canonical.media import ProviderAnswer, ReferenceImage, TaskState
from gateway.errors import UpstreamError
from gateway.job_ports import MediaObjects
from gateway.jobs.ordering import media_order
from gateway.ports import Clock, Credential, Credentials, Patience, Upstream, UpstreamRequest
from gateway.providers.media.vendor import MediaVendor

# A media provider answers with a task's id or state, not with the work.
PATIENCE = Patience(connect_s=5.0, first_byte_s=60.0, idle_s=30.0)
NOT_CONFIGURED = "The provider of this model has no credentials in this deployment."
REFERENCE_BYTES_MAX = 10 * 1024 * 1024


class Exchange:
    """Providers' rows, credentials and the way out, for one attempt at a time."""

    def __init__(
        self,
        vendors: Mapping[str, MediaVendor],
        credentials: Credentials,
        upstream: Upstream,
        objects: MediaObjects,
        clock: Clock,
    ) -> None:
        self._vendors = vendors
        self._credentials = credentials
        self._upstream = upstream
        self._objects = objects
        self._clock = clock

    async def vendor(self, provider: str) -> tuple[MediaVendor, Credential]:
        """The provider's row and this deployment's credential; raises `UpstreamError` where there is none."""
        credential = await self._credentials.of(provider)
        if credential is None:
            raise UpstreamError(NOT_CONFIGURED, retryable=False)
        return self._vendors[provider], credential

    async def calls_back(self, job: Job) -> bool:
        """Whether the provider of the job's attempt tells of its end by itself."""
        vendor, credential = await self._served(job)
        return bool(job.public_url) and vendor.callback is not None and vendor.callback.usable(credential)

    async def submit(self, job: Job) -> str:
        """The provider's handle of the attempt; raises what the vendor's row raises."""
        vendor, credential = await self._served(job)
        address = callback_url(job) if await self.calls_back(job) else None
        order = media_order(job, await self._reference(job), address)
        return vendor.accepted(await self._ask(vendor.submit(order, credential, self._clock.now_s())))

    async def poll(self, job: Job, handle: str) -> TaskState:
        """What the provider says of the task, or raises that it said nothing."""
        vendor, credential = await self._served(job)
        answer = await self._ask(vendor.poll(handle, credential, self._clock.now_s()))
        return vendor.state(handle, answer, credential)

    async def cancel(self, job: Job) -> None:
        """Asks the provider to stop the task; one that has ended, or that cannot be stopped, goes on as it is."""
        vendor, credential = await self._served(job)
        if vendor.cancel is None or job.attempt is None or job.attempt.handle is None:
            return
        answer = await self._ask(vendor.cancel(job.attempt.handle, credential, self._clock.now_s()))
        if answer.status >= 500:
            raise UpstreamError(f"The provider answered {answer.status}.")

    async def _served(self, job: Job) -> tuple[MediaVendor, Credential]:
        if job.attempt is None:
            raise ValueError(f"{job.job_id} has no attempt")
        return await self.vendor(job.attempt.provider)

    async def _reference(self, job: Job) -> ReferenceImage | None:
        name = job.order.get("reference")
        if name is None:
            return None
        content = await self._objects.read(name, 0, REFERENCE_BYTES_MAX - 1)
        if content is None:
            raise UpstreamError("The reference image is gone.", retryable=False)
        url = await self._objects.url(name, self._clock.now_s())
        return ReferenceImage(url=url, mime_type=job.order["reference_type"], content=content)

    async def _ask(self, request: UpstreamRequest) -> ProviderAnswer:
        response = await self._upstream.send(request, PATIENCE)
        try:
            body = await response.read()
        finally:
            await response.aclose()
        return ProviderAnswer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)


def callback_url(job: Job) -> str:
    """Where the provider of the job's attempt may tell of its end."""
    if job.attempt is None:
        raise ValueError(f"{job.job_id} has no attempt")
    return f"{job.public_url}/v1/callbacks/{job.attempt.provider}/{job.job_id}/{job.attempt.number}"
