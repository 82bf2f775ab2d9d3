"""Lists the vendors of rerank by the name under which this deployment stores their accounts."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from gateway.providers.chat import registry as chat

if TYPE_CHECKING:
    # The list of models reads the names alone.
    from gateway.providers.rerank.vendor import Reranker

# Each vendor's row in the module of vendors, which is loaded at its first use.
_ROWS = {"cohere": "COHERE", "bedrock": "BEDROCK", "jina": "JINA", "voyage": "VOYAGE", "dashscope": "DASHSCOPE"}


@cache
def reranker(provider: str) -> Reranker:
    """The row of a vendor; raises `KeyError` for one without rerank."""
    row: Reranker = getattr(import_module("gateway.providers.rerank.vendors"), _ROWS[provider])
    return row


# What rows of the catalog may name.
KNOWN = chat.KNOWN.among(_ROWS)
