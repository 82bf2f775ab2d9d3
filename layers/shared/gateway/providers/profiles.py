"""What a model family can do, a row each; https://platform.openai.com/docs/guides/reasoning and the model pages."""

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
    )
}
