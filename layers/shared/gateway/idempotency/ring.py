"""Idempotency: one key, one answer, one charge, for 24 hours (section 5 of the public contract).

One conditional write claims a key before any work. A stored answer is returned again without any work. Every 2xx is
stored, because it moved something; any other answer moved nothing, and frees the key. An attempt that died is first
*disowned*: its possible effects are undone before another attempt begins, so that one key always pays for one answer.
docs/adr/0005-idempotency.md goes through the cases.
"""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.json_bounds import ExceedsBounds
from gateway.canonical.money import Hold
from gateway.errors import Conflict, GatewayError, InvalidRequest, ServiceUnavailable
from gateway.framing import json_values
from gateway.logs.metrics import Metric, count
from gateway.ports.clock import Clock
from gateway.ports.idempotency import IdempotencyRecord, IdempotencyRecords, StoredAnswer
from gateway.ports.money import Money
from gateway.ports.objects import Objects
from gateway.ports.sink import CallerLeft, Sink

KEEP_S = 24 * 60 * 60
KEY_CHARACTERS_MAX = 255
RETRY_AFTER_S_MAX = 30
REPLAYED = "Idempotent-Replayed"

# Headers of the answer itself. The trace id and the rate windows belong to the current request.
KEPT_HEADERS = frozenset(
    {
        "cache-control",
        "content-type",
        "location",
        "x-nexevo-cache",
        "x-nexevo-generation-id",
        "x-nexevo-model-used",
        "x-nexevo-models-tried",
        "x-usage-input-tokens",
        "x-usage-output-tokens",
    }
)

BAD_KEY = f"The Idempotency-Key must have 1 to {KEY_CHARACTERS_MAX} characters."
REUSED = "This Idempotency-Key was used with another request body; use a new key for a new request."
IN_PROGRESS = "A request with this Idempotency-Key is in progress; its answer will be there for a later retry."
GONE = "The answer kept under this Idempotency-Key cannot be read any more; use a new key."
LOST_ANSWER = "refund of {}: its answer was lost"

log = logging.getLogger(__name__)


class Answer(Struct, frozen=True):
    """A complete HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class KeyedRequest(Struct, frozen=True):
    """A request with an idempotency key: the scope of its record, and the fingerprint that identifies its content."""

    scope: str
    fingerprint: str


class Attempt(Struct, frozen=True):
    """One try at a request.

    `attempt_id` is new for each, and names everything that the try leaves behind. After `deadline_s` (epoch) its
    process is dead for certain. `produce` does the work. `disown` undoes everything that the attempt of an id has done,
    and is harmless when repeated.
    """

    attempt_id: str
    deadline_s: float
    produce: Callable[[], Awaitable[Answer]]
    disown: Callable[[str], Awaitable[None]]


def keyed_request(
    key: str | None, account_id: str, method: str, path: str, content_type: str, body: bytes
) -> KeyedRequest | None:
    """Reads a request's key; `None` without one. Raises `InvalidRequest` for an invalid key.

    The stored values reveal neither the key nor the body.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_CHARACTERS_MAX:
        raise InvalidRequest(BAD_KEY, code="invalid_idempotency_key")
    route = f"{method} {path}\n"
    name = hashlib.sha256(f"{route}{key}".encode()).hexdigest()
    fingerprint = hashlib.sha256(route.encode() + canonical_body(content_type, body)).hexdigest()
    return KeyedRequest(scope=f"{account_id}#{name}", fingerprint=fingerprint)


def canonical_body(content_type: str, body: bytes) -> bytes:
    """The body without the parts that a client varies each time: the order of JSON's members, a
    multipart's boundary.
    """
    kind, _, parameters = content_type.partition(";")
    _, _, boundary = parameters.partition("boundary=")
    if kind.strip().lower() == "multipart/form-data" and boundary:
        return body.replace(boundary.partition(";")[0].strip(' "').encode(), b"")
    try:
        return orjson.dumps(json_values.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, ExceedsBounds):
        return body


