"""Memories that an account's agents keep across runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

KEY_CHARACTERS_MAX = 128
VALUE_CHARACTERS_MAX = 8_000
KEYS_MAX = 256
BYTES_MAX = 200_000


class Memory(Struct, frozen=True):
    """One remembered value; the time is epoch seconds."""

    value: str
    written_at_s: int


class Memories(Protocol):
    """Memories by account and key, bounded in count and bytes. Every read sees every write before it.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def read(self, account_id: str) -> Mapping[str, Memory]:
        """All memories of the account."""

    async def write(self, account_id: str, key: str, value: str, now_s: float) -> None:
        """Sets the value of a key; raises `InvalidRequest` where the account has no room for it."""

    async def delete(self, account_id: str, key: str) -> bool:
        """Deletes a memory; false if there was none."""
