"""Builds what keeps feedback."""

from __future__ import annotations

from functools import cache

from gateway.ports.feedback import FeedbackStore
from gateway.stores.feedback import DynamoFeedback
from gateway.wiring.process import process


@cache
def feedback_store() -> FeedbackStore:
    """The feedback of accounts on their generations."""
    on = process()
    return DynamoFeedback(on.aws, on.settings.feedback_table)
