"""Signed tool calls and thoughts that a provider requires back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from gateway.canonical.parts import RedactedThinking, Text, Thinking


class SignedThought(Struct, frozen=True):
    """A thought that its provider requires back before a call; `said_characters` is the length of the turn's text
    before it.

    An empty `Text` with a signature stands for the end of a text that had one.
    """

    part: Thinking | RedactedThinking | Text
    said_characters: int = 0


class SignedCall(Struct, frozen=True):
    """Signed parts that providers of the protocol `signed_by` require back with a tool call of theirs.

    `signature` is the call's own; `thoughts` are those since the call before it in the same turn, in order.
    """

    call_id: str
    signed_by: str
    signature: str | None = None
    thoughts: tuple[SignedThought, ...] = ()


class Signatures(Protocol):
    """Signed calls by account and call id. Every process can recall a call as soon as `keep` returns.

    If the store cannot be reached, a method raises `ServiceUnavailable`; a repeat is safe.
    """

    async def keep(self, account_id: str, calls: Sequence[SignedCall], expires_at_s: int) -> None:
        """Stores the calls until `expires_at_s` (epoch seconds); a repeated id overwrites the earlier call."""

    async def recall(self, account_id: str, call_ids: Collection[str], now_s: float) -> Mapping[str, SignedCall]:
        """The stored calls, by call id; unknown ids are left out."""
