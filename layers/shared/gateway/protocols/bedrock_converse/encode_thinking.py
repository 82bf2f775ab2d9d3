"""Encodes thinking settings for a model on Bedrock: a budget, its own choice, or an effort word, by its profile.

Claude's rules (https://docs.claude.com/en/docs/build-with-claude/extended-thinking): a budget is at least 1,024 tokens
and below the bound of the answer, thinking goes with no forced tool, and a conversation that stopped in a tool's call
goes on with a budget only if that turn opens with its own thought. Where one of these is not given the model is asked
without thinking, since the rest of the request is what the caller cannot do without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from gateway.canonical.parts import Message, Part, RedactedThinking, Thinking, ToolCall
from gateway.canonical.reasoning import BUDGET_TOKENS_MIN, budget_of, effort_of, nearest
from gateway.canonical.request import NOTHING, ChatRequest, Reasoning
from gateway.canonical.target import Profile, Target
from gateway.protocols.bedrock_converse.answer import PROTOCOL
from gateway.protocols.bedrock_converse.families import FAMILIES

# What a word or a budget is not given for: Claude's own default, and OpenAI's.
_ADAPTIVE_EFFORT = "high"


class ThinkingRequest(Struct, frozen=True):
    """The request's thinking settings: `fields` for the model, `effort` among the wire's own.

    `max_tokens` bounds the answer where a budget needs a bound above it. `thinks` says that other parameters have to
    suit the thinking.
    """

    fields: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    effort: str | None = None
    max_tokens: int | None = None
    thinks: bool = False


_NOT = ThinkingRequest()


def encode_thinking(request: ChatRequest, target: Target) -> ThinkingRequest:
    """Encodes the caller's thinking settings for the target's model, or none if the model does not think."""
    reasoning = request.reasoning
    if reasoning is None or not _is_asked(reasoning):
        return _NOT
    asked = _MANNERS[target.profile.thinking](reasoning, request, target)
    if asked.thinks and _is_forced(request) and not FAMILIES[target.profile.hosted_as].thinks_freely:
        return ThinkingRequest(effort=asked.effort)
    return asked


def is_returnable(part: Part) -> bool:
    """True if a thought may go back to this wire: it signed it, and refuses or cannot use all others."""
    return isinstance(part, Thinking | RedactedThinking) and part.signed_by == PROTOCOL


def _is_asked(reasoning: Reasoning) -> bool:
    """True if the caller set thinking at all, on or off."""
    wanted = reasoning.effort or reasoning.budget_tokens or reasoning.adaptive or reasoning.include_thoughts
    return bool(wanted) or reasoning.disabled


def _is_off(reasoning: Reasoning) -> bool:
    return reasoning.disabled or reasoning.effort == "none"


def _is_forced(request: ChatRequest) -> bool:
    return request.tool_choice is not None and request.tool_choice.mode in {"required", "tool"}


def _none(_: Reasoning, __: ChatRequest, ___: Target) -> ThinkingRequest:
    return _NOT


def _budget(reasoning: Reasoning, request: ChatRequest, target: Target) -> ThinkingRequest:
    """A budget that the bound does not hold becomes half of that, so that there is an answer too (field case E11)."""
    wanted = max(reasoning.budget_tokens or budget_of(reasoning.effort or _ADAPTIVE_EFFORT), BUDGET_TOKENS_MIN)
    bound = min(request.max_output_tokens or target.max_output_tokens, target.max_output_tokens)
    budget = wanted if wanted < bound else max(bound // 2, BUDGET_TOKENS_MIN)
    if budget >= bound or not _opens_with_a_thought(request.messages):
        return _NOT
    return ThinkingRequest({"thinking": {"type": "enabled", "budget_tokens": budget}}, max_tokens=bound, thinks=True)


def _budget_or_none(reasoning: Reasoning, request: ChatRequest, target: Target) -> ThinkingRequest:
    """Encodes a budget or nothing, because these models think only when they are asked to."""
    return _NOT if _is_off(reasoning) else _budget(reasoning, request, target)


def _adaptive(reasoning: Reasoning, _: ChatRequest, target: Target) -> ThinkingRequest:
    """Thoughts are shown in summary unless the caller wants them left out, which newer models do by default."""
    effort = _word(reasoning, target.profile)
    if _is_off(reasoning):
        return ThinkingRequest({"thinking": {"type": "disabled"}}, effort)
    display = "omitted" if reasoning.include_thoughts is False else "summarized"
    return ThinkingRequest({"thinking": {"type": "adaptive", "display": display}}, effort, thinks=True)


def _either(reasoning: Reasoning, request: ChatRequest, target: Target) -> ThinkingRequest:
    by_budget = reasoning.budget_tokens is not None and not _is_off(reasoning)
    return (_budget if by_budget else _adaptive)(reasoning, request, target)


def _effort(reasoning: Reasoning, _: ChatRequest, target: Target) -> ThinkingRequest:
    """A model that cannot but think is asked for the least of it where the caller wants none."""
    fields = FAMILIES[target.profile.hosted_as].effort
    word = nearest("none", target.profile.efforts) if _is_off(reasoning) else _word(reasoning, target.profile)
    return _NOT if fields is None or word is None else ThinkingRequest(fields(word))


_MANNERS: Mapping[str, Callable[[Reasoning, ChatRequest, Target], ThinkingRequest]] = {
    "none": _none,
    "budget": _budget_or_none,
    "adaptive": _adaptive,
    "either": _either,
    "effort": _effort,
}


def _word(reasoning: Reasoning, profile: Profile) -> str | None:
    """The word among those that the model knows which is nearest to what was asked; nothing where nothing was."""
    wanted = reasoning.effort
    if wanted is None and reasoning.budget_tokens is not None:
        wanted = effort_of(reasoning.budget_tokens)
    return None if wanted in {None, "none"} else nearest(wanted, profile.efforts)


def _opens_with_a_thought(messages: Sequence[Message]) -> bool:
    """True if the model's last turn, if it called a tool, begins with a thought that may go back."""
    last = next((message.parts for message in reversed(messages) if message.role == "assistant"), ())
    return is_returnable(last[0]) if any(isinstance(part, ToolCall) for part in last) else True
