"""Orders candidates by what the caller wishes: a suffix of the name, `provider.order`, `provider.sort`, or a grade.

A wish moves candidates inside of one name: the models of an alias, or the targets of one model. The caller's order of
`model` and `models` stands, unless `provider.sort.partition` is `none`. Pure; equal candidates stay in the catalog's
order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel, ListPrice, flat_price
from gateway.canonical.estimate import estimated_input_tokens
from gateway.canonical.models import Alias, Name
from gateway.canonical.request import ChatRequest
from gateway.ports.upstream import row_of
from gateway.routing.plan import Candidate, Excluded, sifted

if TYPE_CHECKING:
    # Requests for `auto` alone are graded.
    from gateway.routing.grading import Grade

Chat: TypeAlias = Candidate[ChatModel]

# An answer of which nothing is known but that it may be no longer than its bound.
USUAL_OUTPUT_TOKENS = 500
# A target of which nothing is known is taken for a slow one.
SLOW_FIRST_TOKEN_MS = 2_000
SLOW_TOKENS_PER_S = 30
UNKNOWN_QUALITY = 0
# What a graded alias is ordered by, where its name ends in no wish.
_GRADED_WISH = "cheap"


class Expected(Struct, frozen=True):
    """The tokens that a request will probably come to."""

    prompt_tokens: int
    output_tokens: int

    @classmethod
    def of(cls, request: ChatRequest) -> Expected:
        """Estimates the request's tokens."""
        bound = request.max_output_tokens
        output = USUAL_OUTPUT_TOKENS if bound is None else min(bound, USUAL_OUTPUT_TOKENS)
        return cls(estimated_input_tokens(request), output)


def price_usd(price: ListPrice, expected: Expected) -> Decimal:
    """The millionths of a dollar that the expected tokens cost at a list price."""
    reached = [step.price for step in price.steps if expected.prompt_tokens > step.above_prompt_tokens]
    own = reached[-1] if reached else price
    return Decimal(own.input) * expected.prompt_tokens + Decimal(own.output) * expected.output_tokens


def first_token_ms(candidate: Chat) -> int:
    """The time to the first token, as the catalog has it."""
    return candidate.target.latency_ms or SLOW_FIRST_TOKEN_MS


def tokens_per_s(candidate: Chat) -> int:
    """The tokens a second after the first, as the catalog has them."""
    return candidate.target.throughput_tps or SLOW_TOKENS_PER_S


def whole_ms(candidate: Chat, expected: Expected) -> float:
    """The time to the last token of the expected answer."""
    return first_token_ms(candidate) + 1000 * expected.output_tokens / tokens_per_s(candidate)


def quality(candidate: Chat) -> int:
    """The catalog's quality of the model."""
    return candidate.model.quality or UNKNOWN_QUALITY


def _cost(candidate: Chat, expected: Expected) -> Decimal:
    """The cost at the target's own price: the bill of a flat alias is the same at each."""
    return price_usd(candidate.target.price, expected)


Wish = Callable[[Chat, Expected], Any]
# By a name's suffix, and by `provider.sort`; the least comes first.
_SUFFIXES: Mapping[str, Wish] = {
    "cheap": _cost,
    "fast": whole_ms,
    "quality": lambda candidate, _: -quality(candidate),
}
_SORTS: Mapping[str, Wish] = {
    "price": _cost,
    "latency": lambda candidate, _: first_token_ms(candidate),
    "throughput": lambda candidate, _: -tokens_per_s(candidate),
}


def wish_of(name: Name, request: ChatRequest) -> str | None:
    """The wish that orders the candidates of a name, in the caller's words: its suffix goes before the sort."""
    routing = request.routing
    if name.preference and not (routing.sort and routing.sort_across_models):
        return f":{name.preference}"
    if routing.sort is not None:
        return f"sort {routing.sort}"
    return f":{_GRADED_WISH}" if _is_graded(name) else None


def _wish(name: Name, request: ChatRequest) -> Wish | None:
    wish = wish_of(name, request)
    if wish is None:
        return None
    return _SUFFIXES[wish[1:]] if wish.startswith(":") else _SORTS[wish.removeprefix("sort ")]


def _is_graded(name: Name) -> bool:
    return isinstance(name.offer, Alias) and name.offer.graded


def ordered(
    found: Sequence[Chat],
    request: ChatRequest,
    grade: Grade | None,
    excluded: list[Excluded],
) -> list[Chat]:
    """The candidates in the order that the caller wishes; a graded alias has those alone that its price pays for."""
    routing = request.routing
    expected = Expected.of(request)
    found = _paid_for(found, expected, excluded)
    groups: dict[object, int] = {}
    rank = {provider: place for place, provider in enumerate(routing.order)}

    def key(candidate: Chat) -> tuple[Any, ...]:
        place = groups.setdefault(_group(candidate, request), len(groups))
        wish = _wish(candidate.name, request)
        provider = candidate.target.provider
        preferred = min(rank.get(name, len(rank)) for name in (provider, row_of(provider)))
        if is_short(candidate, grade):
            return place, True, preferred, candidate.own is None, -quality(candidate)
        # The account's own keys stand before the gateway's, which cost more.
        return place, False, preferred, candidate.own is None, 0 if wish is None else wish(candidate, expected)

    return sorted(found, key=key)


def is_short(candidate: Chat, grade: Grade | None) -> bool:
    """True for a model of a graded alias that is below the quality that the request needs: it is a last resort."""
    return grade is not None and _is_graded(candidate.name) and quality(candidate) < grade.quality


def _group(candidate: Chat, request: ChatRequest) -> object:
    if request.routing.sort is not None and request.routing.sort_across_models:
        return None
    name = candidate.name
    return name.requested if isinstance(name.offer, Alias) else (name.requested, candidate.model.id)


def _paid_for(found: Sequence[Chat], expected: Expected, excluded: list[Excluded]) -> list[Chat]:
    """The candidates of flat graded aliases that the flat price pays for, at the expected tokens; all where none is."""

    def objection(candidate: Chat) -> str | None:
        offer = candidate.name.offer
        if not isinstance(offer, Alias) or not offer.graded or not offer.flat or candidate.own is not None:
            return None
        is_paid = _cost(candidate, expected) <= price_usd(flat_price(offer), expected)
        return None if is_paid else "costs more than the flat price"

    said: list[Excluded] = []
    kept = sifted(found, "flat_price", objection, said)
    if not kept:
        return list(found)
    excluded += said
    return kept
