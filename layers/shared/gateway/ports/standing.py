"""The figures learned of a target's speed, as the order of candidates reads it."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.canonical.models import ModelTarget


class Standing(Protocol):
    """The learned figures of targets, from memory: no read waits. `None` where nothing is known."""

    def first_token_ms(self, model: str, target: ModelTarget[Any]) -> float | None:
        """The time to the first token that all but a few requests had."""

    def tokens_per_s(self, model: str, target: ModelTarget[Any]) -> float | None:
        """The tokens a second after the first."""


class Unknown:
    """A standing of which nothing has been learned."""

    def first_token_ms(self, model: str, target: ModelTarget[Any]) -> float | None:
        """Nothing."""
        del model, target
        return None

    def tokens_per_s(self, model: str, target: ModelTarget[Any]) -> float | None:
        """Nothing."""
        del model, target
        return None


UNKNOWN: Standing = Unknown()
