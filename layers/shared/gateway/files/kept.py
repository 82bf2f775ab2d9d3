"""Keeps accounts' files: creates, lists, shows and deletes them, and says where their content is.

Every file expires, by default after 30 days, when the bucket's lifecycle rule deletes it too. The lifetime stands in
the file's id, so that its reader needs no record of it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence

from msgspec.structs import replace

from gateway.accounts.pages import Page, page_of
from gateway.errors import NotFound
from gateway.files.inputs import LIFETIME_S, new_file_id, object_name, refuse_larger, size_bytes_max
from gateway.files.uploads import PURPOSES
from gateway.framing.multipart import FormPart
from gateway.ports.clock import Clock
from gateway.ports.files import FileRecord, FileRecords
from gateway.ports.media import MediaObjects
from gateway.untrusted.file_types import judge_file

NAME_CHARACTERS_MAX = 255
_PATH = re.compile(r"^.*[/\\]", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Files:
    """Accounts' files."""

    def __init__(self, objects: MediaObjects, records: FileRecords, clock: Clock) -> None:
        self._objects = objects
        self._records = records
        self._clock = clock

    def new_id(self, lifetime_s: int = LIFETIME_S) -> str:
        """An id that sorts by time, of a file with that lifetime."""
        return new_file_id(self._clock.now_s(), secrets.randbits(40), lifetime_s)

    async def create(
        self, account_id: str, file_id: str, file: FormPart, purpose: str, lifetime_s: int = LIFETIME_S
    ) -> FileRecord:
        """Stores a file; raises the refusal of one that its purpose does not take."""
        accepted = PURPOSES[purpose]
        refuse_larger(len(file.content), size_bytes_max(accepted), file.name)
        kind = judge_file(file.content, file.name, accepted, file.mime_type)
        created_s = int(self._clock.now_s())
        record = FileRecord(
            account_id=account_id,
            file_id=file_id,
            name=plain_name(file.filename or "") or f"{file_id}.{kind.extension}",
            purpose=purpose,
            mime_type=kind.value,
            size_bytes=len(file.content),
            created_at_s=created_s,
            expires_at_s=created_s + lifetime_s,
        )
        await self._objects.put(object_name(account_id, file_id), file.content, kind.value)
        await self._records.put(record)
        return record

    async def expect(self, account_id: str, file_id: str, purpose: str, name: str, mime_type: str) -> None:
        """Notes a file that is to come by a presigned form; it is a file once it has come."""
        created_s = int(self._clock.now_s())
        record = FileRecord(
            account_id=account_id,
            file_id=file_id,
            name=plain_name(name) or file_id,
            purpose=purpose,
            mime_type=mime_type,
            size_bytes=0,
            created_at_s=created_s,
            expires_at_s=created_s + LIFETIME_S,
            arrived=False,
        )
        await self._records.put(record)

    async def find(self, account_id: str, file_id: str) -> FileRecord:
        """The account's file; raises `NotFound`, also for one of another account."""
        record = await self._records.get(account_id, file_id, self._clock.now_s())
        seen = None if record is None else await self._seen(record)
        if seen is None:
            raise NotFound(f"No such File object: {file_id[:80]}", param="id", code="file_not_found")
        return seen

    async def page(
        self, account_id: str, *, limit: int, after: str | None, oldest_first: bool, purpose: str | None = None
    ) -> Page[FileRecord]:
        """The account's files that have arrived; raises `NotFound` for a page after a file that there is not."""
        if after is not None and await self._records.get(account_id, after, self._clock.now_s()) is None:
            raise NotFound(f"No such File object: {after[:80]}", param="after", code="file_not_found")
        now_s, found = self._clock.now_s(), list[FileRecord]()
        while len(found) <= limit:
            records = await self._records.page(
                account_id, now_s, limit=limit + 1, after=after, oldest_first=oldest_first, purpose=purpose
            )
            found += await self._arrived(records)
            if len(records) <= limit:
                break
            after = records[-1].file_id
        return page_of(found, limit, lambda record: record.file_id)

    async def content_url(self, account_id: str, file_id: str) -> str:
        """A URL of the file's content, good for a day."""
        record = await self.find(account_id, file_id)
        name = object_name(account_id, file_id)
        return await self._objects.url(name, self._clock.now_s(), file_name=record.name)

    async def delete(self, account_id: str, file_id: str) -> None:
        """Deletes the account's file; raises `NotFound`."""
        await self.find(account_id, file_id)
        await self.discard(account_id, file_id)

    async def discard(self, account_id: str, file_id: str) -> None:
        """Deletes a file, if it exists."""
        await self._objects.delete(object_name(account_id, file_id))
        await self._records.delete(account_id, file_id)

    async def _arrived(self, records: Sequence[FileRecord]) -> list[FileRecord]:
        return [record for record in await asyncio.gather(*map(self._seen, records)) if record is not None]

    async def _seen(self, record: FileRecord) -> FileRecord | None:
        """The record of a file that is in the bucket; one that came by a form is noted so when it is seen first."""
        if record.arrived:
            return record
        facts = await self._objects.facts(object_name(record.account_id, record.file_id))
        if facts is None:
            return None
        arrived = replace(record, size_bytes=facts.size_bytes, arrived=True)
        await self._records.put(arrived)
        return arrived


def plain_name(name: str) -> str:
    """A file's name without its folders and without characters that control, of a bounded length."""
    return _CONTROLS.sub("", _PATH.sub("", name)).strip()[:NAME_CHARACTERS_MAX]
