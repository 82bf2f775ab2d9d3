"""Tests, over random catalogs and requests, that no candidate of any plan breaks a rule of the caller or of the key."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.models import Alias, Retired
from gateway.canonical.request import ChatRequest
from gateway.canonical.usage import Usage
from gateway.catalog.catalog import Catalog
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.ledger.bounds import OPEN_OUTPUT_TOKENS, input_tokens_at_most, output_tokens_at_most
from gateway.operations.chat import ChatOperation, provider_of, target_of
from gateway.ports.clock import Clock
from gateway.protocols import openai_chat
from gateway.providers.chat.profiles import PROFILES
from gateway.routing.plan import Candidate, Plan
from gateway.signatures import Vault
from tests.fakes.signatures import MemorySignatures
from tests.routing.catalogs import alias, asked, caller, catalog_of, model, target

IDS = ("m0", "m1", "m2", "m3", "m4")
PROVIDERS = ("openai", "deepseek", "anthropic", "bedrock", "gemini", "vertex")
REGIONS: dict[str, list[str | None]] = {"bedrock": [None, "us-east-1", "cn-north-1"], "vertex": [None, "europe-west1"]}
CHINESE = {"deepseek"}
USD = ("0.1", "1", "3", "8", "15")
NAMES = (*IDS, "deepseek/m0", "bedrock/m1", "openai/m2", "old", "nexevo/flat", "nexevo/listed", "nexevo/auto", "auto")
ENTRIES = (*IDS, "deepseek/*", "m*", "old", "nexevo/*", "nexevo/auto", "auto", "m1:cheap")
PIXEL = "https://example.com/pixel.png"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}


def targets(drawn: Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for provider in drawn.sample(PROVIDERS, drawn.randint(1, 3)):
        region = drawn.choice(REGIONS.get(provider, [None]))
        speed = drawn.choice([{}, {"latency_ms": 300, "throughput_tps": 90}, {"latency_ms": 2_500}])
        steps = drawn.choice([{}, {"steps": [{"above_prompt_tokens": 40, "input": "15", "output": "15"}]}])
        profile = drawn.choice(["openai_gpt", "openai_gpt5"]) if provider == "openai" else None
        row = target(provider, drawn.choice(USD), drawn.choice(USD), price=steps, **speed)
        made.append(row | ({"profile": profile} if profile else {}) | ({"region": region} if region else {}))
    return made


def catalog_drawn(seed: int) -> Catalog[ChatModel]:
    """Draws a catalog by a seed, since a hundred of Hypothesis' own draws would take longer than all else here."""
    drawn, rows = Random(seed), []
    for place, name in enumerate(IDS):
        more: dict[str, Any] = {}
        if drawn.random() < 0.5:
            more["quality"] = drawn.randint(0, 100)
        if drawn.random() < 0.5:
            more |= {"input": ["text"], "capabilities": drawn.choice([["tools"], ["structured_output"]])}
        later = [other for other in IDS[place + 1 :] if drawn.randrange(6) == 0]
        if drawn.randrange(3) == 0:
            more["margin"] = drawn.choice(["0", "40", "1000"])
        rows.append(model(name, *targets(drawn), **more | ({"fallbacks": later} if later else {})))
    some = [drawn.sample(IDS, drawn.randint(1, 4)) for _ in range(3)]
    aliases = (
        alias("nexevo/flat", *some[0], tier="fast"),
        alias("nexevo/listed", *some[1]),
        alias("nexevo/auto", *some[2], tier="balanced", graded=True, also=["auto"]),
    )
    return catalog_of(*rows, {"id": "old", "retired": {"on": "2025-12-01", "successor": "m2"}}, *aliases)


SEEDS = st.integers(0, 2**32)


def optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


PROVIDER_NAMES = st.lists(st.sampled_from((*PROVIDERS, "nowhere")), min_size=1, max_size=4, unique=True)
LIMITS = optional(
    prompt=st.sampled_from(USD),
    completion=st.sampled_from(USD),
    total=st.sampled_from(["0.0005", "0.002", "0.01", "0.05"]),
    cache_read=st.sampled_from(USD),
).filter(bool)
NAMED = st.builds("".join, st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "", ":cheap", ":fast", ":quality"])))
CONTENTS = st.sampled_from(
    ["Hi", "Prove that there are infinitely many primes. " * 20, [{"type": "image_url", "image_url": {"url": PIXEL}}]]
)
MEMBERS = optional(
    temperature=st.sampled_from([0.2, 1, 1.9]),
    tools=st.just([TOOL]),
    response_format=st.just(FORMAT),
    seed=st.just(7),
    logit_bias=st.just({"5": 1}),
    reasoning_effort=st.sampled_from(["low", "high"]),
)
# By rule: the member of `provider`, of the body or of the key, and its values.
RULES: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "order": ("provider", PROVIDER_NAMES),
    "only": ("provider", PROVIDER_NAMES),
    "ignore": ("provider", PROVIDER_NAMES),
    "allow_fallbacks": ("provider", st.just(value=False)),
    "sort": ("provider", st.sampled_from(["price", "latency", "throughput", {"by": "price", "partition": "none"}])),
    "require_parameters": ("provider", st.just(value=True)),
    "models": ("body", st.lists(NAMED, min_size=1, max_size=2)),
    "max_price": ("body", LIMITS),
    "allowed_models": ("key", st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=4, unique=True).map(tuple)),
    "region_policy": ("key", st.sampled_from(["cn-only", "overseas-only"])),
}


