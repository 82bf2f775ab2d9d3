"""Judges what was paid, by what clients and providers know: independent of the gateway's own meters and prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.canonical.money import AccountSnapshot, Entry, EntryKind
from gateway.idempotency.ring import LOST_ANSWER
from gateway.ledger.hold_ids import admitted_s
from gateway.ledger.money import parse_usd
from gateway.limits.windows import month_of
from gateway.pipeline.context import RequestContext
from tests.faults.faults import Process
from tests.faults.provider import LIE, WRONG, Provider, Sent
from tests.faults.schedule import Asked


@dataclass(frozen=True, slots=True)
class Offer:
    """A model's prices in nano-USD a token, list price and 5 %, and its bounds."""

    input: int
    output: int
    output_max: int
    window: int

    def price(self, tokens: Iterable[int]) -> int:
        """The price of tokens of the prompt and of the answer."""
        return sum(count * each for count, each in zip(tokens, (self.input, self.output), strict=True))


OFFERS: Mapping[str, Offer] = {
    "gpt-4o": Offer(2_625, 10_500, 16_384, 128_000),
    "gpt-4.1-mini": Offer(420, 1_680, 32_768, 1_047_576),
    "o4-mini": Offer(1_155, 4_620, 100_000, 200_000),
}
BYTES_PER_TOKEN = 3
# A prompt has at most a token for each byte of its request, and 16 for its one message and for the answer's beginning.
FRAMING_TOKENS = 32
# The contract: the end of an answer waits so long for the store, and then for the queue.
END_S = 4.0


@dataclass
class Served:
    """One try at a generation, as its client and its provider know it."""

    asked: Asked
    hold_id: str
    process: Process
    provider: Provider
    body: bytes
    context: RequestContext[Any, Any] | None = None
    answer: bytes | None = None
    replayed: bool = False
    gone: bool = False
    ended_s: float = 0.0

    @property
    def answered(self) -> bool:
        """True if its client has the whole answer, from this try."""
        return self.answer is not None and not self.process.dead and not self.replayed


@dataclass(frozen=True, slots=True)
class Due:
    """The least and the most that a try may have been charged."""

    least: int
    most: int


def due(served: Served) -> Due:
    """The range of what the try may have been charged, by what its last attempt's provider handed over."""
    context = served.context
    if not served.provider.sent or context is None:
        return Due(0, 0)
    sent = _serving(served.provider.sent, context)
    offer, reported = OFFERS[sent[0].model], _reported(sent[0], served)
    estimated = _estimated(sent[0], _prompt_bytes(served))
    whole = None if reported is None else offer.price(reported)
    estimate = offer.price(estimated)
    most = estimate if reported is None else offer.price((max(a, b) for a, b in zip(reported, estimated, strict=True)))
    if served.process.dead:
        return Due(0, most)
    if context.complete and whole is not None:
        return Due(whole, whole)
    if context.complete and served.asked.ending == "no usage":
        return Due(estimate, estimate)
    if not context.delivered_bytes:
        return Due(0, 0)
    # A report that came before the content is not forgotten when the answer is cut.
    return Due(whole if whole is not None and served.asked.ending == "early usage" else 1, most)


def _serving(sent: Sequence[Sent], context: RequestContext[Any, Any]) -> Sequence[Sent]:
    """The last attempt at the model that serves, where two were begun side by side; else the last of all."""
    model = "" if context.served_by is None else context.served_by.target.upstream_model
    return [each for each in sent if each.model == model][-1:] or sent[-1:]


def _reported(sent: Sent, served: Served) -> tuple[int, int] | None:
    """The tokens that the provider reports, within their bounds; nothing of a report that makes no sense."""
    offer, usage = OFFERS[sent.model], sent.usage
    if usage is None or usage in WRONG.values():
        return None
    prompt = min(len(served.body) + FRAMING_TOKENS, offer.window)
    return min(usage["prompt_tokens"], prompt), min(usage["completion_tokens"], _bound(sent))


def _prompt_bytes(served: Served) -> int:
    """The bytes of the body that a model reads: the names of other models are the gateway's."""
    return len(orjson.dumps({name: value for name, value in orjson.loads(served.body).items() if name != "models"}))


