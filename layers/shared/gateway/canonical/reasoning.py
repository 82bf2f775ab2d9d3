"""Effort words <-> thinking budgets, by one table for both directions, so that a round trip returns the same word.

Wires differ in how they ask a model to think: a word (OpenAI), a budget in tokens (Anthropic, Gemini), or the model's
own choice. The contract bounds a budget by 1,024 and 32,768 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

BUDGET_TOKENS_MIN = 1_024
BUDGET_TOKENS_MAX = 32_768

# The words from least to most, with their budgets.
BUDGET_TOKENS_OF = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 32_768,
}
ORDER = ("none", *BUDGET_TOKENS_OF)


def budget_of(effort: str) -> int:
    """The budget in tokens of an effort word; `KeyError` for `none` and for unknown words."""
    return BUDGET_TOKENS_OF[effort]


def effort_of(budget_tokens: int) -> str:
    """The first word whose budget is at least `budget_tokens`."""
    fitting = (word for word, budget in BUDGET_TOKENS_OF.items() if budget_tokens <= budget)
    return next(fitting, "max")


def nearest(effort: str, known: Sequence[str]) -> str | None:
    """The word in `known` that is nearest to `effort`, the lesser of two equally near; `None` if `known` is empty."""
    place = ORDER.index(effort)
    return min(known, key=lambda word: (abs(ORDER.index(word) - place), ORDER.index(word)), default=None)