class Idempotency:
    """Wraps every operation that costs money or creates something. A request without a key passes
    through at no cost.
    """

    def __init__(self, records: IdempotencyRecords, objects: Objects, clock: Clock) -> None:
        self._records = records
        self._objects = objects
        self._clock = clock

    async def run(self, keyed: KeyedRequest | None, attempt: Attempt) -> Answer:
        """The attempt's answer, or the stored one; raises the contract's two conflicts, or the attempt's own error."""
        if keyed is None:
            return await attempt.produce()
        claim = self._claim(keyed, attempt)
        stored = await self._enter(claim, attempt)
        if stored is not None:
            return await self._replay(stored)
        try:
            answer = await attempt.produce()
        except BaseException as error:
            await self._leave(claim, attempt, moved_nothing=_is_refusal(error))
            raise
        if 200 <= answer.status < 300:
            await self._keep(claim, answer)
        else:
            await self._leave(claim, attempt, moved_nothing=True)
        return answer

    def _claim(self, keyed: KeyedRequest, attempt: Attempt) -> IdempotencyRecord:
        now_s = self._clock.now_s()
        return IdempotencyRecord(
            scope=keyed.scope,
            fingerprint=keyed.fingerprint,
            attempt_id=attempt.attempt_id,
            claimed_at_s=int(now_s),
            lease_until_s=math.ceil(attempt.deadline_s),
            expires_at_s=int(now_s) + KEEP_S,
        )

    async def _enter(self, claim: IdempotencyRecord, attempt: Attempt) -> StoredAnswer | None:
        """Claims the key; returns the answer stored under it, if there is one."""
        now_s = self._clock.now_s()
        existing = await self._records.claim(claim, now_s)
        if existing is not None and _is_dead(existing, claim, now_s):
            # Disowning comes first: if this process dies too, the next one still finds the attempt to undo.
            await attempt.disown(existing.attempt_id)
            existing = await self._records.claim(claim, now_s, after=existing.attempt_id)
        return None if existing is None else judge(existing, claim, now_s)

    async def _replay(self, stored: StoredAnswer) -> Answer:
        body = await self._objects.get(stored.object_name)
        if body is None:
            raise GatewayError(GONE, should_retry=False)
        return Answer(stored.status, {**stored.headers, REPLAYED: "true"}, body)

    async def _keep(self, claim: IdempotencyRecord, answer: Answer) -> None:
        """Stores the answer. If that fails, the caller still gets it, and a repeat disowns the attempt as dead."""
        name = f"answers/{secrets.token_hex(32)}"
        headers = {name: value for name, value in answer.headers.items() if name.lower() in KEPT_HEADERS}
        expires_at_s = int(self._clock.now_s()) + KEEP_S
        stored = StoredAnswer(answer.status, headers, name)
        try:
            await self._objects.put(name, answer.body)
            if not await self._records.finish(replace(claim, answer=stored, expires_at_s=expires_at_s)):
                await self._objects.delete(name)
        except ServiceUnavailable:
            log.exception("the answer of attempt %s could not be kept", claim.attempt_id)
            count(Metric.ANSWERS_NOT_KEPT)

    async def _leave(self, claim: IdempotencyRecord, attempt: Attempt, *, moved_nothing: bool) -> None:
        """Frees the key. If that fails, the key is free when the attempt's lease ends."""
        try:
            if not moved_nothing:
                await attempt.disown(claim.attempt_id)
            await self._records.free(claim)
        except ServiceUnavailable:
            log.exception("the key of attempt %s could not be freed", claim.attempt_id)


def judge(existing: IdempotencyRecord, claim: IdempotencyRecord, now_s: float) -> StoredAnswer:
    """The answer stored for the claimed request; raises the conflict if there is none."""
    if existing.fingerprint != claim.fingerprint:
        raise Conflict(REUSED, code="idempotency_key_reused", should_retry=False)
    if existing.answer is None:
        # The wait is as long as the attempt has run so far, so a short request is retried soon and a long one seldom.
        so_far_s = math.ceil(now_s - existing.claimed_at_s)
        retry_after_s = min(max(1, so_far_s), RETRY_AFTER_S_MAX)
        raise Conflict(IN_PROGRESS, code="idempotency_in_progress", retry_after_s=retry_after_s)
    return existing.answer


def _is_dead(existing: IdempotencyRecord, claim: IdempotencyRecord, now_s: float) -> bool:
    """True if the record is of the same request, and its process died before finishing it."""
    return existing.answer is None and existing.fingerprint == claim.fingerprint and existing.lease_until_s <= now_s


def _is_refusal(error: BaseException) -> bool:
    """True if the error certainly moved nothing; an unexpected error, or a store without an answer, may have moved
    something.
    """
    if not isinstance(error, GatewayError) or isinstance(error, ServiceUnavailable):
        return False
    return error.status != GatewayError.status


async def disown_hold(money: Money, clock: Clock, account_id: str, hold_id: str) -> None:
    """Undoes a request's payment: releases an open hold, and credits a charge back.

    The release is also the fence: a later settlement, such as one from a queue, finds the hold ended.
    """
    now_s = clock.now_s()
    # Only the hold's id is known; the store finds the rest.
    ended = await money.release(Hold(account_id, hold_id, key_id="", amount_nanousd=0, deadline_s=0), now_s)
    paid_nanousd = -sum(entry.amount_nanousd for entry in ended.entries)
    if paid_nanousd:
        await money.credit(account_id, paid_nanousd, once=hold_id, now_s=now_s, note=LOST_ANSWER.format(hold_id))


class Recording(Struct):
    """Records a stream that passes through it, except keep-alives, so that the stream can be stored as an `Answer`."""

    sink: Sink
    _events: list[bytes] = field(default_factory=list)

    @property
    def committed(self) -> bool:
        return self.sink.committed

    @property
    def body(self) -> bytes:
        """Every event so far."""
        return b"".join(self._events)

    def announce(self, headers: Mapping[str, str]) -> None:
        self.sink.announce(headers)

    async def write(self, data: bytes) -> None:
        """Sends whole events, then records them, also for a caller who has left: a repeat of the key asks for them."""
        with suppress(CallerLeft):
            await self.sink.write(data)
        self._events.append(data)
