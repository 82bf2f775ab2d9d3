"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nexevo_ai._request import call_of
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.feedback import Feedback, FeedbackSummary

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.feedback import FeedbackSubmitParams, FeedbackSummaryParams


class FeedbackResource(Resource):
    """Methods of `client.feedback`."""

    def submit(self, generation_id: str, rating: Literal[-1, 1], **params: Unpack[FeedbackSubmitParams]) -> Feedback:
        """Rates a generation of the account; a later rating by the same user takes the place of the one before."""
        call = call_of(
            "POST",
            "/v1/feedback",
            {"generation_id": generation_id, "rating": rating, **params},
            body=("generation_id", "rating", "comment", "tags"),
            is_once=True,
        )
        answer: Feedback = self._ask(call, kind=Feedback)
        return answer

    def summary(self, **params: Unpack[FeedbackSummaryParams]) -> FeedbackSummary:
        """Reports the ratings of the last days by model, key and tag."""
        call = call_of("GET", "/v1/feedback/summary", {**params}, query=("days",))
        answer: FeedbackSummary = self._ask(call, kind=FeedbackSummary)
        return answer
