"""Keeps accounts' conversations: creates, lists, describes and deletes them, and changes what is said in them.

A version of the contents is an object of its own, whose name one writer alone can create. The record says which version
stands. A writer that finds the next version made finishes that write, then makes its own on top of it: so a death
between object and record loses nothing, and every object's name is known. docs/adr/0041-conversations.md has the
reasons.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from gateway.accounts.pages import Page, page_of
from gateway.conversations.contents import Contents
from gateway.errors import InvalidRequest, NotFound, ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.clock import Clock
from gateway.ports.conversations import Conversation, ConversationRecords
from gateway.ports.objects import Objects
from gateway.protocols.openai_responses.items import Item

PREFIX = "conv_nxn-"
ID = re.compile(r"conv_nxn-[0-9a-z]{18}")
# From the last item on; the bucket's lifecycle deletes the object a day later.
KEEP_S = 365 * 24 * 60 * 60
ITEMS_MAX = 10_000
# What can be gone on from, as for stored responses.
BYTES_MAX = 8 * 1024 * 1024
TRIES = 24
PAUSE_S = 0.02

UNKNOWN = "Conversation with id '{}' not found."
UNKNOWN_ITEM = "Item with id '{}' not found in this conversation."
FULL = "The conversation is full: at most {} items and {} MB. Delete items, or begin another one."
BUSY = "The conversation is being changed by others; try again."
BAD_CURSOR = "Invalid 'cursor': expected the 'next_cursor' of a page before."

Edit = Callable[[Contents], Contents]


class Conversations:
    """Accounts' conversations. One of another account is answered as unknown."""

    def __init__(self, records: ConversationRecords, objects: Objects, clock: Clock) -> None:
        self._records = records
        self._objects = objects
        self._clock = clock

    def new_id(self) -> str:
        """An id that sorts by time."""
        return PREFIX + self.new_write()

    def new_write(self) -> str:
        """The name of a write."""
        return hold_id_at(self._clock.now_s(), secrets.randbits(40))

    async def create(
        self, account_id: str, conversation_id: str, title: str | None, metadata: str, items: Sequence[Item]
    ) -> Conversation:
        """Creates a conversation; raises the refusal of more items than one has room for."""
        now_s = int(self._clock.now_s())
        record = Conversation(
            account_id=account_id,
            conversation_id=conversation_id,
            objects=f"conversations/{secrets.token_hex(32)}",
            created_at_s=now_s,
            updated_at_s=now_s,
            expires_at_s=now_s + KEEP_S,
            title=title,
            metadata=metadata,
        )
        await self._records.put(record, instead_of=None)
        if not items:
            return record
        # The record comes first, so that a death leaves no object without one.
        record, _ = await self.append(account_id, conversation_id, conversation_id.removeprefix(PREFIX), items)
        return record

    async def find(self, account_id: str, conversation_id: str) -> Conversation:
        """The account's conversation; raises `NotFound`."""
        record = None
        if ID.fullmatch(conversation_id):
            record = await self._records.get(account_id, conversation_id, self._clock.now_s())
        if record is None:
            raise _unknown(conversation_id)
        return record

    async def page(self, account_id: str, limit: int, cursor: str | None) -> Page[Conversation]:
        """The account's conversations, newest first."""
        if cursor is not None and not ID.fullmatch(cursor):
            raise InvalidRequest(BAD_CURSOR, param="cursor", code="invalid_value")
        found = await self._records.page(account_id, self._clock.now_s(), limit=limit + 1, before=cursor)
        return page_of(found, limit, lambda record: record.conversation_id)

    async def describe(self, account_id: str, conversation_id: str, changes: Mapping[str, Any]) -> Conversation:
        """The conversation with another title or other metadata; raises `NotFound`."""
        for attempt in range(TRIES):
            record = await self.find(account_id, conversation_id)
            now_s = int(self._clock.now_s())
            described = replace(record, **changes, updated_at_s=now_s, revision=record.revision + 1)
            if await self._records.put(described, instead_of=record):
                return described
            await _pause(attempt)
        raise ServiceUnavailable(BUSY)

    async def delete(self, account_id: str, conversation_id: str) -> None:
        """Deletes a conversation with its contents; raises `NotFound`."""
        for attempt in range(TRIES):
            record = await self.find(account_id, conversation_id)
            # The contents go first: after a death in between, the record is left to be deleted again.
            await self._forget(record, record.version - 1, record.version, record.version + 1)
            if await self._records.delete(record):
                return
            await _pause(attempt)
        raise ServiceUnavailable(BUSY)

    async def read(self, account_id: str, conversation_id: str) -> tuple[Conversation, Contents]:
        """The conversation with its contents; raises `NotFound`."""
        seen: Conversation | None = None
        for _ in range(TRIES):
            record = await self.find(account_id, conversation_id)
            contents = await self._contents(record, record.version)
            if contents is not None:
                return record, contents
            # A version is deleted once the next one stands; or its conversation is being deleted.
            if record == seen:
                raise _unknown(conversation_id)
            seen = record
        raise ServiceUnavailable(BUSY)

    async def append(
        self,
        account_id: str,
        conversation_id: str,
        write: str,
        items: Sequence[Item],
        *,
        first: int = 0,
        bytes_max: int | None = None,
    ) -> tuple[Conversation, Contents]:
        """Adds items at the end, once for each `write`; raises `NotFound`, and the refusal where they have no room.

        A caller with a `bytes_max` of its own is held to that alone, however many items there are.
        """
        at_s = int(self._clock.now_s())
        items_max = ITEMS_MAX if bytes_max is None else None
        bytes_max = BYTES_MAX if bytes_max is None else bytes_max

        def edit(contents: Contents) -> Contents:
            return contents.with_items(write, items, at_s, first=first)

        return await self._change(account_id, conversation_id, write, edit, items_max=items_max, bytes_max=bytes_max)

    async def drop(self, account_id: str, conversation_id: str, item_id: str) -> Conversation:
        """Deletes an item; raises `NotFound`."""
        write = self.new_write()

        def edit(contents: Contents) -> Contents:
            if contents.place_of(item_id) is None:
                raise unknown_item(item_id)
            return contents.without_item(write, item_id)

        record, _ = await self._change(account_id, conversation_id, write, edit)
        return record

    async def undo(self, account_id: str, conversation_id: str, write: str) -> None:
        """Takes away what a write has added or may still add, if the conversation exists."""
        own = self.new_write()
        try:
            await self._change(account_id, conversation_id, own, lambda contents: contents.without_write(own, write))
        except NotFound:
            return

    async def _change(
        self,
        account_id: str,
        conversation_id: str,
        write: str,
        edit: Edit,
        *,
        items_max: int | None = None,
        bytes_max: int | None = None,
    ) -> tuple[Conversation, Contents]:
        for attempt in range(TRIES):
            record, contents = await self.read(account_id, conversation_id)
            if write in contents.writes:
                return record, contents
            edited = edit(contents)
            document = edited.document()
            if _is_above(len(edited.entries), items_max) or _is_above(len(document), bytes_max):
                raise InvalidRequest(FULL.format(ITEMS_MAX, BYTES_MAX // 1024**2), code="conversation_too_large")
            if await self._objects.create(_name(record, record.version + 1), document):
                moved = await self._commit(record, edited, len(document))
                if moved is not None:
                    return moved, edited
            else:
                await self._finish(record)
            await _pause(attempt)
        raise ServiceUnavailable(BUSY)

    async def _finish(self, record: Conversation) -> None:
        """Has the record say the version that another writer made, which may have died since."""
        document = await self._objects.get(_name(record, record.version + 1))
        if document is not None:
            await self._commit(record, Contents.of(document), len(document))

    async def _commit(self, record: Conversation, contents: Contents, size_bytes: int) -> Conversation | None:
        """The record with the next version; `None` where others went on, and what stands tells whether it is in it."""
        version, standing = record.version + 1, record
        while standing.version == record.version:
            now_s = int(self._clock.now_s())
            moved = replace(
                standing,
                version=version,
                items=len(contents.entries),
                size_bytes=size_bytes,
                updated_at_s=now_s,
                expires_at_s=now_s + KEEP_S,
                revision=standing.revision + 1,
            )
            if await self._records.put(moved, instead_of=standing):
                await self._forget(record, record.version - 1, record.version)
                return moved
            found = await self._records.get(record.account_id, record.conversation_id, self._clock.now_s())
            if found is None:
                await self._forget(record, version)
                raise _unknown(record.conversation_id)
            standing = found
        if standing.version > version:
            # Made after the others had deleted that name: it is below what stands, and part of nothing.
            await self._forget(record, version)
        return None

    async def _contents(self, record: Conversation, version: int) -> Contents | None:
        if version == 0:
            return Contents()
        document = await self._objects.get(_name(record, version))
        return None if document is None else Contents.of(document)

    async def _forget(self, record: Conversation, *versions: int) -> None:
        names = [_name(record, version) for version in versions if version > 0]
        await asyncio.gather(*map(self._objects.delete, names))


def unknown_item(item_id: str) -> NotFound:
    """The refusal of an item that the conversation has not."""
    return NotFound(UNKNOWN_ITEM.format(item_id[:80]), param="item_id", code="item_not_found")


def _unknown(conversation_id: str) -> NotFound:
    return NotFound(UNKNOWN.format(conversation_id[:80]), param="conversation_id", code="conversation_not_found")


def _is_above(size: int, bound: int | None) -> bool:
    return bound is not None and size > bound


def _name(record: Conversation, version: int) -> str:
    return f"{record.objects}/{version}"


async def _pause(attempt: int) -> None:
    """Waits a random time, longer with each attempt, so that writers do not meet again."""
    await asyncio.sleep(PAUSE_S * min(attempt, 10) * secrets.randbelow(1000) / 1000)
