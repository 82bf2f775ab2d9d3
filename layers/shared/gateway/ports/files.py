"""Records of accounts' uploaded files, beside their bytes in the media bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class FileRecord(Struct, frozen=True):
    """The record of one file. Times are epoch seconds.

    `arrived` is false for one that is to come by a presigned form, and has not been seen in the bucket yet.
    """

    account_id: str
    file_id: str
    name: str
    purpose: str
    mime_type: str
    size_bytes: int
    created_at_s: int
    expires_at_s: int
    arrived: bool = True


class FileRecords(Protocol):
    """One record per account and file. Ids sort by time. Every read sees every write before it.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, record: FileRecord) -> None: ...

    async def get(self, account_id: str, file_id: str, now_s: float) -> FileRecord | None:
        """The account's record of that id; `None` if there is none or it has expired."""

    async def page(
        self, account_id: str, now_s: float, *, limit: int, after: str | None, oldest_first: bool, purpose: str | None
    ) -> Sequence[FileRecord]:
        """The account's records that have not expired, `limit` at most, newest first unless told otherwise.

        `after` is the id of the last one before them, whether it still exists or not.
        """

    async def delete(self, account_id: str, file_id: str) -> None:
        """Deletes the record, if it exists."""
