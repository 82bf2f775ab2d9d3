"""A provider's callback: known by its signature, it only wakes the job, which then asks the provider itself.

So a repeated, late or mistaken delivery can at most cause a poll.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.canonical.jobs import Job, Phase
from gateway.errors import AuthenticationFailed, NotFound, UpstreamError
from gateway.job_ports import Executions, Jobs
from gateway.jobs.changing import JobWriter
from gateway.jobs.exchange import PATIENCE, Exchange
from gateway.ports import Clock, Credential, Upstream
from gateway.providers.media.vendor import Callback

# Providers publish new keys long before they sign with them.
KEYS_TTL_S = 24 * 3600
UNKNOWN = "There is no such callback."


class Callbacks:
    """Receives what providers say of their tasks."""

    def __init__(
        self,
        jobs: Jobs,
        writer: JobWriter,
        executions: Executions,
        exchange: Exchange,
        upstream: Upstream,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._writer = writer
        self._executions = executions
        self._exchange = exchange
        self._upstream = upstream
        self._clock = clock
        self._keys: dict[str, tuple[float, bytes]] = {}

    async def receive(self, provider: str, job_id: str, attempt: str, headers: Mapping[str, str], body: bytes) -> None:
        """Wakes the job whose attempt it is; raises `AuthenticationFailed` for what the provider did not sign.

        A delivery for an attempt that is no more is taken and does nothing.
        """
        try:
            vendor, credential = await self._exchange.vendor(provider)
        except (KeyError, UpstreamError) as error:
            raise NotFound(UNKNOWN) from error
        if vendor.callback is None or not vendor.callback.usable(credential):
            raise NotFound(UNKNOWN)
        now_s = self._clock.now_s()
        keys = await self._published_keys(provider, vendor.callback, credential, now_s)
        vendor.callback.verify(headers, body, credential, keys, now_s)
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
            told = {"job_id": job.job_id, "run": job.run, "next": "await", "wait_s": 1}
            await self._executions.wake(job.token, told)

    async def _published_keys(self, provider: str, callback: Callback, credential: Credential, now_s: float) -> bytes:
        if callback.keys is None:
            return b""
        known = self._keys.get(provider)
        if known is not None and known[0] > now_s:
            return known[1]
        response = await self._upstream.send(callback.keys(credential), PATIENCE)
        try:
            keys = await response.read()
        finally:
            await response.aclose()
        if response.status != 200:
            raise AuthenticationFailed("The provider's keys cannot be read; send it again later.")
        self._keys[provider] = (now_s + KEYS_TTL_S, keys)
        return keys
