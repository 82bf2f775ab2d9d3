"""Records of conversations; what is said in them is in objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Conversation(Struct, frozen=True):
    """The record of a conversation. Times are epoch seconds.

    `metadata` is compact JSON. The contents are the object `objects/version`, of so many items and bytes; version 0 has
    none. `revision` counts the writes of the record.
    """

    account_id: str
    conversation_id: str
    objects: str
    created_at_s: int
    updated_at_s: int
    expires_at_s: int
    title: str | None = None
    metadata: str = "{}"
    version: int = 0
    items: int = 0
    size_bytes: int = 0
    revision: int = 0


class ConversationRecords(Protocol):
    """One record per account and conversation. Ids sort by time. Every read sees every write before it.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, record: Conversation, *, instead_of: Conversation | None) -> bool:
        """Adds a record, or replaces a revision by the next one; false if another write came first."""

    async def get(self, account_id: str, conversation_id: str, now_s: float) -> Conversation | None:
        """The account's record of that id; `None` if there is none or it has expired."""

    async def page(self, account_id: str, now_s: float, *, limit: int, before: str | None) -> Sequence[Conversation]:
        """The account's records that have not expired, newest first, `limit` at most, of ids below `before`."""

    async def delete(self, record: Conversation) -> bool:
        """Deletes this revision of a record; false if another one stands. One that is gone is deleted."""
