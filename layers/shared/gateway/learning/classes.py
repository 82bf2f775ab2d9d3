"""Folds a request's grade into the class that is learned for. Pure (docs/learning.md).

The features are those of `routing/grading.py`; nothing else of a prompt is read. Intents that the same models serve
well share a kind, since a class with few outcomes learns slowly.
"""

from __future__ import annotations

from collections.abc import Mapping

# By intent of a grade; an intent that is not named is talk.
KINDS: Mapping[str, str] = {
    "code": "code",
    "math": "analysis",
    "reasoning": "analysis",
    "tool use": "tools",
    "conversation": "talk",
    "short task": "talk",
    "writing": "talk",
}
DIFFICULTIES = ("easy", "medium", "hard")
CLASSES = tuple(f"{kind}.{level}" for kind in sorted(set(KINDS.values())) for level in DIFFICULTIES)


def class_of(intent: str, difficulty: str) -> str:
    """The class of a request that was graded so: one of `CLASSES`."""
    if difficulty not in DIFFICULTIES:
        raise ValueError(f"{difficulty!r} is no difficulty: use one of {', '.join(DIFFICULTIES)}")
    return f"{KINDS.get(intent, 'talk')}.{difficulty}"
