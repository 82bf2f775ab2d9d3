"""Leaves ratings of routed generations to be learned from."""

from __future__ import annotations

from gateway.ports.feedback import Feedback
from gateway.ports.routes import RoutedRating, RouteStore


async def leave_rating(store: RouteStore, feedback: Feedback, ended_s: float) -> bool:
    """Leaves a rating with the class and the target of its generation; false where no policy has routed that.

    A request whose first target failed was served by another one: it says nothing of the first that failed anyhow, and
    the one that served was not chosen.
    """
    outcome = await store.outcome(feedback.generation_id, ended_s)
    if outcome is None or not outcome.succeeded:
        return False
    await store.leave(
        RoutedRating(
            generation_id=feedback.generation_id,
            account_id=feedback.account_id,
            user=feedback.user,
            request_class=outcome.request_class,
            arm=outcome.tried,
            liked=feedback.rating == 1,
            at_s=feedback.at_s,
        )
    )
    return True
