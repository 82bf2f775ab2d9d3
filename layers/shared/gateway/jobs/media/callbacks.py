"""Receives providers' callbacks, verified by signature; a callback only wakes the job, which then polls the provider.

A repeated, late or wrong delivery can at most cause a poll.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.canonical.jobs import Job, Phase
from gateway.errors import AuthenticationFailed, NotFound
from gateway.jobs.writer import JobWriter
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock
from gateway.ports.jobs import Executions, Jobs
from gateway.ports.upstream import Credential
from gateway.providers.media.vendor import Callback, MediaVendor

# Providers publish new keys long before they sign with them.
KEYS_TTL_S = 24 * 3600
UNKNOWN = "There is no such callback."


class Callbacks:
    """Receives providers' reports on their tasks; `providers` has the settings of callbacks, and no provider's key."""

    def __init__(
        self,
        jobs: Jobs,
        writer: JobWriter,
        executions: Executions,
        vendors: Mapping[str, MediaVendor],
        providers: ProviderClient,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._writer = writer
        self._executions = executions
        self._vendors = vendors
        self._providers = providers
        self._clock = clock
        self._keys: dict[str, tuple[float, bytes]] = {}

    async def receive(self, provider: str, job_id: str, attempt: str, headers: Mapping[str, str], body: bytes) -> None:
        """Wakes the job of that attempt; raises `AuthenticationFailed` for a delivery without the provider's signature.

        A delivery for an outdated attempt is accepted and does nothing.
        """
        callback = self._vendors[provider].callback if provider in self._vendors else None
        settings = None if callback is None else await self._providers.configured(provider)
        if callback is None or settings is None or not callback.usable(settings):
            raise NotFound(UNKNOWN)
        now_s = self._clock.now_s()
        if callback.claim is not None:
            callback.claim(headers, settings, now_s)
        keys = await self._published_keys(provider, callback, settings, now_s)
        callback.verify(headers, body, settings, keys, now_s)
        job = await self._jobs.get(job_id)
        if job is None or job.attempt is None:
            return
        if (job.attempt.provider, str(job.attempt.number)) == (provider, attempt):
            await self._wake(job)

    async def _wake(self, job: Job) -> None:
        if job.phase is Phase.LATE:
            now_s = int(self._clock.now_s())
            await self._writer.change(
                job, lambda standing: replace(standing, due_s=now_s) if standing.phase is Phase.LATE else standing
            )
        elif job.phase is Phase.AWAIT and job.token is not None:
            output = {"job_id": job.job_id, "run": job.run, "next": "await", "wait_s": 1}
            await self._executions.wake(job.token, output)

    async def _published_keys(self, provider: str, callback: Callback, settings: Credential, now_s: float) -> bytes:
        if callback.keys is None:
            return b""
        known = self._keys.get(provider)
        if known is not None and known[0] > now_s:
            return known[1]
        answer = await self._providers.ask(callback.keys(settings))
        if answer.status != 200:
            raise AuthenticationFailed("The provider's keys cannot be read; send it again later.")
        self._keys[provider] = (now_s + KEYS_TTL_S, answer.body)
        return answer.body
