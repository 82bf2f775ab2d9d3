"""Stores customers' uploaded files, in the media bucket under their account.

A job's input file is copied under the job's own name first, so that it cannot change afterwards, and no provider is
sent to a URL that a customer chose.
"""

from __future__ import annotations

import secrets
from typing import Any

from gateway.accounts.pages import iso_utc
from gateway.errors import InvalidRequest
from gateway.files.inputs import MediaInputs, new_file_id, object_name, refuse_larger, size_bytes_max
from gateway.framing.multipart import FormPart, parts_of, refuse_oversized
from gateway.operations.media_fit import InlineFile, Snapshot
from gateway.ports.clock import Clock
from gateway.ports.media import MediaObjects
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import IMAGES, READABLE, FileType, claimed, judge_file

# Lifetimes of a URL of `MediaObjects.url` and of a form of `MediaObjects.form`.
URL_S = 24 * 3600
FORM_S = 900
# The types of file that each purpose of a kept file takes; jobs start from images alone.
PURPOSES = {"user_data": READABLE, "vision": IMAGES}
NO_DATA_URL = "A data: URL is not taken; upload the image through /v1/generation/upload and give its URL or id."


class Uploads:
    """Customers' files."""

    def __init__(self, objects: MediaObjects, inputs: MediaInputs, clock: Clock) -> None:
        self._objects = objects
        self._inputs = inputs
        self._clock = clock

    def new_id(self) -> str:
        """An id that sorts by time."""
        return new_file_id(self._clock.now_s(), secrets.randbits(40))

    async def upload(self, account_id: str, file_id: str, file: FormPart) -> dict[str, Any]:
        """Stores an image; the answer's URL and id are valid in media fields."""
        refuse_larger(len(file.content), size_bytes_max(IMAGES), file.name)
        kind = judge_file(file.content, file.name, IMAGES, file.mime_type)
        name = object_name(account_id, file_id)
        await self._objects.put(name, file.content, kind.value)
        now_s = self._clock.now_s()
        return {
            "id": file_id,
            "object": "file",
            "url": await self._objects.url(name, now_s),
            "mime_type": kind.value,
            "bytes": len(file.content),
            "created_at": iso_utc(int(now_s)),
            "expires_at": iso_utc(int(now_s) + URL_S),
        }

    async def presign(
        self, account_id: str, file_id: str, purpose: str, size_bytes: int, mime_type: str
    ) -> dict[str, Any]:
        """A form for uploading a file that is too large for a request directly into the bucket."""
        accepted, kind = PURPOSES.get(purpose, IMAGES), claimed(mime_type)
        if FileType.TEXT in accepted and (kind or "").startswith("text/"):
            kind = FileType.TEXT
        if kind not in accepted:
            known = ", ".join(sorted(accepted))
            raise InvalidRequest(f"The type must be one of: {known}.", param="type", code="invalid_value")
        most = size_bytes_max({FileType(kind)})
        if size_bytes > most:
            raise InvalidRequest(f"A file of this type may have {most} bytes.", param="size", code="invalid_value")
        now_s = self._clock.now_s()
        form = await self._objects.form(object_name(account_id, file_id), kind, size_bytes, now_s)
        return {
            "id": file_id,
            "object": "file.upload",
            "method": "POST",
            "url": form.url,
            "fields": dict(form.fields),
            "expires_at": iso_utc(int(now_s) + FORM_S),
        }

    async def snapshot(self, account_id: str, file_id: str, requested: str | InlineFile, param: str) -> Snapshot:
        """Copies the requested image under this id; raises `InvalidRequest` at `param` for an invalid one."""
        found = await self._image(account_id, requested, param)
        name, kind = object_name(account_id, file_id), found.file_type.value
        await self._objects.put(name, found.content, kind)
        return Snapshot(name, kind)

    async def _image(self, account_id: str, requested: str | InlineFile, param: str) -> Fetched:
        if isinstance(requested, InlineFile):
            return Fetched(requested.content, judge_file(requested.content, param, IMAGES, requested.mime_type))
        if requested[:5].lower() == "data:":
            raise InvalidRequest(NO_DATA_URL, param=param)
        return await self._inputs.read(account_id, requested, param, IMAGES)


def uploaded_file(content_type: str, body: bytes) -> FormPart:
    """The one file of an upload's form."""
    refuse_oversized(body)
    files = [part for part in parts_of(content_type, body) if part.name == "file" and part.filename is not None]
    if len(files) != 1:
        raise InvalidRequest("The form needs one file, in the field 'file'.", param="file", code="invalid_body")
    return files[0]
