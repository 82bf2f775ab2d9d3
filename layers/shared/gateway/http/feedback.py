"""The endpoints of feedback: a rating of a generation, and the report of ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from gateway.accounts import feedback as on_feedback
from gateway.http.calls import KeyedCall, Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.ports.feedback import KEPT_DAYS, Feedback, Rating
from gateway.protocols.shared.body import Body
from gateway.wiring.feedback import feedback_store, learn_from

COMMENT_CHARACTERS_MAX = 2_000
TAGS_MAX, TAG_CHARACTERS_MAX = 20, 64

Tag = Annotated[str, Meta(min_length=1, max_length=TAG_CHARACTERS_MAX)]


class NewFeedback(Body, frozen=True, kw_only=True):
    """The body that rates a generation: 1 for good, -1 for bad."""

    generation_id: Annotated[str, Meta(min_length=1, max_length=128)]
    rating: Rating
    comment: Annotated[str, Meta(max_length=COMMENT_CHARACTERS_MAX)] | None = None
    tags: Annotated[list[Tag], Meta(max_length=TAGS_MAX)] | None = None


class SummaryQuery(Struct):
    """The report that a query asks for: of so many days, the last of which is today."""

    days: Annotated[int, Meta(ge=1, le=KEPT_DAYS)] = 7


served = Endpoints(KeyedCall, "/v1/feedback", "/feedback")


@served.on("POST", "", body=NewFeedback)
async def give_feedback(call: KeyedCall, given: NewFeedback) -> Shown:
    """Rates a generation of the account; a later rating by the same user takes the place of the one before."""

    async def create() -> Mapping[str, Any]:
        on, key = call.services, call.principal.key
        entry, charge = await on_feedback.charged_generation(on.money, call.account_id, given.generation_id)
        feedback = Feedback(
            account_id=call.account_id,
            generation_id=given.generation_id,
            user=key.user_id or key.key_id,
            rating=given.rating,
            at_s=int(on.clock.now_s()),
            model=charge.model_used,
            key_id=entry.key_id or "",
            comment=given.comment or None,
            tags=tuple(dict.fromkeys(given.tags or ())),
        )
        replaced = await feedback_store().put(feedback)
        # Also where the rating is the same: its first try may have ended before this.
        await learn_from(feedback, entry.created_at_s)
        return on_feedback.view(feedback, replaced)

    return await created_once(call, given.generation_id, create, _stays, status=200, unpaid=True)


@served.on("GET", "/summary", query=SummaryQuery)
async def show_summary(call: KeyedCall, wanted: SummaryQuery) -> Shown:
    """Reports the ratings of the last days by model, key and tag."""
    return await on_feedback.summary(feedback_store(), call.account_id, call.services.clock.now_s(), wanted.days)


async def _stays(_: str) -> None:
    """Keeps what a request has rated that could not be answered: its repeat rates the same anew."""
