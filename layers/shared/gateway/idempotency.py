"""The idempotency ring: one key, one answer, one charge, for 24 hours (section 5 of the public contract).

A key is claimed by one conditional write before anything is done, and a kept answer is given again without doing
anything. What is kept is what moved something: every 2xx. Whatever else comes out has moved nothing, and frees the key.
An attempt that died is first *disowned*: what it may have done is undone before another one begins, so that whenever
it died, one key pays for one answer. docs/adr/0005-idempotency.md goes through the deaths.
"""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from gateway.canonical.money import Hold
from gateway.errors import Conflict, GatewayError, InvalidRequest, ServiceUnavailable
from gateway.ports import Clock, IdempotencyRecord, IdempotencyRecords, KeptAnswer, Money, Objects, Sink

KEEP_S = 24 * 60 * 60
KEY_CHARACTERS_MAX = 255
RETRY_AFTER_S_MAX = 30
REPLAYED = "Idempotent-Replayed"

# What belongs to the answer. The trace id and the rate windows belong to the request at hand.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def replayed(self) -> bool:
        """Whether it was given before."""
        return REPLAYED in self.headers


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that came with an idempotency key: where its answer is kept, and what tells it from another one."""

    scope: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a request.

    `attempt_id` is new for each, and names whatever the try leaves behind. `deadline_s` (epoch) is when its process is
    dead for certain. `produce` does the work; `disown` undoes all that the attempt of an id has done, however far it
    came, and is harmless when repeated.
    """

    attempt_id: str
    deadline_s: float
    produce: Callable[[], Awaitable[Answer]]
    disown: Callable[[str], Awaitable[None]]


def keyed_request(
    key: str | None, account_id: str, method: str, path: str, content_type: str, body: bytes
) -> KeyedRequest | None:
    """The request under its key, or nothing without one; raises `InvalidRequest` for a key that is none.

    Neither the key nor the body can be read back from what is stored.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_CHARACTERS_MAX:
        raise InvalidRequest(BAD_KEY, code="invalid_idempotency_key")
    route = f"{method} {path}\n"
    name = hashlib.sha256(f"{route}{key}".encode()).hexdigest()
    told = hashlib.sha256(route.encode() + canonical_body(content_type, body)).hexdigest()
    return KeyedRequest(scope=f"{account_id}#{name}", fingerprint=told)


def canonical_body(content_type: str, body: bytes) -> bytes:
    """The body without what a client writes anew each time: the order of JSON's members, a multipart's boundary."""
    kind, _, parameters = content_type.partition(";")
    _, _, boundary = parameters.partition("boundary=")
    if kind.strip().lower() == "multipart/form-data" and boundary:
        return body.replace(boundary.partition(";")[0].strip(' "').encode(), b"")
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body


class Idempotency:
    """The ring around whatever costs or creates. A request without a key passes through it at no cost."""

    def __init__(self, records: IdempotencyRecords, objects: Objects, clock: Clock) -> None:
        self._records = records
        self._objects = objects
        self._clock = clock

    async def run(self, keyed: KeyedRequest | None, attempt: Attempt) -> Answer:
        """The attempt's answer, or the one given before; raises the contract's two conflicts, or what it raises."""
        if keyed is None:
            return await attempt.produce()
        claim = self._claim(keyed, attempt)
        kept = await self._enter(claim, attempt)
        if kept is not None:
            return await self._replay(kept)
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

    async def _enter(self, claim: IdempotencyRecord, attempt: Attempt) -> KeptAnswer | None:
        """Nothing once the key is claimed, or the answer that is kept under it."""
        now_s = self._clock.now_s()
        stands = await self._records.claim(claim, now_s)
        if stands is not None and _is_dead(stands, claim, now_s):
            # First: should this process die as well, the next one still finds the attempt that has to be undone.
            await attempt.disown(stands.attempt_id)
            stands = await self._records.claim(claim, now_s, after=stands.attempt_id)
        return None if stands is None else judge(stands, claim, now_s)

    async def _replay(self, kept: KeptAnswer) -> Answer:
        body = await self._objects.get(kept.object_name)
        if body is None:
            raise GatewayError(GONE, should_retry=False)
        return Answer(kept.status, {**kept.headers, REPLAYED: "true"}, body)

    async def _keep(self, claim: IdempotencyRecord, answer: Answer) -> None:
        """Where it cannot be kept the caller still gets it; a repeat then finds a dead attempt, and disowns it."""
        name = f"answers/{secrets.token_hex(32)}"
        headers = {name: value for name, value in answer.headers.items() if name.lower() in KEPT_HEADERS}
        expires_at_s = int(self._clock.now_s()) + KEEP_S
        kept = KeptAnswer(answer.status, headers, name)
        try:
            await self._objects.put(name, answer.body)
            if not await self._records.finish(replace(claim, answer=kept, expires_at_s=expires_at_s)):
                await self._objects.delete(name)
        except ServiceUnavailable:
            log.exception("the answer of attempt %s could not be kept", claim.attempt_id)

    async def _leave(self, claim: IdempotencyRecord, attempt: Attempt, *, moved_nothing: bool) -> None:
        """Frees the key. Where that fails, the key is free when the attempt's lease is over."""
        try:
            if not moved_nothing:
                await attempt.disown(claim.attempt_id)
            await self._records.free(claim)
        except ServiceUnavailable:
            log.exception("the key of attempt %s could not be freed", claim.attempt_id)


def judge(stands: IdempotencyRecord, claim: IdempotencyRecord, now_s: float) -> KeptAnswer:
    """The answer that stands for the claimed request; raises the conflict that stands in its way."""
    if stands.fingerprint != claim.fingerprint:
        raise Conflict(REUSED, code="idempotency_key_reused", should_retry=False)
    if stands.answer is None:
        # As long again as it has taken so far: a short request is asked for soon, a long one seldom.
        so_far_s = math.ceil(now_s - stands.claimed_at_s)
        retry_after_s = min(max(1, so_far_s), RETRY_AFTER_S_MAX)
        raise Conflict(IN_PROGRESS, code="idempotency_in_progress", retry_after_s=retry_after_s)
    return stands.answer


def _is_dead(stands: IdempotencyRecord, claim: IdempotencyRecord, now_s: float) -> bool:
    """Whether it is the same request, and its process did not live to finish it."""
    return stands.answer is None and stands.fingerprint == claim.fingerprint and stands.lease_until_s <= now_s


def _is_refusal(error: BaseException) -> bool:
    """Whether it is known to have moved nothing: not so what nobody foresaw, and a store that gave no answer."""
    if not isinstance(error, GatewayError) or isinstance(error, ServiceUnavailable):
        return False
    return error.status != GatewayError.status


async def disown_hold(money: Money, clock: Clock, account_id: str, hold_id: str) -> None:
    """Undoes what a request under that hold has done: an open hold is released, a charge paid back.

    The release is also the fence: a settlement that comes later, from a queue say, finds the hold ended.
    """
    now_s = clock.now_s()
    # Nothing is known but its name; the store finds what stands under it.
    ended = await money.release(Hold(account_id, hold_id, key_id="", amount_nanousd=0, deadline_s=0), now_s)
    paid_nanousd = -sum(entry.amount_nanousd for entry in ended.entries)
    if paid_nanousd:
        await money.credit(account_id, paid_nanousd, once=hold_id, now_s=now_s, note=LOST_ANSWER.format(hold_id))


@dataclass(slots=True)
class Recording:
    """A sink that keeps what passes through it, so that a stream can be an `Answer` too. Keep-alives are not in it."""

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
        """Recorded once it is on its way."""
        await self.sink.write(data)
        self._events.append(data)
