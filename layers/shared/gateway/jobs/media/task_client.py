"""Calls to providers of media tasks: one request, one answer, in the form of the provider's row."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.jobs import Job
from gateway.canonical.media import ProviderAnswer, ReferenceImage, TaskState
from gateway.errors import UpstreamError
from gateway.jobs.media.order import media_order
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock
from gateway.ports.media import MediaObjects
from gateway.ports.upstream import Credential, Credentials, UpstreamRequest, UpstreamTimeouts
from gateway.providers.media.vendor import MediaVendor

# A media provider answers with a task's id or state, not with the file.
TASK_TIMEOUTS = UpstreamTimeouts(connect_s=5.0, first_byte_s=60.0, idle_s=30.0)
REFERENCE_BYTES_MAX = 10 * 1024 * 1024


class TaskClient:
    """Providers' rows, credentials and HTTP client, for one attempt at a time."""

    def __init__(
        self,
        vendors: Mapping[str, MediaVendor],
        providers: ProviderClient,
        callback_settings: Credentials,
        objects: MediaObjects,
        clock: Clock,
    ) -> None:
        self._vendors = vendors
        self._providers = providers
        self._callback_settings = callback_settings
        self._objects = objects
        self._clock = clock

    async def vendor(self, provider: str) -> tuple[MediaVendor, Credential]:
        """The provider's row and this deployment's credential; raises `NotConfigured` without a credential."""
        credential = await self._providers.credential(provider)
        return self._vendors[provider], credential

    async def region(self, provider: str) -> str | None:
        """The region that this deployment's credential of the provider names, if it names one."""
        credential = await self._providers.configured(provider)
        return None if credential is None else credential.region

    async def calls_back(self, job: Job) -> bool:
        """Tells whether the provider of the job's attempt reports the end by a callback."""
        vendor, _ = await self._served(job)
        if not job.public_url or vendor.callback is None or job.attempt is None:
            return False
        return vendor.callback.usable(next(iter(await self._callback_settings.of(job.attempt.provider)), None))

    async def submit(self, job: Job) -> str:
        """Submits the attempt; returns the provider's handle, or raises the error of the vendor's row."""
        vendor, credential = await self._served(job)
        address = callback_url(job) if await self.calls_back(job) else None
        order = media_order(job, await self._reference(job), address)
        return vendor.accepted(await self._ask(vendor.submit(order, credential, self._clock.now_s())))

    async def poll(self, job: Job, handle: str) -> TaskState:
        """The task's state at the provider; raises an error if the provider gave no answer."""
        vendor, credential = await self._served(job)
        answer = await self._ask(vendor.poll(handle, credential, self._clock.now_s()))
        return vendor.state(handle, answer, credential)

    async def cancel(self, job: Job) -> None:
        """Asks the provider to stop the task; a task that has ended, or that cannot be stopped, is left alone."""
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
        answer = await self._providers.ask(request)
        return ProviderAnswer(answer.status, answer.headers, answer.body)


def callback_url(job: Job) -> str:
    """The URL at which the provider of the job's attempt may report the end."""
    if job.attempt is None:
        raise ValueError(f"{job.job_id} has no attempt")
    return f"{job.public_url}/v1/callbacks/{job.attempt.provider}/{job.job_id}/{job.attempt.number}"
