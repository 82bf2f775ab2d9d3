"""Files that customers bring: reference images, known by their content, in the media bucket under their account.

Whatever a job starts from is copied under the job's own name first: nobody can change it any more, and no provider is
sent to an address that a customer chose.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Protocol
from urllib.parse import urlsplit

from gateway.accounts.pages import iso_utc
from gateway.errors import InvalidRequest, RequestTooLarge
from gateway.framing.multipart import FormPart, parts_of
from gateway.job_ports import MediaObjects
from gateway.jobs.ordering import Snapshot
from gateway.jobs.planning import InlineFile
from gateway.ports import Clock
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import IMAGES, FileType, claimed, judge_file

PREFIX = "file-"
FILE_BYTES_MAX = 10 * 1024 * 1024
# Lambda takes events of 6 MB, and a form is in one as base64 (section 2 of the public contract).
INLINE_BYTES_MAX = 4_500_000
# How long an address of `MediaObjects.url` and a form of `MediaObjects.form` are good.
URL_S = 24 * 3600
FORM_S = 900
FILE_ID = re.compile(r"file-[0-9a-z]{1,64}")
# Where an address of our own bucket ends, whatever comes before: a bucket's host or its path.
OWN_PATH = re.compile(r"/uploads/([^/]+)/(file-[0-9a-z]{1,64})$")
NO_FILE = "There is no such file; upload it through /v1/generation/upload or /v1/files/presign."
NO_DATA_URL = "A data: URL is not taken; upload the image through /v1/generation/upload and give its URL or id."
TOO_LARGE = "The body is larger than 4.5 MB; upload the file through /v1/files/presign."


class Fetches(Protocol):
    """What brings a file from an address that a stranger chose."""

    async def fetch(self, url: str, param: str, *, size_bytes_max: int, accepted: Collection[FileType]) -> Fetched: ...


class Uploads:
    """Customers' files."""

    def __init__(self, objects: MediaObjects, fetcher: Fetches, clock: Clock) -> None:
        self._objects = objects
        self._fetcher = fetcher
        self._clock = clock

    async def upload(self, account_id: str, file_id: str, file: FormPart) -> dict[str, Any]:
        """Keeps an image; what is answered is what media fields take."""
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
        """A form by which a file that is too large for a request comes into the bucket itself."""
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

    async def snapshot(self, account_id: str, file_id: str, asked: str | InlineFile, param: str) -> Snapshot:
        """The image that is asked for, copied under this id; raises `InvalidRequest` at `param` for what is none."""
        content, kind = await self._image(account_id, asked, param)
        name = object_name(account_id, file_id)
        await self._objects.put(name, content, kind.value)
        return Snapshot(name, kind.value)

    async def _image(self, account_id: str, asked: str | InlineFile, param: str) -> tuple[bytes, FileType]:
        if isinstance(asked, InlineFile):
            return asked.content, judge_file(asked.content, param, IMAGES, asked.mime_type)
        if asked[:5].lower() == "data:":
            raise InvalidRequest(NO_DATA_URL, param=param)
        own = await self._own(account_id, asked, param)
        if own is not None:
            return own, judge_file(own, param, IMAGES)
        fetched = await self._fetcher.fetch(asked, param, size_bytes_max=FILE_BYTES_MAX, accepted=IMAGES)
        return fetched.content, fetched.file_type

    async def _own(self, account_id: str, asked: str, param: str) -> bytes | None:
        """The account's own file of that id or address; nothing for an address that is not ours."""
        owner, file_id = account_id, asked
        if not FILE_ID.fullmatch(asked):
            place = await self._own_place(asked)
            if place is None:
                return None
            owner, file_id = place
        # What is another account's is as unknown as what is nobody's.
        name = object_name(account_id, file_id)
        content = await self._objects.read(name, 0, FILE_BYTES_MAX) if owner == account_id else None
        if content is None:
            raise InvalidRequest(NO_FILE, param=param)
        if len(content) > FILE_BYTES_MAX:
            raise InvalidRequest(f"A file may have {FILE_BYTES_MAX} bytes.", param=param)
        return content

    async def _own_place(self, url: str) -> tuple[str, str] | None:
        """Account and file of an address in our own bucket: one that is what we ourselves would make of them."""
        found = OWN_PATH.search(_without_query(url))
        if found is None:
            return None
        ours = await self._objects.url(f"uploads/{found[1]}/{found[2]}", self._clock.now_s())
        return (found[1], found[2]) if _without_query(ours) == _without_query(url) else None


def object_name(account_id: str, file_id: str) -> str:
    """Where the account's file is in the media bucket."""
    return f"uploads/{account_id}/{file_id}"


def uploaded_file(content_type: str, body: bytes) -> FormPart:
    """The one file of an upload's form."""
    refuse_oversized(body)
    files = [part for part in parts_of(content_type, body) if part.name == "file" and part.filename is not None]
    if len(files) != 1:
        raise InvalidRequest("The form needs one file, in the field 'file'.", param="file", code="invalid_body")
    return files[0]


def refuse_oversized(body: bytes) -> None:
    """Raises `RequestTooLarge` for a body that the platform would not carry."""
    if len(body) > INLINE_BYTES_MAX:
        raise RequestTooLarge(TOO_LARGE)


def _without_query(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
