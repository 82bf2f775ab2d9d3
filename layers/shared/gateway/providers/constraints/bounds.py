"""Numbers, words and lists of a request within what a target takes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from gateway.canonical.estimate import estimated_input_tokens
from gateway.canonical.parts import Part, RedactedThinking, Thinking
from gateway.canonical.reasoning import nearest
from gateway.canonical.request import ChatRequest, Reasoning, Sampling
from gateway.canonical.target import Profile, Target
from gateway.providers.constraints.refusals import refuse, refuse_unknown
from gateway.providers.constraints.table import Constraints

_BUDGETED = frozenset({"budget", "either"})
# What a target may not know of how tokens are drawn, and the values that ask for nothing.
_NOTHING_ASKED: Mapping[str, tuple[Any, ...]] = {
    "top_k": (None,),
    "seed": (None,),
    "stop": ((),),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "logit_bias": (None,),
    "logprobs": (False,),
    "top_logprobs": (None,),
}


def fit_bounds(request: ChatRequest, target: Target, limits: Constraints) -> ChatRequest:
    """The request with each bound in the target's range; refused by name where the caller requires every parameter."""
    return replace(
        request,
        max_output_tokens=_output_tokens(request, target, limits),
        sampling=_sampling(request, limits),
        parallel_tool_calls=_parallel(request, limits),
        reasoning=_reasoning(request, target.profile),
        user=_user(request, limits),
    )


def _output_tokens(request: ChatRequest, target: Target, limits: Constraints) -> int | None:
    """A bound for which the prompt leaves no room is left out: the prompt is for the provider to judge."""
    asked = request.max_output_tokens
    if asked is None:
        return None
    least, most = limits.output_tokens_min, target.max_output_tokens
    if limits.bound_in_context and target.context_window is not None and asked > least:
        most = min(most, target.context_window - estimated_input_tokens(request))
    if most < least:
        return None
    fitting = max(least, min(asked, most))
    if fitting != asked:
        refuse(request, "max_output_tokens", f"this model's provider takes {least} to {most}")
    return fitting


def _sampling(request: ChatRequest, limits: Constraints) -> Sampling:
    sampling = request.sampling
    for name in limits.lacks:
        nothing = _NOTHING_ASKED.get(name)
        if nothing is None:
            continue
        if getattr(sampling, name) not in nothing:
            refuse_unknown(request, name)
        sampling = replace(sampling, **{name: nothing[0]})
    return replace(
        sampling,
        stop=_stop(request, sampling.stop, limits),
        temperature=_temperature(request, limits),
        seed=_seed(request, sampling.seed, limits),
    )


def _stop(request: ChatRequest, stops: tuple[str, ...], limits: Constraints) -> tuple[str, ...]:
    kept = stops if limits.stops_blank else tuple(stop for stop in stops if stop.strip())
    if kept != stops:
        refuse(request, "stop", "this model's provider takes no stop sequence of blanks alone")
    if limits.stops_max is not None and len(kept) > limits.stops_max:
        refuse(request, "stop", f"this model's provider takes at most {limits.stops_max} stop sequences")
        kept = kept[: limits.stops_max]
    return kept


def _temperature(request: ChatRequest, limits: Constraints) -> float | None:
    asked = request.sampling.temperature
    if asked is None or asked <= limits.temperature_max:
        return asked
    refuse(request, "temperature", f"this model's provider takes at most {limits.temperature_max:g}")
    return limits.temperature_max


def _seed(request: ChatRequest, seed: int | None, limits: Constraints) -> int | None:
    """Equal seeds stay equal: a longer one keeps its last bits."""
    half = 1 << (limits.seed_bits - 1)
    if seed is None or -half <= seed < half:
        return seed
    refuse(request, "seed", f"this model's provider takes seeds of {limits.seed_bits} bits")
    return seed % half


def _parallel(request: ChatRequest, limits: Constraints) -> bool | None:
    if "parallel_tool_calls" not in limits.lacks:
        return request.parallel_tool_calls
    if request.parallel_tool_calls is False:
        refuse_unknown(request, "parallel_tool_calls")
    return None


def _user(request: ChatRequest, limits: Constraints) -> str | None:
    """A longer id becomes its digest, which tells end users apart as well."""
    most = limits.user_characters_max
    if "user" in limits.lacks and request.user is not None:
        refuse_unknown(request, "user")
        return None
    if request.user is None or most is None or len(request.user) <= most:
        return request.user
    refuse(request, "user", f"this model's provider takes at most {most} characters")
    return hashlib.sha256(request.user.encode()).hexdigest()[:most]


def _reasoning(request: ChatRequest, profile: Profile) -> Reasoning | None:
    reasoning = request.reasoning
    if reasoning is None:
        return None
    for fit in _FITTINGS:
        reasoning = fit(request, reasoning, profile)
    return reasoning


def fit_thinking(request: ChatRequest, limits: Constraints) -> ChatRequest:
    """A request to go on with an answer that opens without a thought of the target's is one without thinking."""
    reasoning = request.reasoning
    if limits.thinks_from_answer or reasoning is None or reasoning.disabled or reasoning.effort == "none":
        return request
    last = next(reversed(request.messages), None)
    if last is None or last.role != "assistant" or _is_thought(last.parts[0], limits.dialect):
        return request
    asked = "effort" if reasoning.effort is not None else "thinking"
    refuse(request, asked, "this model does not think where it goes on with an answer")
    return replace(request, reasoning=None)


def _is_thought(part: Part, dialect: str) -> bool:
    return isinstance(part, Thinking | RedactedThinking) and part.signed_by == dialect


def _effort(request: ChatRequest, reasoning: Reasoning, profile: Profile) -> Reasoning:
    """The nearest word that the generation knows. Where it is asked by words alone, no thinking is one of them."""
    by_words_alone = profile.thinking == "none" and bool(profile.efforts)
    word = "none" if reasoning.disabled and by_words_alone else reasoning.effort
    if word is None or not profile.efforts or word in profile.efforts or (word == "none" and not by_words_alone):
        return replace(reasoning, effort=word)
    known = ", ".join(f"'{effort}'" for effort in profile.efforts)
    refuse(request, "thinking" if reasoning.effort is None else "effort", f"this model knows the efforts {known}")
    return replace(reasoning, effort=nearest(word, profile.efforts))


def _budget(request: ChatRequest, reasoning: Reasoning, profile: Profile) -> Reasoning:
    budget = reasoning.budget_tokens
    if budget is None or profile.thinking not in _BUDGETED:
        return reasoning
    least, most = profile.thinking_budget_tokens
    fitting = max(least, min(budget, most))
    if fitting != budget:
        refuse(request, "budget_tokens", f"this model takes {least} to {most}")
    return replace(reasoning, budget_tokens=fitting)


_FITTINGS: tuple[Callable[[ChatRequest, Reasoning, Profile], Reasoning], ...] = (_effort, _budget)
