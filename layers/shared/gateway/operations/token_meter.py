"""Counts the money of operations that are priced by tokens."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel, ListPrice
from gateway.canonical.estimate import BYTES_PER_TOKEN, estimated_input_tokens, estimated_tokens
from gateway.canonical.limits import TokenDemand
from gateway.canonical.models import Alias, Sale
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.request import ChatRequest, PriceLimit, conversations
from gateway.canonical.usage import Usage, Uses, most_uses
from gateway.errors import InvalidRequest
from gateway.ledger.bounds import (
    OPEN_OUTPUT_TOKENS,
    input_tokens_at_most,
    output_tokens_at_most,
    usage_at_most,
    worst_case,
)
from gateway.ledger.money import NANO_PER_USD, format_usd
from gateway.ledger.prices import Terms, cost, price_of, terms
from gateway.operations.provider_tools import offered_tools
from gateway.pipeline.operation import Cost, OpenOutput
from gateway.providers.chat.profiles import PROFILES
from gateway.routing.plan import Candidate, Excluded, Plan, billed_at, billed_share, sifted
from gateway.routing.planning import over

# What OpenAI bills for the content of one search where it counts none: https://platform.openai.com/docs/pricing.
FOUND_TOKENS = 8_000
# The highest least bound of a wire (docs/bridging.md): a smaller one that a caller set is sent as this.
LEAST_BOUND_TOKENS = 16
# More than a catalog has prices; an operator's document may bring new ones for as long as the process lives.
TERMS_KEPT = 1024


class TokenMeter(Struct, frozen=True):
    """The money of one generation over its candidates. `units_max` bounds an answer that the caller left open.

    `cache_hit` is true for an answer that was kept, whose tokens are paid in part.
    """

    request: ChatRequest
    candidates: tuple[Candidate[ChatModel], ...]
    units_max: int | None = None
    cache_hit: bool = False

    @property
    def open_output(self) -> OpenOutput | None:
        """Nothing where the caller bounded the answer: it is held for in full."""
        if self.request.max_output_tokens is not None:
            return None
        most = max(candidate.model.max_output_tokens for candidate in self.candidates)
        most = most if self.units_max is None else min(most, self.units_max)
        return OpenOutput(
            first_units=min(OPEN_OUTPUT_TOKENS, most),
            most_units=most,
            bytes_per_unit=BYTES_PER_TOKEN,
            watched=self.request.stream and all(_is_seen(self.request, each) for each in self.candidates),
        )

    def worst_case(self, open_units: int) -> NanoUsd:
        """The worst case on the dearest candidate, so that the hold carries each of them."""
        return max([self._worst_case_on(candidate, open_units) for candidate in self._dearest])

    @property
    def _dearest(self) -> Iterable[Candidate[ChatModel]]:
        """The candidates, without those that cost the same as another one: most models are sold by several providers.

        Tools are sold by targets, so a request with tools is counted on each.
        """
        if self.request.tools or self.request.unmapped or len(self.candidates) == 1:
            return self.candidates
        return {(id(each.model), terms_of(each)): each for each in self.candidates}.values()

    def _worst_case_on(self, candidate: Candidate[ChatModel], open_units: int) -> NanoUsd:
        return worst_case(
            _roomy(self.request, self.request.max_output_tokens),
            terms_of(candidate),
            context_window=candidate.model.context_window,
            model_max=candidate.model.max_output_tokens,
            open_output_tokens=max(open_units, LEAST_BOUND_TOKENS),
            tools=offered_tools(self.request, candidate.target),
        )

    def cost(self, served_by: Candidate[ChatModel], usage: Usage) -> Cost:
        """The cost of the usage at the candidate that served."""
        agreed = terms_of(served_by)
        tools = offered_tools(self.request, served_by.target).costs(usage.uses, agreed.tool_basis_points)
        total = cost(usage, agreed, cache_hit=self.cache_hit) + sum(tool.nanousd for tool in tools)
        return Cost(total, agreed.tier, agreed.price_version, tools)

    def bounded(self, served_by: Candidate[ChatModel], usage: Usage) -> Usage:
        """The part of the usage that the request can have caused: prompts, answers and uses as they are held for."""
        model, request = served_by.model, self.request
        roomy = _roomy(request, request.max_output_tokens or self.units_max)
        output = output_tokens_at_most(roomy, model.max_output_tokens, model.max_output_tokens)
        tools = offered_tools(request, served_by.target)
        prompt = input_tokens_at_most(request, model.context_window, tools=tools, output_tokens=output)
        within = usage_at_most(usage, prompt_tokens=prompt, output_tokens=output)
        uses = tools.bounded(usage.uses)
        return replace(within, uses=uses) if uses else within

    @property
    def tokens(self) -> TokenDemand:
        """The bound of the prompt and of the answers, over the candidates; the prompt is probably far below its own."""
        roomy, output = _roomy(self.request, self.request.max_output_tokens), self.open_output
        first = OPEN_OUTPUT_TOKENS if output is None else output.first_units
        answers = max(output_tokens_at_most(roomy, each.model.max_output_tokens, first) for each in self.candidates)
        prompt = self._prompt_at_most
        likely = min(prompt, estimated_input_tokens(self.request)) + answers
        most = None if output is None else prompt + output.most_units * self._answers
        return TokenDemand(likely, prompt + answers, most)

    def units_within(self, tokens: int) -> int:
        """The tokens of each answer that so many tokens of all carry beside the prompt; 0 or less for none."""
        return (tokens - self._prompt_at_most) // self._answers

    def limited(self, units: int) -> TokenMeter:
        """Copies the meter, with answers of `units` tokens at most."""
        return replace(self, units_max=units)

    @property
    def _prompt_at_most(self) -> int:
        return max(map(self._prompt_at, self.candidates))

    def _prompt_at(self, candidate: Candidate[ChatModel]) -> int:
        model, tools = candidate.model, offered_tools(self.request, candidate.target)
        answers = output_tokens_at_most(self.request, model.max_output_tokens)
        return input_tokens_at_most(self.request, model.context_window, tools=tools, output_tokens=answers)

    @property
    def _answers(self) -> int:
        return max(1, self.request.choices) * len(conversations(self.request))

    def estimate(self, delivered_bytes: int, reported: Usage | None, seen: Uses = ()) -> Usage:
        """The probable usage of an answer whose provider did not report all of it.

        A report of no prompt counts none. What the uses of tools have found, and a report from before them does not
        count, has been read too.
        """
        known = reported or Usage()
        if not known.prompt:
            known = replace(known, input=estimated_input_tokens(self.request))
        uses = most_uses(known.uses, seen)
        unread = sum(count for _, count in uses) - sum(count for _, count in known.uses)
        output = max(known.output, estimated_tokens(delivered_bytes))
        return replace(known, input=known.input + unread * FOUND_TOKENS, output=output, uses=uses)

    def bytes_worth(self, served_by: Candidate[ChatModel], nanousd: NanoUsd) -> int:
        """The number of output bytes that cost so much."""
        thousand = cost(Usage(output=1000), terms_of(served_by))
        return max(1, nanousd * 1000 * BYTES_PER_TOKEN // max(1, thousand))


def _roomy(request: ChatRequest, bound: int | None) -> ChatRequest:
    """The request with that bound, or the least one that providers may be asked with: each has one of its own."""
    most = None if bound is None else max(bound, LEAST_BOUND_TOKENS)
    return request if most == request.max_output_tokens else replace(request, max_output_tokens=most)


def _is_seen(request: ChatRequest, candidate: Candidate[ChatModel]) -> bool:
    """True if all that the model generates is streamed as it comes: none of it is hidden reasoning.

    Some models reason where they are asked to, and others by themselves.
    """
    reasons = "reasoning" in candidate.model.capabilities
    if reasons and request.reasoning is None:
        reasons = not PROFILES[candidate.target.profile].reasons_when_asked
    return candidate.target.streams and not reasons


def within_prices(request: ChatRequest, planned: Plan[ChatModel], excluded: list[Excluded]) -> Plan[ChatModel]:
    """The plan without candidates above the caller's prices, by what this request can come to; raises where none is
    left.
    """
    limit = request.routing.max_price
    if limit is None:
        return planned

    def objection(candidate: Candidate[ChatModel]) -> str | None:
        return over(_reached_price(request, candidate), limit, billed_share(candidate))

    kept = sifted(planned.candidates, "max_price", objection, excluded)
    if not kept:
        message = "No model is within 'max_price' for a prompt of this length."
        raise InvalidRequest(message, param="max_price", code="max_price_exceeded")
    return _within_total(request, replace(planned, candidates=tuple(kept)), limit, excluded)


def _reached_price(request: ChatRequest, candidate: Candidate[ChatModel]) -> ListPrice:
    """The list price of the step that the prompt can reach."""
    listed, window = billed_at(candidate), candidate.model.context_window
    reached = [each.price for each in listed.steps if input_tokens_at_most(request, window) > each.above_prompt_tokens]
    return reached[-1] if reached else listed


def _within_total(
    request: ChatRequest, planned: Plan[ChatModel], limit: PriceLimit, excluded: list[Excluded]
) -> Plan[ChatModel]:
    """The plan without candidates whose worst case is over `max_price.total`; raises where none is left."""
    if limit.total_usd is None:
        return planned
    if request.max_output_tokens is None:
        bound = _bound_of(request)
        message = f"'max_price.total' bounds the worst case, which needs a bound of the answer: set '{bound}'."
        raise InvalidRequest(message, param=bound, code="missing_required_parameter")
    most = int(limit.total_usd * NANO_PER_USD)

    def objection(candidate: Candidate[ChatModel]) -> str | None:
        dearest = TokenMeter(request, (candidate,)).worst_case(OPEN_OUTPUT_TOKENS)
        return f"may cost {format_usd(dearest)} USD" if dearest > most else None

    kept = sifted(planned.candidates, "max_price.total", objection, excluded)
    if not kept:
        bound = _bound_of(request)
        message = f"The request may cost more than 'max_price.total' on every model: shorten it, or lower '{bound}'."
        raise InvalidRequest(message, param="max_price.total", code="max_price_exceeded")
    return replace(planned, candidates=tuple(kept))


def _bound_of(request: ChatRequest) -> str:
    """The caller's word for the bound of an answer."""
    from gateway.providers.constraints.refusals import member_of  # noqa: PLC0415  # few requests are refused here

    return member_of(request, "max_output_tokens")


def terms_of(candidate: Candidate[ChatModel]) -> Terms:
    """The terms that a candidate is billed by: its alias's flat tier, its target's own price, or the fee on that price
    where the account's own provider key serves.

    They are those of the price list by which the request was planned, however long it runs.
    """
    offer = candidate.name.offer
    tier = Tier(offer.tier) if isinstance(offer, Alias) else Tier.PASSTHROUGH
    tier = tier if candidate.own is None else Tier.BYOK
    return _terms(tier, billed_at(candidate), candidate.model.sale)


@lru_cache(maxsize=TERMS_KEPT)
def _terms(tier: Tier, price: ListPrice, sale: Sale) -> Terms:
    return terms(tier, price_of(price), sale)
