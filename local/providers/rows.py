"""Law: the table of what is simulated; a provider row that speaks a known wire is one line here."""

from __future__ import annotations

from local.providers import anthropic, bedrock, gemini, openai_chat, openai_responses
from local.providers.wire import Wire

WIRES: tuple[Wire, ...] = (
    openai_chat.wire(openai_chat.OPENAI),
    openai_responses.wire(),
    anthropic.wire(),
    gemini.wire(gemini.DEVELOPER),
    gemini.wire(gemini.VERTEX),
    bedrock.wire(),
    openai_chat.wire(openai_chat.DEEPSEEK),
)


def addresses(root: str) -> dict[str, dict[str, str]]:
    """For each row what its SDK needs to reach the simulator at `root`."""
    return {
        "openai": {"base_url": f"{root}/openai/v1", "api_key": openai_chat.OPENAI.api_key},
        "anthropic": {"base_url": root + anthropic.PREFIX, "api_key": anthropic.API_KEY},
        "gemini": {"base_url": root + gemini.DEVELOPER.prefix, "api_key": gemini.DEVELOPER.api_key},
        "vertex": {"base_url": root + gemini.VERTEX.prefix, "api_key": gemini.VERTEX.api_key},
        "bedrock": {
            "base_url": root + bedrock.PREFIX,
            "api_key": bedrock.API_KEY,
            "access_key_id": bedrock.ACCESS_KEY_ID,
            "secret_access_key": bedrock.SECRET_ACCESS_KEY,
            "region": bedrock.REGION,
        },
        "deepseek": {"base_url": f"{root}/deepseek", "api_key": openai_chat.DEEPSEEK.api_key},
    }
