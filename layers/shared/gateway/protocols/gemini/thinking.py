"""Converts a caller's thinking settings to a target's: a budget, an effort word, or the model's own choice.

https://ai.google.dev/gemini-api/docs/thinking: the 2.5 models take a budget within bounds of their own, 0 for none
where they can do without and -1 for their own choice; the 3 models take a level. Never both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.reasoning import budget_of, effort_of, nearest
from gateway.canonical.request import Reasoning
from gateway.canonical.target import Profile

Json = dict[str, Any]

_DYNAMIC = -1


def encode_thinking(reasoning: Reasoning | None, profile: Profile) -> Json:
    """The `thinkingConfig` for a model, or nothing where it takes none or nothing was said."""
    if reasoning is None or profile.thinking not in _CONFIGS:
        return {}
    config = _CONFIGS[profile.thinking](reasoning, profile)
    shown = reasoning.include_thoughts
    if shown is None:
        shown = bool(config or reasoning.adaptive) and not is_off(reasoning)
    return config | ({"includeThoughts": True} if shown else {})


def fits(reasoning: Reasoning | None, profile: Profile) -> bool:
    """True if the model knows the caller's own `thinkingConfig`: a 2.5 model refuses a level."""
    return profile.thinking != "budget" or reasoning is None or reasoning.effort is None


def is_off(reasoning: Reasoning) -> bool:
    """True if the caller wants no thinking at all."""
    return reasoning.disabled or reasoning.effort == "none"


def _budget(reasoning: Reasoning, profile: Profile) -> Json:
    """A model that cannot do without thinking is asked for the least that it takes."""
    least, most = profile.thinking_budget_tokens
    if is_off(reasoning):
        return {"thinkingBudget": least if profile.thinks_always else 0}
    if reasoning.adaptive:
        return {"thinkingBudget": _DYNAMIC}
    wanted = budget_of(reasoning.effort) if reasoning.effort is not None else reasoning.budget_tokens
    return {} if wanted is None else {"thinkingBudget": min(max(wanted, least), most)}


def _level(reasoning: Reasoning, profile: Profile) -> Json:
    """The nearest level that the model has; its own choice is what it does unasked."""
    if is_off(reasoning):
        word = "minimal"
    elif reasoning.effort is not None:
        word = reasoning.effort
    elif reasoning.budget_tokens is not None:
        word = effort_of(reasoning.budget_tokens)
    else:
        return {}
    level = nearest(word, profile.efforts)
    return {} if level is None else {"thinkingLevel": level.upper()}


_CONFIGS: Mapping[str, Callable[[Reasoning, Profile], Json]] = {"budget": _budget, "effort": _level}
