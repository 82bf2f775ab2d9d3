"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional

from nexevo_ai._models import NexevoModel

# Shared.


class Feedback(NexevoModel):
    """A rating of a generation; `replaced` tells that it takes the place of an earlier one."""

    object: str
    generation_id: str
    rating: Literal[-1, 1]
    comment: Optional[str]
    tags: list[str]
    model: str
    created_at: str
    replaced: bool


class FeedbackSummary(NexevoModel):
    """Ratings of the last days, today included."""

    object: str
    days: int
    total: Votes
    by_model: list[Votes]
    by_key: list[Votes]
    by_tag: list[Votes]
    more_tags: bool


class Votes(NexevoModel):
    """Counts of ratings."""

    count: int
    positive: int
    negative: int
    positive_share: Optional[float]
    model: Optional[str] = None
    key_id: Optional[str] = None
    tag: Optional[str] = None


Feedback.model_rebuild()
FeedbackSummary.model_rebuild()
Votes.model_rebuild()
