"""Runs the searches of simulated models: how many, for what, what they find, and what that adds to the prompt.

A model searches once where a question does not say otherwise (`searches=N`), and never more often than its request
allows.
"""

from __future__ import annotations

from local.providers.faults import Fault
from local.providers.json_value import Json

SOURCE: Json = {"title": "A simulated page", "url": "https://example.com/simulated"}
# The tokens of what one search finds.
FOUND_TOKENS = 250
_QUERY_CHARACTERS = 80


def wanted(shape: Fault) -> int:
    """The number of searches that the model wants to make."""
    return 1 if shape.searches is None else shape.searches


def query(question: str, place: int) -> str:
    """The text that one search looks for."""
    asked = " ".join(question.split())[:_QUERY_CHARACTERS]
    return asked if place == 0 else f"{asked} ({place + 1})"
