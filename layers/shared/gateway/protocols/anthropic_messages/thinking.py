"""Converts a caller's thinking settings to a target's: a budget, an effort word, or the model's own choice.

https://docs.claude.com/en/docs/build-with-claude/extended-thinking and .../adaptive-thinking: a budget is at least
1,024 and below `max_tokens`; the newest models take no budget, older ones nothing else; a forced tool call excludes
thinking; and inside a tool loop a budget needs the last turn's own thought back, signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gateway.canonical.reasoning import BUDGET_TOKENS_MIN, budget_of, effort_of, nearest
from gateway.canonical.request import ChatRequest, Reasoning
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.protocols.anthropic_messages.answer import PROTOCOL

Json = dict[str, Any]

# What a model that chooses for itself would come to, where it cannot choose.
_ADAPTIVE_EFFORT = "high"
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


class Thinking(Struct, frozen=True):
    """The members that decide about it, as the target takes them; `None` leaves a member out."""

    config: Json | None
    effort: str | None
    max_tokens: int

    @property
    def is_on(self) -> bool:
        """True if the model may think."""
        return self.config is not None and self.config["type"] != "disabled"


def thinking_for(request: ChatRequest, target: Target, messages: Sequence[Json]) -> Thinking:
    """Returns the thinking settings for `target`; `messages` are those that will be sent."""
    asked = request.max_output_tokens
    limit = target.max_output_tokens if asked is None else min(asked, target.max_output_tokens)
    effort = _effort(request.reasoning, target.profile)
    config = _config(request, target.profile, limit)
    if config is not None and config["type"] == "enabled" and _lacks_thought(messages):
        config = None
    return Thinking(config, effort, limit)


def _effort(reasoning: Reasoning | None, profile: Profile) -> str | None:
    """The nearest word that the family knows; a budget is a word to those that take none."""
    if reasoning is None or not profile.efforts:
        return None
    if reasoning.effort is not None and reasoning.effort != "none":
        return nearest(reasoning.effort, profile.efforts)
    if reasoning.budget_tokens is not None and profile.thinking == "adaptive":
        return nearest(effort_of(reasoning.budget_tokens), profile.efforts)
    return None


def _config(request: ChatRequest, profile: Profile, limit: int) -> Json | None:
    reasoning = request.reasoning
    is_own = request.protocol == PROTOCOL
    if reasoning is None or (is_own and _says_effort_only(reasoning)):
        return None
    if profile.thinking not in _MANNERS:
        if is_own and reasoning.budget_tokens is not None:
            raise InvalidRequest("This model does not think: leave 'thinking' out.", param="thinking")
        return None
    if reasoning.disabled:
        return {"type": "disabled"}
    if not is_own and request.tool_choice is not None and request.tool_choice.mode in ("required", "tool"):
        return None
    if profile.thinking == "adaptive" or (profile.thinking == "either" and reasoning.budget_tokens is None):
        # Who asks for a budget knows thoughts that are shown unless hidden.
        return {"type": "adaptive"} | _display(reasoning, is_own and reasoning.budget_tokens is None)
    budget = _fitting(_budget(reasoning), limit)
    return None if budget is None else {"type": "enabled", "budget_tokens": budget} | _display(reasoning, is_own=True)


_MANNERS = frozenset({"budget", "adaptive", "either"})


def _says_effort_only(reasoning: Reasoning) -> bool:
    """True if the caller gives only an effort, which on this wire is for all output and does not ask for thinking."""
    return not (reasoning.adaptive or reasoning.disabled or reasoning.budget_tokens)


def _display(reasoning: Reasoning, is_own: bool) -> Json:
    """Shows or hides thoughts. The newest models hide them by default; callers of other wires expect them."""
    shown = reasoning.include_thoughts
    if shown is None:
        return {} if is_own else {"display": "summarized"}
    return {"display": "summarized" if shown else "omitted"}


def _budget(reasoning: Reasoning) -> int:
    if reasoning.budget_tokens is not None:
        return max(reasoning.budget_tokens, BUDGET_TOKENS_MIN)
    return budget_of(reasoning.effort or _ADAPTIVE_EFFORT)


def _fitting(budget: int, limit: int) -> int | None:
    """The budget below the limit (field case E11), half of it where it does not fit; nothing where none would."""
    if budget < limit:
        return budget
    half = max(limit // 2, BUDGET_TOKENS_MIN)
    return half if half < limit else None


def _lacks_thought(messages: Sequence[Json]) -> bool:
    """True if the last assistant turn calls tools without the thought that a budget requires before them."""
    last = next((turn for turn in reversed(messages) if turn["role"] == "assistant"), None)
    said = None if last is None else last.get("content")
    listed = [said] if isinstance(said, dict) else said if isinstance(said, list) else []
    kinds = [block.get("type") if isinstance(block, dict) else "text" for block in listed]
    return "tool_use" in kinds and kinds[0] not in _THOUGHTS
