"""Records of stored responses."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class ResponseRecord(Struct, frozen=True):
    """The record of a stored response: the name of its object. Times are epoch seconds."""

    account_id: str
    response_id: str
    object_name: str
    created_at_s: int
    expires_at_s: int


class ResponseRecords(Protocol):
    """One record per account and response. Every read sees every write before it.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, record: ResponseRecord) -> None: ...

    async def get(self, account_id: str, response_id: str, now_s: float) -> ResponseRecord | None:
        """The account's record of that id; `None` if there is none or it has expired."""

    async def delete(self, record: ResponseRecord) -> None:
        """Deletes the record, if it exists."""
