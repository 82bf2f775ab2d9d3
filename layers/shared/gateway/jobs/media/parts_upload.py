"""Uploads a provider's file into the media bucket in parts, one part in memory at a time, and resumes after a crash.

The parts in the bucket are the only record of progress; a file of one part is stored in one request. The first bytes
tell the file's type, before the upload begins: a page that says "expired" is refused, even if it is declared a video.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from gateway.errors import InvalidRequest, UpstreamError
from gateway.ports.media import MediaObjects, Part
from gateway.untrusted.fetch import Opened
from gateway.untrusted.file_types import HEAD_BYTES, FileType, claimed, detected_type

# S3 takes 10,000 parts of at least 5 MB, the last of any size:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PART_BYTES = 16 * 1024 * 1024
FILE_BYTES_MAX = 5 * 1024 * 1024 * 1024


class Refused(Exception):
    """Refuses a provider's file that may not be stored; a retry cannot help, and the text is for clients."""


class Source(Protocol):
    """A source of the file, such as `gateway.untrusted.fetch.Download`."""

    def opened(self, first_byte: int = 0) -> AbstractAsyncContextManager[Opened]: ...


class Mirrored(Struct, frozen=True):
    """The stored object."""

    object_name: str
    mime_type: str
    size_bytes: int


async def mirror(
    source: Source,
    objects: MediaObjects,
    name: str,
    mime_type: str,
    upload_id: str | None,
    save_upload: Callable[[str], Awaitable[bool]],
) -> Mirrored:
    """Uploads the file under `name`; `upload_id` is the upload that an earlier try saved, `save_upload` saves a new
    one.

    `save_upload` returns false if another try has begun its own upload, which ends this one. `mime_type` is the
    provider's declaration. Raises `Refused` with nothing left behind, and `UpstreamError` or `ServiceUnavailable` if a
    later try can continue.
    """
    begun = None if upload_id is None else await objects.parts(name, upload_id)
    if upload_id is not None and begun is None:
        # The upload is over: either this very file is stored, or the upload was aborted.
        if (kept := await _kept(objects, name)) is not None:
            return kept
        upload_id = None
    upload = _Upload(objects, name, mime_type, upload_id, _whole(begun or ()), save_upload)
    try:
        async with source.opened(upload.size_bytes) as opened:
            await upload.bring(opened)
    except InvalidRequest as refusal:
        # The provider's URL leads to an address that may not be connected to.
        await upload.give_up()
        raise Refused(refusal.message) from refusal
    except Refused:
        await upload.give_up()
        raise
    if (kept := await _kept(objects, name)) is None:
        raise UpstreamError("The file is gone from the bucket.")
    return kept


def output_type(head: bytes, size_bytes: int | None, declared: str) -> FileType:
    """The type of a provider's file by its first bytes; raises `Refused` if it is not of the declared type's family.

    An archive may hold a model, because formats of several files are sent as one archive.
    """
    found, family = detected_type(head, size_bytes), (claimed(declared) or "").partition("/")[0]
    if found is None or (found.family != family and (found is not FileType.ZIP or family != "model")):
        raise Refused(f"The provider's file is not the {family or 'output'} that it is declared to be.")
    return found


class _Upload:
    """A multipart upload: parts from 1, all of `PART_BYTES` but the last."""

    def __init__(
        self,
        objects: MediaObjects,
        name: str,
        mime_type: str,
        upload_id: str | None,
        parts: list[Part],
        save_upload: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._objects = objects
        self._name = name
        self._mime_type = mime_type
        self._id = upload_id
        self._parts = parts
        self._save = save_upload

    @property
    def size_bytes(self) -> int:
        """The number of bytes that have arrived."""
        return sum(part.size_bytes for part in self._parts)

    async def bring(self, opened: Opened) -> None:
        """Uploads the rest of the file and completes the object."""
        _refuse_size(opened.size_bytes or 0)
        async for body in _blocks(opened.pieces, self.size_bytes - opened.first_byte):
            _refuse_size(self.size_bytes + len(body))
            if self._id is None and opened.size_bytes == len(body):
                found = output_type(body[:HEAD_BYTES], len(body), self._mime_type)
                await self._objects.put(self._name, body, found)
                return
            upload_id = self._id or await self._begin(body, opened.size_bytes)
            self._parts.append(await self._objects.put_part(self._name, upload_id, len(self._parts) + 1, body))
        if self._id is None:
            raise Refused("The provider's file is empty.")
        if opened.size_bytes not in {None, self.size_bytes}:
            # The file differs from the one that an earlier try began, so the next try starts from the beginning.
            await self.give_up()
            raise UpstreamError("The provider's file changed while it was being fetched.")
        await self._objects.complete(self._name, self._id, self._parts)

    async def give_up(self) -> None:
        """Aborts the upload, so that nothing of it stays in the bucket."""
        if self._id is not None:
            await self._objects.abort(self._name, self._id)

    async def _begin(self, body: bytes, size_bytes: int | None) -> str:
        whole = size_bytes if size_bytes is not None or len(body) == PART_BYTES else len(body)
        found = output_type(body[:HEAD_BYTES], whole, self._mime_type)
        self._id = await self._objects.begin(self._name, found)
        if not await self._save(self._id):
            await self.give_up()
            raise UpstreamError("Another try brings the provider's file.")
        return self._id


async def _blocks(pieces: AsyncIterator[bytes], skip_bytes: int) -> AsyncIterator[bytes]:
    """The pieces as blocks of `PART_BYTES`, the last one shorter, without the first `skip_bytes`."""
    held: list[bytes] = []
    held_bytes = 0
    async for arrived in pieces:
        piece = arrived[skip_bytes:]
        skip_bytes -= len(arrived) - len(piece)
        while held_bytes + len(piece) >= PART_BYTES:
            held.append(piece[: PART_BYTES - held_bytes])
            piece, held_bytes = piece[PART_BYTES - held_bytes :], 0
            block = b"".join(held)
            held.clear()
            yield block
            # Frees the block's memory while the next one is collected.
            del block
        if piece:
            held.append(piece)
            held_bytes += len(piece)
    if held:
        yield b"".join(held)


def _whole(parts: Sequence[Part]) -> list[Part]:
    """The parts to resume from, in order and full. A short part was the end of a try and is uploaded again."""
    numbered = enumerate(parts, 1)
    ends = (index - 1 for index, part in numbered if part.number != index or part.size_bytes != PART_BYTES)
    return list(parts[: next(ends, len(parts))])


def _refuse_size(size_bytes: int) -> None:
    if size_bytes > FILE_BYTES_MAX:
        raise Refused(f"The provider's file is larger than {FILE_BYTES_MAX} bytes.")


async def _kept(objects: MediaObjects, name: str) -> Mirrored | None:
    facts = await objects.facts(name)
    return None if facts is None else Mirrored(name, facts.mime_type, facts.size_bytes)
