"""Copies a job's files into the media bucket one after the other, and deletes them if the job fails.

Names hold the attempt's number, so that files of two attempts never mix. During a copy the job's `due_s` is renewed
every half minute, so that the reconciler does not take the job for lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from gateway.canonical.jobs import Job, Phase, Result
from gateway.canonical.media import Output
from gateway.jobs.media.parts_upload import Mirrored, Refused, Source, mirror, output_type
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock
from gateway.ports.media import MediaObjects
from gateway.untrusted.file_types import HEAD_BYTES

RENEW_S = 30.0
# A process that has not renewed for so long is dead.
LOST_S = 120

__all__ = ["Mirroring", "Refused"]

Download = Callable[[str, tuple[tuple[str, str], ...]], Source]


class Mirroring:
    """Copies a job's files; `download` opens a provider's URL."""

    def __init__(self, writer: JobWriter, objects: MediaObjects, download: Download, clock: Clock) -> None:
        self._writer = writer
        self._objects = objects
        self._download = download
        self._clock = clock

    async def bring(self, job: Job, outputs: tuple[Output, ...]) -> Job:
        """Copies the files and returns the job with its results; raises `Refused` for a file that may not be stored."""
        renewing = asyncio.create_task(self._renew(job))
        try:
            for output in outputs[len(job.results) :]:
                job = await self._bring_one(job, output)
        finally:
            renewing.cancel()
        return job

    async def clear(self, job: Job) -> None:
        """Deletes the job's files and partial uploads from the bucket."""
        if job.attempt is not None:
            if job.attempt.upload_id is not None:
                await self._objects.abort(_name(job), job.attempt.upload_id)
            # The file may exist already if the step died before it recorded the result.
            await self._objects.delete(_name(job))
        for result in job.results:
            await self._objects.delete(result.object_name)

    async def _bring_one(self, job: Job, output: Output) -> Job:
        made = await self._mirrored(job, output)
        duration_ms = output.duration_ms or _ordered_ms(job)
        size = (output.width, output.height)
        result = Result(made.object_name, made.mime_type, made.size_bytes, duration_ms, *size)

        def arrived(standing: Job) -> Job:
            if standing.attempt is None or standing.attempt_id != job.attempt_id:
                return standing
            if len(standing.results) > len(job.results):
                return standing
            done = replace(standing.attempt, upload_id=None)
            return replace(standing, results=(*standing.results, result), attempt=done)

        return await self._writer.change(job, arrived)

    async def _mirrored(self, job: Job, output: Output) -> Mirrored:
        name = _name(job)
        if output.content is not None:
            found = output_type(output.content[:HEAD_BYTES], len(output.content), output.mime_type)
            await self._objects.put(name, output.content, found)
            return Mirrored(name, found, len(output.content))
        if output.url is None:
            raise Refused("The provider names a file without an address.")
        upload_id = None if job.attempt is None else job.attempt.upload_id
        source = self._download(output.url, output.headers)
        return await mirror(source, self._objects, name, output.mime_type, upload_id, partial(self._save, job))

    async def _save(self, job: Job, upload_id: str) -> bool:
        """Records the upload as the attempt's; false if a later run has begun another one, or the job has ended."""

        def saved(standing: Job) -> Job:
            known, attempt = job.attempt, standing.attempt
            if known is None or attempt is None or standing.decided or standing.attempt_id != job.attempt_id:
                return standing
            if attempt.upload_id != known.upload_id or len(standing.results) != len(job.results):
                return standing
            return replace(standing, attempt=replace(attempt, upload_id=upload_id))

        standing = await self._writer.change(job, saved)
        return standing.attempt is not None and standing.attempt.upload_id == upload_id

    async def _renew(self, job: Job) -> None:
        while True:
            due_s = int(self._clock.now_s()) + LOST_S
            await self._writer.change(job, partial(_renewed, due_s))
            await asyncio.sleep(RENEW_S)


def _renewed(due_s: int, standing: Job) -> Job:
    if standing.decided or standing.phase is not Phase.MIRROR:
        return standing
    return replace(standing, due_s=due_s)


def _name(job: Job) -> str:
    """The object name of the next file, with the extension of the ordered format."""
    attempt = job.attempt.number if job.attempt else 0
    return f"media/{job.account_id}/{job.job_id}/{attempt}-{len(job.results)}.{job.order.get('output_format', 'mp4')}"


def _ordered_ms(job: Job) -> int | None:
    """The ordered duration of a video, for a vendor that does not report the duration."""
    if job.attempt is None:
        return None
    route = job.order["routes"][job.attempt.route]
    seconds = route.get("duration_s") or job.order.get("duration_s")
    return None if seconds is None else int(float(seconds) * 1000)
