"""A model is found under every spelling of its name that is surely its own."""

import pytest

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.providers.chat.registry import KNOWN

CATALOG = load(CHAT_MODELS, KNOWN)


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("claude-haiku-4-5", "claude-haiku-4-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5-latest", "claude-haiku-4-5"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("aws/claude-haiku-4-5-20251001", "aws/claude-haiku-4-5"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("claude-sonnet-4-5:fast", "claude-sonnet-4-5-20250929"),
        ("claude-opus-4-5", "claude-opus-4-5-20251101"),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("openai/gpt-4o", "gpt-4o"),
        ("google/gemini-2.5-flash", "gemini-2.5-flash"),
    ],
)
def test_a_spelling_by_rule_leads_to_its_model(asked: str, model: str) -> None:
    found = CATALOG.find(asked)
    assert found is not None
    assert (found.requested, found.offer.id) == (asked, model)


@pytest.mark.parametrize(
    "asked",
    ["claude-sonnet-4-5-20240101", "gpt-4o-2024-05-13x", "openai/claude-haiku-4-5", "claude-haiku-9", "claude-", ""],
)
def test_another_name_is_no_models(asked: str) -> None:
    assert CATALOG.find(asked) is None
