"""Files in the media bucket, in parts, and presigned URLs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class Part(Struct, frozen=True):
    """One part of a multipart upload, from 1."""

    number: int
    etag: str
    size_bytes: int


class ObjectFacts(Struct, frozen=True):
    """Facts about an object that a store gives without reading the object."""

    size_bytes: int
    mime_type: str


class UploadForm(Struct, frozen=True):
    """A presigned POST: the form's URL, and the fields before the file."""

    url: str
    fields: Mapping[str, str]


class MediaObjects(Protocol):
    """Files in the media bucket, in parts, and the URLs by which others may read or write them.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, name: str, body: bytes, mime_type: str) -> None: ...

    async def facts(self, name: str) -> ObjectFacts | None:
        """Facts about the object, or `None` if there is no object."""

    async def read(self, name: str, first: int, last: int) -> bytes | None:
        """The bytes from `first` to `last`, both included, as far as they exist; `None` without an object."""

    async def delete(self, name: str) -> None: ...

    async def begin(self, name: str, mime_type: str) -> str:
        """Begins a multipart upload and returns its id."""

    async def parts(self, name: str, upload_id: str) -> Sequence[Part] | None:
        """The parts that have arrived, in order; `None` if the upload is over or unknown."""

    async def put_part(self, name: str, upload_id: str, number: int, body: bytes) -> Part: ...

    async def complete(self, name: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Joins the parts to the object; an upload that is already complete is left alone."""

    async def abort(self, name: str, upload_id: str) -> None:
        """Aborts the upload, if it exists."""

    def address(self, name: str) -> str:
        """The URL of the object without what signs it; nothing can be read by it."""

    async def url(self, name: str, now_s: float, *, file_name: str | None = None) -> str:
        """A URL that reads the object for 24 hours from now, without further credentials."""

    async def form(self, name: str, mime_type: str, size_bytes: int, now_s: float) -> UploadForm:
        """A form that writes the object, of that type and of exactly that size, within a quarter of an hour."""
