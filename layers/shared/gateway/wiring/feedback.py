"""Builds what keeps feedback, and leaves it to be learned from."""

from __future__ import annotations

from functools import cache

from gateway.ports.feedback import Feedback, FeedbackStore
from gateway.stores.feedback import DynamoFeedback
from gateway.wiring.process import process


@cache
def feedback_store() -> FeedbackStore:
    """The feedback of accounts on their generations."""
    on = process()
    return DynamoFeedback(on.aws, on.settings.feedback_table)


async def learn_from(feedback: Feedback, ended_s: float) -> None:
    """Leaves a rating to be learned from, where the generation was routed by a policy."""
    if not process().settings.learned_routes:
        return
    from gateway.pipeline.rating import leave_rating  # noqa: PLC0415  # few deployments learn routes
    from gateway.wiring.learning import route_store  # noqa: PLC0415  # likewise

    await leave_rating(route_store(), feedback, ended_s)
