"""Lists the vendors of embeddings by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.providers.chat import registry as chat
from gateway.providers.vendor_endpoint import row_in

if TYPE_CHECKING:
    # The list of models reads the names alone.
    from gateway.providers.embeddings.vendor import Embedder

# Each vendor's module in this folder, and its row there; a function chooses the row by the model.
_ROWS = {
    "openai": ("openai_like", "OPENAI"),
    "azure": ("openai_like", "AZURE"),
    "mistral": ("openai_like", "MISTRAL"),
    "qwen": ("openai_like", "QWEN"),
    "voyage": ("openai_like", "voyage"),
    "jina": ("openai_like", "JINA"),
    "cohere": ("cohere", "COHERE"),
    "gemini": ("gemini", "GEMINI"),
    "bedrock": ("bedrock", "of"),
}


@cache
def embedder(provider: str, model: str) -> Embedder:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without embeddings."""
    chosen: Embedder = row_in("embeddings", *_ROWS[provider], model)
    return chosen


# What rows of the catalog may name.
KNOWN = chat.KNOWN.among(_ROWS)