@st.composite
def asking(draw: st.DrawFn, rule: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of a key, and the members of a request: with this rule, and perhaps with others."""
    others = draw(st.lists(st.sampled_from(sorted(RULES)), max_size=2))
    places: dict[str, dict[str, Any]] = {"provider": {}, "body": draw(MEMBERS), "key": {}}
    # A rule is often broken in company alone: of models, or with the providers that stand behind the first.
    for each in {rule, *others, *COMPANY.get(rule, ())}:
        place, values = RULES[each]
        places[place][each] = draw(values)
    max_tokens = draw(st.sampled_from([50, 5_000, None]))
    bound = {} if max_tokens is None else {"max_tokens": max_tokens}
    return places["key"], places["body"] | {"provider": places["provider"]} | bound


COMPANY = {"order": ("allow_fallbacks",), "allowed_models": ("models",)}


class Case:
    """A plan that was made, with all that it has to keep to."""

    def __init__(self, catalog: Catalog[ChatModel], principal: Principal, request: ChatRequest) -> None:
        self.operation = ChatOperation(openai_chat.CLIENT, catalog, Vault(MemorySignatures(), cast("Clock", None)))
        self.catalog, self.principal, self.request = catalog, principal, request

    def plan(self) -> Plan[ChatModel] | None:
        """The plan, or nothing where the request is refused."""
        try:
            return self.operation.plan(self.principal, self.request)
        except (InvalidRequest, PermissionDenied):
            return None

    def broken(self, candidate: Candidate[ChatModel]) -> list[str]:
        """The rules that the candidate breaks."""
        routing, provider = self.request.routing, candidate.target.provider
        rules = {
            "allowed_models": self._is_allowed(candidate),
            "region_policy": self._is_reached(candidate),
            "named": not candidate.name.provider or candidate.name.provider == provider,
            "only": not routing.only or provider in routing.only,
            "ignore": provider not in routing.ignore,
            "order": routing.allow_fallbacks or not routing.order or provider in routing.order,
            "max_price": self._is_within_prices(candidate),
            "total": self._is_within_total(candidate),
            "require_parameters": not routing.require_parameters or self._takes_all(candidate),
        }
        return [rule for rule, is_kept in rules.items() if not is_kept]

    def _is_allowed(self, candidate: Candidate[ChatModel]) -> bool:
        entries = self.principal.key.allowed_models
        offer = candidate.name.offer
        names = {candidate.model.id}
        if isinstance(offer, Alias | Retired) or offer.id == candidate.model.id:
            names |= {candidate.name.requested, offer.id}
        fits = (
            name == entry or (entry[-1] == "*" and name.startswith(entry[:-1])) for name in names for entry in entries
        )
        return not entries or any(fits)

    def _is_reached(self, candidate: Candidate[ChatModel]) -> bool:
        policy, region = self.principal.key.region_policy, candidate.target.region
        in_china = candidate.target.provider in CHINESE if region is None else region.startswith("cn-")
        return policy == "any" or in_china is (policy == "cn-only")

    def _is_within_prices(self, candidate: Candidate[ChatModel]) -> bool:
        limit = self.request.routing.max_price
        if limit is None:
            return True
        price, offer = candidate.target.price, candidate.name.offer
        prompt, completion, cached = Decimal(price.input), Decimal(price.output), Decimal(price.input)
        if price.steps and input_tokens_at_most(self.request, candidate.model.context_window) > 40:
            prompt = completion = cached = Decimal(15)
        if isinstance(offer, Alias) and offer.flat:
            prompt, completion, cached = Decimal(3), Decimal(12), Decimal(3)
        elif candidate.own is None:
            share = 1 + Decimal(candidate.model.sale.margin) / 10_000
            prompt, completion, cached = prompt * share, completion * share, cached * share
        within = (
            limit.prompt_usd is None or prompt <= limit.prompt_usd,
            *(cached <= most for _, most in limit.classes_usd),
        )
        return all(within) and (limit.completion_usd is None or completion <= limit.completion_usd)

    def _is_within_total(self, candidate: Candidate[ChatModel]) -> bool:
        limit = self.request.routing.max_price
        if limit is None or limit.total_usd is None:
            return True
        return self.dearest(candidate) <= limit.total_usd * 10**9

    def _takes_all(self, candidate: Candidate[ChatModel]) -> bool:
        has = candidate.model.capabilities
        request = self.request
        wants = {"tools": bool(request.tools), "structured_output": request.output_format is not None}
        wants["reasoning"] = request.reasoning is not None
        if not {name for name, is_wanted in wants.items() if is_wanted} <= {*has}:
            return False
        if PROFILES[candidate.target.profile].fixed_sampling and request.sampling.temperature not in {None, 1}:
            return False
        try:
            provider_of(candidate, request).written(request, target_of(candidate))
        except GatewayError:
            return False
        return True

    def dearest(self, candidate: Candidate[ChatModel]) -> int:
        """The cost of the longest prompt and answer of the request at the candidate."""
        model = candidate.model
        prompt = input_tokens_at_most(self.request, model.context_window)
        output = output_tokens_at_most(self.request, model.max_output_tokens, OPEN_OUTPUT_TOKENS)
        meter = self.operation.meter(self.request, Plan((candidate,), 3))
        return meter.cost(candidate, Usage(input=prompt, output=output)).nanousd


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, NAMED, CONTENTS, st.data())
def test_no_candidate_breaks_a_rule(rule: str, seed: int, name: str, content: Any, data: st.DataObject) -> None:
    key, members = data.draw(asking(rule))
    request = asked(name, messages=[{"role": "user", "content": content}], **members)
    case = Case(catalog_drawn(seed), caller(**key), request)
    plan = case.plan()
    event("refused" if plan is None else "planned")
    if plan is None:
        return
    assert [broken for candidate in plan.candidates if (broken := case.broken(candidate))] == []
    assert request.routing.allow_fallbacks or len(plan.candidates) == 1
    assert list(plan.propensities.values()) == [1.0, *[0.0] * (len(plan.propensities) - 1)]
    meter = case.operation.meter(request, plan)
    hold = meter.worst_case(OPEN_OUTPUT_TOKENS)
    assert hold >= max(map(case.dearest, plan.candidates))
    _billed_by_its_name(case, plan)


def _billed_by_its_name(case: Case, plan: Plan[ChatModel]) -> None:
    """A suffix, a sort and a grade leave the tier as the name has it."""
    meter = case.operation.meter(case.request, plan)
    for candidate in plan.candidates:
        cost = meter.cost(candidate, Usage(input=1_000_000))
        flat = candidate.name.requested.partition(":")[0] in {"nexevo/flat", "nexevo/auto", "auto"}
        assert (cost.tier == "passthrough") is not flat
        assert not flat or cost.nanousd == 3 * 10**9


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, NAMED, asking("sort"), st.sampled_from([":cheap", ":fast", ":quality"]))
def test_a_suffix_changes_the_order_and_nothing_else(
    seed: int, name: str, asks: tuple[dict[str, Any], dict[str, Any]], suffix: str
) -> None:
    catalog, members = catalog_drawn(seed), asks[1]
    plain = name.partition(":")[0]
    members |= {"provider": members["provider"] | {"allow_fallbacks": True}}

    def found(asked_as: str) -> Any:
        # Bodies of one length, since prices bound the worst case by it, and prompts of one estimate.
        said = [{"role": "user", "content": "u" * (30 - len(asked_as))}]
        plan = Case(catalog, caller(), asked(asked_as, messages=said, **members)).plan()
        return None if plan is None else {(each.model.id, each.target) for each in plan.candidates}

    assert found(plain + suffix) == found(plain)


def test_the_rules_are_told_apart() -> None:
    """A case that breaks every rule is found to: the oracle above cannot pass by silence."""
    catalog = catalog_of(model("m0", target("deepseek", "8", "15"), input=["text"], capabilities=["tools"]))
    members = {
        "provider": {"only": ["openai"], "ignore": ["deepseek"], "order": ["openai"], "allow_fallbacks": False},
        "max_price": {"prompt": "1", "total": "0.0001"},
        "max_tokens": 50,
        "response_format": FORMAT,
    }
    members["provider"] |= {"require_parameters": True}  # type: ignore[operator]  # a dict of mixed values
    key = caller(allowed_models=("m1",), region_policy="overseas-only")
    case = Case(catalog, key, asked("m0", **members))
    name = catalog.find("m0")
    (only,) = catalog.models()
    assert name is not None
    assert case.broken(Candidate(name, only, only.targets[0])) == [
        "allowed_models",
        "region_policy",
        "only",
        "ignore",
        "order",
        "max_price",
        "total",
        "require_parameters",
    ]
