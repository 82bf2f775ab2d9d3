"""Where one attempt goes, as far as a codec needs to know it: the provider's name of the model and what it can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Profile:
    """What the models of one family accept.

    `fixed_sampling` models take no temperature or top_p: what a caller sends of them is left out. `system_role` is the
    role that instructions travel under. `output_limit` names the member that bounds the answer. `efforts` are the
    words of reasoning effort that the family knows. `thinking` is how the family is asked to think where an effort word
    is not all there is to it: by a budget in tokens, adaptively (the model's own choice), or either way. `hosted_as`
    says whose own parameters the family takes where a host of many vendors' models (Bedrock) serves it.

    `thinking_budget_tokens` bounds a budget from both sides; `thinks_always` models cannot do without. `signed_calls`
    models refuse a turn of history whose tool calls come back without a signature (Gemini 3).

    `custom_tools` models can be offered tools that take free text.

    `whole_answer_tokens_max` is the longest answer that is asked for whole; a longer one is asked for as a stream,
    where its provider's row can join one.
    """

    name: str
    fixed_sampling: bool = False
    system_role: Literal["system", "developer", "user"] = "system"
    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    efforts: tuple[str, ...] = ()
    thinking: Literal["none", "budget", "adaptive", "either", "effort"] = "none"
    hosted_as: Literal["plain", "claude", "nova", "gpt_oss"] = "plain"
    thinking_budget_tokens: tuple[int, int] = (1_024, 32_768)
    thinks_always: bool = False
    signed_calls: bool = False
    custom_tools: bool = False
    whole_answer_tokens_max: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A model at a provider. `max_output_tokens` is the model's own bound on one answer."""

    model: str
    profile: Profile
    max_output_tokens: int
