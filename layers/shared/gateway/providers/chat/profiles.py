"""Lists the abilities of the model families, a row each.

https://platform.openai.com/docs/guides/reasoning, https://docs.claude.com/en/docs/build-with-claude/adaptive-thinking,
https://ai.google.dev/gemini-api/docs/thinking, https://api-docs.deepseek.com and the model pages. A Claude is the same
family at Anthropic, on Bedrock and on Vertex; an open model the same on every host of it.
"""

from __future__ import annotations

from gateway.canonical.target import Profile

# Anthropic's SDKs refuse to request longer answers whole, since over ten minutes may pass: an hour for 128,000 tokens,
# https://github.com/anthropics/anthropic-sdk-python#long-requests.
_CLAUDE_WHOLE_TOKENS_MAX = 21_333
# At least this, and below the answer's bound: https://docs.claude.com/en/docs/build-with-claude/extended-thinking.
_CLAUDE_BUDGET_TOKENS = (1_024, 127_999)

PROFILES = {
    row.name: row
    for row in (
        Profile(name="openai_gpt", output_limit="max_tokens"),
        # Before structured outputs: JSON mode alone, and before that.
        Profile(name="openai_gpt4_turbo", output_limit="max_tokens"),
        Profile(name="openai_gpt4", output_limit="max_tokens"),
        # https://platform.openai.com/docs/guides/reasoning#reasoning-effort: words changed with each release.
        Profile(
            name="openai_gpt5",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("minimal", "low", "medium", "high"),
            custom_tools=True,
        ),
        Profile(
            name="openai_gpt5_1",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("none", "low", "medium", "high"),
            custom_tools=True,
        ),
        Profile(
            name="openai_gpt5_2",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("none", "low", "medium", "high", "xhigh"),
            custom_tools=True,
        ),
        # https://github.com/egoist/chatwise-releases/issues/1257
        Profile(
            name="openai_gpt5_2_chat",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("medium",),
            custom_tools=True,
        ),
        Profile(
            name="openai_o",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("low", "medium", "high"),
        ),
        Profile(
            name="openai_gpt5_codex",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("low", "medium", "high"),
            custom_tools=True,
        ),
        Profile(
            name="openai_gpt5_pro",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("high",),
            custom_tools=True,
        ),
        # Haiku, Sonnet and Opus up to 4.5; later ones refuse a prefill.
        Profile(
            name="claude_budget",
            thinking="budget",
            hosted_as="claude",
            reasons_when_asked=True,
            prefill=True,
            thinking_budget_tokens=_CLAUDE_BUDGET_TOKENS,
            whole_answer_tokens_max=_CLAUDE_WHOLE_TOKENS_MAX,
        ),
        # Sonnet and Opus 4.6.
        Profile(
            name="claude_either",
            thinking="either",
            hosted_as="claude",
            reasons_when_asked=True,
            thinking_budget_tokens=_CLAUDE_BUDGET_TOKENS,
            efforts=("low", "medium", "high", "max"),
            whole_answer_tokens_max=_CLAUDE_WHOLE_TOKENS_MAX,
        ),
        # Opus from 4.7 on, and the fifth generation.
        Profile(
            name="claude_adaptive",
            fixed_sampling=True,
            thinking="adaptive",
            hosted_as="claude",
            reasons_when_asked=True,
            efforts=("low", "medium", "high", "xhigh", "max"),
            whole_answer_tokens_max=_CLAUDE_WHOLE_TOKENS_MAX,
        ),
        Profile(name="gemini_2_flash", thinking="none"),
        Profile(name="gemini_2_5_flash", thinking="budget", thinking_budget_tokens=(1, 24_576)),
        Profile(name="gemini_2_5_flash_lite", thinking="budget", thinking_budget_tokens=(512, 24_576)),
        Profile(name="gemini_2_5_pro", thinking="budget", thinking_budget_tokens=(128, 32_768), thinks_always=True),
        Profile(name="gemini_3_pro", thinking="effort", efforts=("low", "high"), thinks_always=True, signed_calls=True),
        Profile(
            name="gemini_3_flash",
            thinking="effort",
            efforts=("minimal", "low", "medium", "high"),
            thinks_always=True,
            signed_calls=True,
        ),
        Profile(name="deepseek"),
        # https://api-docs.deepseek.com/guides/thinking_mode: from V3.2 on.
        Profile(name="deepseek_hybrid", switch="thinking"),
        # https://docs.x.ai/docs/guides/reasoning: Grok 4 thinks always, and knows no effort.
        Profile(name="grok"),
        Profile(name="grok_reasoning", thinks_always=True),
        Profile(name="grok_effort", efforts=("low", "high"), thinks_always=True),
        Profile(name="mistral"),
        # https://docs.mistral.ai/capabilities/reasoning: Magistral thinks always, later models by a word.
        Profile(name="mistral_reasoning", thinks_always=True),
        Profile(name="mistral_effort", efforts=("none", "high")),
        Profile(name="llama"),
        Profile(name="gpt_oss", efforts=("low", "medium", "high"), thinks_always=True),
        # https://www.alibabacloud.com/help/en/model-studio/deep-thinking
        Profile(name="qwen"),
        Profile(name="qwen_hybrid", switch="enable_thinking"),
        Profile(name="qwen_reasoning", thinks_always=True),
        # https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
        Profile(name="kimi"),
        Profile(name="kimi_hybrid", switch="thinking"),
        Profile(name="kimi_reasoning", thinks_always=True),
        # https://docs.z.ai/guides/capabilities/thinking-mode
        Profile(name="glm"),
        Profile(name="glm_hybrid", switch="thinking"),
        # https://platform.minimax.io/docs/guides/text-m2-function-call
        Profile(name="minimax", thinks_always=True),
        # https://docs.perplexity.ai/api-reference/chat-completions-post
        Profile(name="sonar"),
        Profile(name="sonar_reasoning", efforts=("minimal", "low", "medium", "high"), thinks_always=True),
        # https://docs.cohere.com/docs/reasoning
        Profile(name="command"),
        Profile(name="command_reasoning", thinking="budget", thinking_budget_tokens=(1, 32_000)),
        # Any other model on a wire that is OpenAI's or Anthropic's, an operator's own ones too.
        Profile(name="compatible"),
        Profile(name="compatible_effort", efforts=("low", "medium", "high")),
        Profile(name="bedrock_plain"),
        Profile(name="bedrock_nova", hosted_as="nova"),
        Profile(name="bedrock_nova_2", thinking="effort", hosted_as="nova", efforts=("low", "medium", "high")),
        Profile(
            name="bedrock_gpt_oss",
            thinking="effort",
            hosted_as="gpt_oss",
            efforts=("low", "medium", "high"),
            thinks_always=True,
        ),
    )
}

# Hosts of open models have OpenAI's wires, and many of them Anthropic's too.
_OPEN = ("openai_chat", "openai_responses", "anthropic_messages")
# The wires that serve the models of a family, which is the first word of a profile's name.
_WIRES = {
    "openai": ("openai_chat", "openai_responses"),
    "claude": ("anthropic_messages", "bedrock_converse"),
    "gemini": ("gemini",),
    "deepseek": _OPEN,
    "bedrock": ("bedrock_converse",),
    "grok": _OPEN,
    "mistral": _OPEN,
    "llama": _OPEN,
    "gpt": _OPEN,
    "qwen": _OPEN,
    "kimi": _OPEN,
    "glm": _OPEN,
    "minimax": _OPEN,
    "sonar": ("openai_chat",),
    "command": ("cohere_chat",),
    "compatible": ("openai_chat", "openai_responses", "anthropic_messages"),
}


def wires_of(profile: str) -> tuple[str, ...]:
    """The wires that serve models of the profile."""
    return _WIRES[profile.partition("_")[0]]