def _estimated(sent: Sent, body_bytes: int) -> tuple[int, int]:
    prompt, output = (-(-size // BYTES_PER_TOKEN) for size in (body_bytes, sent.bytes_given))
    return prompt, min(output, _bound(sent))


def _bound(sent: Sent) -> int:
    return min(sent.bound or LIE, OFFERS[sent.model].output_max)


def charged(look: AccountSnapshot, hold_id: str) -> int:
    """The amount that a hold's entries charge; of it, a part that the balance did not cover was written off."""
    return -sum(entry.amount_nanousd for entry in _of(look, hold_id) if entry.kind is EntryKind.CHARGE)


def paid_for(look: AccountSnapshot, hold_id: str) -> int:
    """The amount that a hold's entries have cost, without what was given back for an answer that was lost."""
    note = LOST_ANSWER.format(hold_id)
    return -sum(entry.amount_nanousd for entry in look.entries if hold_id == entry.hold_id or entry.note == note)


def least(served: Served, amounts: Mapping[str, int]) -> int:
    """The least that a try may have been charged: by a key with a cap, no more than its hold came to."""
    owed = due(served).least
    return min(owed, amounts.get(served.hold_id, 0)) if served.asked.capped else owed


def check_try(served: Served, look: AccountSnapshot, amounts: Mapping[str, int], *, lossy: bool) -> None:
    """Raises if a try was charged less or more than it may be; `lossy` if the queue may have lost its end."""
    paid, allowed, context = charged(look, served.hold_id), due(served), served.context
    allowed = Due(0 if lossy else least(served, amounts), allowed.most)
    assert allowed.least <= paid <= allowed.most, ("charged", paid, allowed, _of(look, served.hold_id))
    extension = context and context.extension
    if extension and not served.process.dead and not lossy:
        told = parse_usd(extension.cost_usd)
        assert told == paid, ("told", told, "charged", paid, _of(look, served.hold_id))


def check_within_hold(served: Served, look: AccountSnapshot, amounts: Mapping[str, int]) -> None:
    """Raises if an answer whose length is bounded cost more than its hold (M12)."""
    is_open = served.asked.stream and not served.asked.bounded and served.asked.model != "o4-mini"
    if is_open or served.asked.ending == "lies of the prompt" or served.hold_id not in amounts:
        return
    paid = charged(look, served.hold_id)
    assert paid <= amounts[served.hold_id], ("beyond its hold", paid, amounts[served.hold_id])


def check_end(served: Served) -> None:
    """Raises if the end of an answer waited longer for the store than the contract says (M11)."""
    if served.answered and served.provider.sent:
        waited_s = served.ended_s - served.provider.last_s
        assert waited_s <= END_S + 0.1, ("waited", waited_s)


def check_one_key(tries: Sequence[Served], look: AccountSnapshot, amounts: Mapping[str, int], *, exact: bool) -> None:
    """Raises if tries under one Idempotency-Key paid for more than one answer.

    `exact` if nothing has happened for which one of them has to be disowned. A balance that is used up pays less.
    """
    paid = sum(paid_for(look, one.hold_id) for one in tries)
    allowed = [due(one) for one in tries]
    assert 0 <= paid <= max(each.most for each in allowed), ("one key paid", paid, allowed)
    if exact:
        answers = {one.answer for one in tries if one.answer is not None}
        assert len(answers) <= 1, ("one key has answers", answers)
        owed = min((least(one, amounts) for one in tries if one.answered), default=0)
        assert paid >= min(owed, paid + look.free_nanousd), ("one key paid", paid, allowed)


def check_count(look: AccountSnapshot, key_id: str) -> None:
    """Raises if a key whose count has begun is not counted for all that it has spent in the month."""
    own = [entry for entry in look.entries if entry.key_id == key_id and entry.hold_id is not None]
    spent = -sum(entry.amount_nanousd for entry in own if month_of(admitted_s(str(entry.hold_id))) == look.month)
    assert look.key_spent.get(key_id, 0) == spent, ("the month", look.key_spent, spent)


def _of(look: AccountSnapshot, hold_id: str) -> list[Entry]:
    return [entry for entry in look.entries if entry.hold_id == hold_id]
