"""Reads the files that requests name in their media fields: by an uploaded file's id, by URL, or as a data: URL.

This is the one place that turns such a name into bytes. A file's type is what its content says, and its size is bounded
before it is read. An uploaded file is read for its own account alone; another's is answered as unknown.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from gateway.canonical.file_ids import PREFIX
from gateway.errors import InvalidRequest, NotFound, RequestTooLarge
from gateway.ledger.hold_ids import ID_PLACES, admitted_s, hold_id_at, number_in, number_of
from gateway.ports.clock import Clock
from gateway.ports.media import MediaObjects
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import IMAGES, FileType, judge_file

FILE_ID = re.compile(r"file-nxn-[0-9a-z]{1,64}")
# Any vendor's way to write a file's id, which no URL begins with.
_ANY_ID = re.compile(r"file[-_][0-9A-Za-z_-]*")
IMAGE_BYTES_MAX = 10 * 1024 * 1024
FILE_BYTES_MAX = 25 * 1024 * 1024
# The longest lifetime, after which the bucket's lifecycle rule deletes every file.
LIFETIME_S = 30 * 24 * 3600
LIFETIME_PLACES = 6
# The end of a URL of the own bucket, whose name may be in the host or in the path.
OWN_PATH = re.compile(r"/uploads/([^/]+)/(file-nxn-[0-9a-z]{1,64})$")
NO_DATA = "The data: URL cannot be read: it should be 'data:<type>;base64,<data>'."
NO_FILE = "There is no such file; upload it through /v1/files, /v1/generation/upload or /v1/files/presign."


class Fetches(Protocol):
    """Fetches a file from a URL that a customer chose."""

    async def fetch(self, url: str, param: str, *, size_bytes_max: int, accepted: Collection[FileType]) -> Fetched: ...


class MediaInputs:
    """Files that requests name. It is an `operations.media_inputs.Inputs`."""

    def __init__(self, objects: MediaObjects, fetcher: Fetches, clock: Clock) -> None:
        self._objects = objects
        self._fetcher = fetcher
        self._clock = clock

    async def read(
        self, account_id: str, given: str, param: str, accepted: Collection[FileType], bytes_max: int | None = None
    ) -> Fetched:
        """The whole file that `given` names, and its type, one of `accepted`.

        At most `bytes_max` bytes, or what files of these types may have. Raises `NotFound` for an unknown file,
        `RequestTooLarge` for one that is too large, and `InvalidRequest` for any other fault, all at `param`.
        """
        most = size_bytes_max(accepted) if bytes_max is None else min(bytes_max, size_bytes_max(accepted))
        if given[:5].lower() == "data:":
            content, declared = data_url(given, param)
            refuse_larger(len(content), most, param)
            return Fetched(content, judge_file(content, param, accepted, declared))
        own = await self._own(account_id, given, param, most)
        if own is not None:
            return Fetched(own, judge_file(own, param, accepted))
        return await self._fetcher.fetch(given, param, size_bytes_max=most, accepted=accepted)

    async def _own(self, account_id: str, given: str, param: str, most: int) -> bytes | None:
        """The account's own file of that id or URL; `None` for a URL outside the own bucket."""
        owner, file_id = account_id, given
        if not FILE_ID.fullmatch(given):
            if _ANY_ID.fullmatch(given):
                raise NotFound(NO_FILE, param=param, code="file_not_found")
            place = self._own_place(given)
            if place is None:
                return None
            owner, file_id = place
        content = None
        if owner == account_id and not has_expired(file_id, self._clock.now_s()):
            # One byte more than is allowed tells a file that is too large.
            content = await self._objects.read(object_name(account_id, file_id), 0, most)
        if content is None:
            raise NotFound(NO_FILE, param=param, code="file_not_found")
        refuse_larger(len(content), most, param)
        return content

    def _own_place(self, url: str) -> tuple[str, str] | None:
        """Account and file of a URL in the own bucket; `None` for any other URL."""
        plain = _without_query(url)
        found = OWN_PATH.search(plain)
        if found is None:
            return None
        ours = self._objects.address(object_name(found[1], found[2]))
        return (found[1], found[2]) if ours == plain else None


def new_file_id(now_s: float, random_bits: int, lifetime_s: int | None = None) -> str:
    """An id that sorts by time, and ends with the file's lifetime where it has one; `random_bits` are 40 fresh ones."""
    lifetime = "" if lifetime_s is None else number_in(lifetime_s, LIFETIME_PLACES)
    return PREFIX + hold_id_at(now_s, random_bits) + lifetime


def has_expired(file_id: str, now_s: float) -> bool:
    """True once the lifetime that the id states is over. The bucket deletes files after 30 days in any case."""
    identity = file_id.removeprefix(PREFIX)
    lifetime = identity[ID_PLACES:]
    if len(lifetime) != LIFETIME_PLACES:
        return False
    try:
        return admitted_s(identity[:ID_PLACES]) + number_of(lifetime) <= now_s
    except ValueError:
        return True


def object_name(account_id: str, file_id: str) -> str:
    """The name of the account's file in the media bucket."""
    return f"uploads/{account_id}/{file_id}"


def size_bytes_max(accepted: Collection[FileType]) -> int:
    """The most bytes that a file of one of these types may have."""
    return IMAGE_BYTES_MAX if IMAGES.issuperset(accepted) else FILE_BYTES_MAX


def refuse_larger(size_bytes: int, most: int, param: str) -> None:
    """Raises `RequestTooLarge` for a file over its bound."""
    if size_bytes > most:
        raise RequestTooLarge(f"The file may have at most {most} bytes.", param=param)


def data_url(text: str, param: str) -> tuple[bytes, str | None]:
    """The bytes of a data: URL, and the media type that it declares: https://www.rfc-editor.org/rfc/rfc2397."""
    head, comma, data = text[5:].partition(",")
    declared, is_base64 = head.removesuffix(";base64"), head.lower().endswith(";base64")
    try:
        content = base64.b64decode(data, validate=True) if is_base64 else unquote_to_bytes(data)
    except ValueError:
        raise InvalidRequest(NO_DATA, param=param) from None
    if not comma:
        raise InvalidRequest(NO_DATA, param=param)
    return content, declared or None


def _without_query(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
