"""The target of one attempt, as far as a codec needs it: the provider's name of the model and the model's features."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Profile(Struct, frozen=True):
    """The features and limits of one family of models.

    `fixed_sampling` models take no temperature or top_p; a caller's values are left out. `system_role` is the role for
    instructions. `output_limit` names the member that bounds the answer. `efforts` are the family's words of reasoning
    effort. `thinking` is the way to request thinking, if an effort word is not enough: by a budget in tokens,
    adaptively (the model's own choice), or either way. `hosted_as` names the vendor whose parameters the family takes
    on a host of many vendors' models (Bedrock).

    `switch` is the member of OpenAI's chat wire that turns thinking on and off where no effort word does: `thinking`
    with a type, or `enable_thinking` with a budget beside it.

    `thinking_budget_tokens` bounds a budget from both sides; `thinks_always` models cannot turn thinking off.
    `signed_calls` models refuse a history whose tool calls have no signature (Gemini 3).

    `custom_tools` models can be offered tools that take free text. `reasons_when_asked` models write what they are seen
    to write, unless the caller asks for reasoning.

    `prefill` models go on with an answer whose beginning is given them as the last message.

    `whole_answer_tokens_max` is the longest answer that is requested in one piece. A longer one is requested as a
    stream, if its provider's row can join one.
    """

    name: str
    fixed_sampling: bool = False
    system_role: Literal["system", "developer", "user"] = "system"
    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    efforts: tuple[str, ...] = ()
    thinking: Literal["none", "budget", "adaptive", "either", "effort"] = "none"
    switch: Literal["", "thinking", "enable_thinking"] = ""
    hosted_as: Literal["plain", "claude", "nova", "gpt_oss"] = "plain"
    thinking_budget_tokens: tuple[int, int] = (1_024, 32_768)
    thinks_always: bool = False
    signed_calls: bool = False
    custom_tools: bool = False
    reasons_when_asked: bool = False
    prefill: bool = False
    whole_answer_tokens_max: int | None = None


class Target(Struct, frozen=True):
    """A model at a provider.

    `max_output_tokens` is the model's own bound on one answer, `context_window` that on prompt and answer together.
    `takes` are the kinds of input that the model takes, as the catalog names them; `None` is any.
    """

    model: str
    profile: Profile
    max_output_tokens: int
    context_window: int | None = None
    takes: tuple[str, ...] | None = None
