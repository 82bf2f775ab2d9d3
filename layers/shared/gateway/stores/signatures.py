"""The Signatures table: one item per account and tool call, sealed with the call's id; only a hash of the id is stored.

The id is in the caller's own conversation and nowhere else, so the thoughts can be read neither from the table, nor
from its backups, nor by their operator. `expires_at_s` is the table's TTL attribute, and checked at each read too,
since DynamoDB may take days to delete.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct, field

from gateway.accounts.sealing import SealBroken, sealed, unsealed
from gateway.canonical.parts import RedactedThinking, Text, Thinking
from gateway.errors import ServiceUnavailable
from gateway.ports.signatures import SignedCall, SignedThought
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, Item, Throttled, repeated

TRIES = 4
# Version 2 is sealed in envelopes; items of version 1 are read for the day that they live.
SCHEMA_VERSION = 2
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html and API_BatchGetItem.html
WRITTEN_ITEMS_MAX = 25
READ_ITEMS_MAX = 100
# The limit of an item is 400 KB, attribute names included.
SEALED_BYTES_MAX = 399 * 1024
COMPRESSION = 1

# The stored fields of a part, by the name of its type.
PARTS: Mapping[str, tuple[type[Thinking | RedactedThinking | Text], Sequence[str]]] = {
    "thinking": (Thinking, ("text", "signature", "signed_by")),
    "redacted": (RedactedThinking, ("data", "signed_by")),
    "text": (Text, ("text", "signature")),
}
WORDS = {part: word for word, (part, _) in PARTS.items()}

log = logging.getLogger(__name__)


class DynamoSignatures:
    """`Signatures` in one table."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._aws = aws
        self._table = table

    async def keep(self, account_id: str, calls: Sequence[SignedCall], expires_at_s: int) -> None:
        last = {call.call_id: _sealed(account_id, call) for call in calls}
        fitting = {call_id: kept for call_id, kept in last.items() if len(kept) <= SEALED_BYTES_MAX}
        if len(fitting) < len(last):
            log.warning("the thoughts before %d calls are too long to be kept", len(last) - len(fitting))
        puts = [
            {"PutRequest": {"Item": _item(account_id, call_id, kept, expires_at_s)}}
            for call_id, kept in fitting.items()
        ]
        await _done(
            _Batch(self._aws, "BatchWriteItem", "UnprocessedItems", {self._table: chunk})
            for chunk in _chunks(puts, WRITTEN_ITEMS_MAX)
        )

    async def recall(self, account_id: str, call_ids: Collection[str], now_s: float) -> Mapping[str, SignedCall]:
        asked = {_name(call_id): call_id for call_id in call_ids}
        keys = [to_item({"account_id": account_id, "call": name}) for name in asked]
        found = await _done(
            _Batch(self._aws, "BatchGetItem", "UnprocessedKeys", {self._table: {"Keys": chunk, "ConsistentRead": True}})
            for chunk in _chunks(keys, READ_ITEMS_MAX)
        )
        calls = [_opened(account_id, item, asked[item["call"]["S"]]) for item in found if _stands(item, now_s)]
        return {call.call_id: call for call in calls if call is not None}


class _Batch(Struct):
    """Reads or writes of which DynamoDB may do a part at a time; `left` is the rest, in DynamoDB's form."""

    aws: AwsApi
    operation: str
    rest: str
    left: Item
    found: list[Item] = field(default_factory=list)

    async def attempt(self) -> Item:
        """Makes one exchange; raises `Throttled` while anything is left."""
        answer = await self.aws.call("dynamodb", self.operation, {"RequestItems": self.left})
        for items in answer.get("Responses", {}).values():
            self.found += items
        self.left = answer.get(self.rest) or {}
        if self.left:
            raise Throttled(self.rest, self.operation)
        return answer


async def _done(batches: Iterable[_Batch]) -> list[Item]:
    """The items that the batches found, once all batches are done; raises `ServiceUnavailable`."""
    started = list(batches)
    try:
        await asyncio.gather(*(repeated(batch.attempt, tries=TRIES, ambiguous=True) for batch in started))
    except AwsError as error:
        raise ServiceUnavailable(STORE_DOWN) from error
    return [item for batch in started for item in batch.found]


def _chunks(elements: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (elements[start : start + size] for start in range(0, len(elements), size))


def _name(call_id: str) -> str:
    """The table's key of a call; the id, which unseals the item, cannot be derived from it."""
    return hashlib.sha256(f"signed call {call_id}".encode()).hexdigest()


def _item(account_id: str, call_id: str, kept: bytes, expires_at_s: int) -> Item:
    plain = {
        "account_id": account_id,
        "call": _name(call_id),
        "schema_version": SCHEMA_VERSION,
        "expires_at_s": expires_at_s,
    }
    return {**to_item(plain), "sealed": {"B": b64encode(kept).decode()}}


def _stands(item: Item, now_s: float) -> bool:
    """True if an item is unexpired and has a version that this release reads."""
    plain = from_item({name: item[name] for name in ("expires_at_s", "schema_version")})
    return bool(plain["expires_at_s"] > now_s and plain["schema_version"] == SCHEMA_VERSION)


def _sealed(account_id: str, call: SignedCall) -> bytes:
    """Seals the thoughts, compressed first: they are text, and an item is paid by the KB."""
    plain = orjson.dumps([call.signed_by, call.signature, [_thought(thought) for thought in call.thoughts]])
    return sealed(zlib.compress(plain, COMPRESSION), call.call_id, _context(account_id))


def _opened(account_id: str, item: Item, call_id: str) -> SignedCall | None:
    """Unseals the call of an item; `None` if the item was changed, which costs the conversation only its thoughts."""
    try:
        plain = zlib.decompress(unsealed(b64decode(item["sealed"]["B"]), call_id, _context(account_id)))
    except SealBroken:
        log.exception("a kept signature of account %s was changed in its table", account_id)
        return None
    signed_by, signature, thoughts = orjson.loads(plain)
    return SignedCall(call_id, signed_by, signature, tuple(_read_thought(*thought) for thought in thoughts))


def _context(account_id: str) -> str:
    return f"signed call of {account_id}"


def _thought(thought: SignedThought) -> list[Any]:
    word = WORDS[type(thought.part)]
    return [thought.said_characters, word, *(getattr(thought.part, name) for name in PARTS[word][1])]


def _read_thought(said_characters: int, word: str, *values: Any) -> SignedThought:
    part, names = PARTS[word]
    return SignedThought(part(**dict(zip(names, values, strict=True))), said_characters)
