"""Customers' uploaded reference images, in the media bucket under their account.

A job's input file is copied under the job's own name first, so that it cannot change afterwards, and no provider is
sent to a URL that a customer chose.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import Any, Protocol
from urllib.parse import urlsplit

from gateway.accounts.pages import iso_utc
from gateway.errors import InvalidRequest, RequestTooLarge
from gateway.framing.multipart import FormPart, parts_of, refuse_oversized
from gateway.ledger.hold_ids import hold_id_at
from gateway.operations.media_fit import InlineFile, Snapshot
from gateway.ports.clock import Clock
from gateway.ports.media import MediaObjects
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import IMAGES, FileType, claimed, judge_file

PREFIX = "file-"
FILE_BYTES_MAX = 10 * 1024 * 1024
# Lifetimes of a URL of `MediaObjects.url` and of a form of `MediaObjects.form`.
URL_S = 24 * 3600
FORM_S = 900
FILE_ID = re.compile(r"file-[0-9a-z]{1,64}")
# The end of a URL of the own bucket, whose name may be in the host or in the path.
OWN_PATH = re.compile(r"/uploads/([^/]+)/(file-[0-9a-z]{1,64})$")
NO_FILE = "There is no such file; upload it through /v1/generation/upload or /v1/files/presign."
NO_DATA_URL = "A data: URL is not taken; upload the image through /v1/generation/upload and give its URL or id."


class Fetches(Protocol):
    """Fetches a file from a URL that a customer chose."""

    async def fetch(self, url: str, param: str, *, size_bytes_max: int, accepted: Collection[FileType]) -> Fetched: ...


class Uploads:
    """Customers' files."""

    def __init__(self, objects: MediaObjects, fetcher: Fetches, clock: Clock) -> None:
        self._objects = objects
        self._fetcher = fetcher
        self._clock = clock

    def new_id(self) -> str:
        """An id that sorts by time."""
        return PREFIX + hold_id_at(self._clock.now_s(), secrets.randbits(40))

    async def upload(self, account_id: str, file_id: str, file: FormPart) -> dict[str, Any]:
        """Stores an image; the answer's URL and id are valid in media fields."""
        if len(file.content) > FILE_BYTES_MAX:
            raise RequestTooLarge(f"A file may have {FILE_BYTES_MAX} bytes.", param=file.name)
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

    async def presign(self, account_id: str, file_id: str, size_bytes: int, mime_type: str) -> dict[str, Any]:
        """A form for uploading a file that is too large for a request directly into the bucket."""
        kind = claimed(mime_type)
        if kind not in IMAGES:
            known = ", ".join(sorted(IMAGES))
            raise InvalidRequest(f"The type must be one of: {known}.", param="type", code="invalid_value")
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
        content, kind = await self._image(account_id, requested, param)
        name = object_name(account_id, file_id)
        await self._objects.put(name, content, kind.value)
        return Snapshot(name, kind.value)

    async def _image(self, account_id: str, requested: str | InlineFile, param: str) -> tuple[bytes, FileType]:
        if isinstance(requested, InlineFile):
            return requested.content, judge_file(requested.content, param, IMAGES, requested.mime_type)
        if requested[:5].lower() == "data:":
            raise InvalidRequest(NO_DATA_URL, param=param)
        own = await self._own(account_id, requested, param)
        if own is not None:
            return own, judge_file(own, param, IMAGES)
        fetched = await self._fetcher.fetch(requested, param, size_bytes_max=FILE_BYTES_MAX, accepted=IMAGES)
        return fetched.content, fetched.file_type

    async def _own(self, account_id: str, requested: str, param: str) -> bytes | None:
        """The account's own file of that id or URL; `None` for a URL outside the own bucket."""
        owner, file_id = account_id, requested
        if not FILE_ID.fullmatch(requested):
            place = await self._own_place(requested)
            if place is None:
                return None
            owner, file_id = place
        # Another account's file is answered as unknown.
        name = object_name(account_id, file_id)
        content = await self._objects.read(name, 0, FILE_BYTES_MAX) if owner == account_id else None
        if content is None:
            raise InvalidRequest(NO_FILE, param=param)
        if len(content) > FILE_BYTES_MAX:
            raise InvalidRequest(f"A file may have {FILE_BYTES_MAX} bytes.", param=param)
        return content

    async def _own_place(self, url: str) -> tuple[str, str] | None:
        """Account and file of a URL in the own bucket; `None` for any other URL."""
        found = OWN_PATH.search(_without_query(url))
        if found is None:
            return None
        ours = await self._objects.url(f"uploads/{found[1]}/{found[2]}", self._clock.now_s())
        return (found[1], found[2]) if _without_query(ours) == _without_query(url) else None


def object_name(account_id: str, file_id: str) -> str:
    """The name of the account's file in the media bucket."""
    return f"uploads/{account_id}/{file_id}"


def uploaded_file(content_type: str, body: bytes) -> FormPart:
    """The one file of an upload's form."""
    refuse_oversized(body)
    files = [part for part in parts_of(content_type, body) if part.name == "file" and part.filename is not None]
    if len(files) != 1:
        raise InvalidRequest("The form needs one file, in the field 'file'.", param="file", code="invalid_body")
    return files[0]


def _without_query(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
