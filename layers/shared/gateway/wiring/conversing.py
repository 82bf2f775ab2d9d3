"""Builds responses in conversations, apart from `wiring.responses` since few requests need it."""

from __future__ import annotations

from functools import cache

from gateway.responses.conversing import Conversing
from gateway.wiring.conversations import conversations


@cache
def conversing() -> Conversing:
    """The responses of this deployment in its conversations."""
    return Conversing(conversations())
