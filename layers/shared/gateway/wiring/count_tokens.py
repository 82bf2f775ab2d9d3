"""Builds the counting of prompts, apart from `wiring.chat` since few requests need it."""

from __future__ import annotations

from functools import cache

from gateway.operations.count_tokens import TokenCounter
from gateway.wiring.chat import CATALOG
from gateway.wiring.process import process
from gateway.wiring.providers import provider_client


@cache
def token_counter() -> TokenCounter:
    """Counts prompts."""
    return TokenCounter(CATALOG, provider_client(), process().clock)
