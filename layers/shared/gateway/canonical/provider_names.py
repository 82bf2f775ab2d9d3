"""Reads a provider's name as callers write it: in other spellings, and in front of a model's. Pure."""

from __future__ import annotations

CUSTOM = "custom"
# Other names of rows: those of a router whose requests are taken as they are, and of the contract's ids.
SPELLINGS = {
    "alibaba": "qwen",
    "amazon-bedrock": "bedrock",
    "aws": "bedrock",
    "google-ai-studio": "gemini",
    "google-vertex": "vertex",
    "moonshotai": "moonshot",
    "z-ai": "zhipu",
}


def row_named(name: str) -> str:
    """The row's name: in small letters, without a variant behind a slash, in the rows' own spelling.

    An operator's own row has its name behind a slash, which is kept; without one, all of them are meant.
    """
    base, _, own = name.strip().lower().partition("/")
    base = base.replace(" ", "-")
    return f"{base}/{own or '*'}" if base == CUSTOM else SPELLINGS.get(base, base)


def qualified(name: str) -> tuple[str, str]:
    """The row and the model of a provider-qualified id, `azure/gpt-4o` or `custom/ollama/llama3`; empty for others."""
    head, _, model = name.partition("/")
    if head.lower() == CUSTOM:
        row, _, model = model.partition("/")
        head = f"{head}/{row}"
    return (row_named(head), model) if model else ("", "")
