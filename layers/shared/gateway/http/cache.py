"""The endpoints of the cache of answers: what it has saved, and its deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from gateway.http.calls import KeyedCall, Shown
from gateway.http.endpoints import Endpoints

if TYPE_CHECKING:
    from gateway.ports.answers import CachedAnswers
    from gateway.ports.questions import CachedQuestions

# The days for which the counts are kept.
DAYS_MAX = 90


class StatsQuery(Struct):
    """The report that a query asks for: of so many days, the last of which is today."""

    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)] = 7


served = Endpoints(KeyedCall, "/v1/cache")


@served.on("GET", "/stats", query=StatsQuery)
async def show_stats(call: KeyedCall, wanted: StatsQuery) -> Shown:
    """Reports the hits, misses and savings of the account's last days."""
    from gateway.accounts.cache import stats  # noqa: PLC0415  # no cold start pays for it

    return await stats(answers(), questions(), call.account_id, call.services.clock.now_s(), wanted.days)


@served.on("DELETE", "")
async def delete_answers(call: KeyedCall) -> Shown:
    """Deletes the account's kept answers; its counts stay."""
    from gateway.accounts.cache import forgotten  # noqa: PLC0415  # no cold start pays for it

    return await forgotten(answers(), call.account_id)


def answers() -> CachedAnswers:
    """The store of kept answers."""
    from gateway.wiring import answers as wiring  # noqa: PLC0415  # no cold start pays for it

    return wiring.answers()


def questions() -> CachedQuestions:
    """The store of answered questions."""
    from gateway.wiring import answers as wiring  # noqa: PLC0415  # no cold start pays for it

    return wiring.questions()
