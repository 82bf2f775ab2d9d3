"""What a model family can do, a row each.

https://platform.openai.com/docs/guides/reasoning, https://docs.claude.com/en/docs/build-with-claude/adaptive-thinking,
https://ai.google.dev/gemini-api/docs/thinking, https://api-docs.deepseek.com and the model pages. A Claude is the same
family at Anthropic and on Bedrock.
"""

from __future__ import annotations

from gateway.canonical.target import Profile

PROFILES = {
    row.name: row
    for row in (
        Profile(name="openai_gpt", output_limit="max_tokens"),
        Profile(
            name="openai_gpt5",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
        ),
        Profile(
            name="openai_o",
            fixed_sampling=True,
            system_role="developer",
            output_limit="max_completion_tokens",
            efforts=("low", "medium", "high"),
        ),
        # Haiku, Sonnet and Opus up to 4.5.
        Profile(name="claude_budget", thinking="budget", hosted_as="claude"),
        # Sonnet and Opus 4.6.
        Profile(
            name="claude_either",
            thinking="either",
            hosted_as="claude",
            efforts=("low", "medium", "high", "max"),
        ),
        # Opus from 4.7 on, and the fifth generation.
        Profile(
            name="claude_adaptive",
            fixed_sampling=True,
            thinking="adaptive",
            hosted_as="claude",
            efforts=("low", "medium", "high", "xhigh", "max"),
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
