"""Builds what the routes of every streaming family need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.idempotency.ring import Idempotency
from gateway.limits.windows import READS_RPM
from gateway.pipeline.charge import Billing
from gateway.pipeline.health import Health
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.ports.clock import Clock
from gateway.ports.keys import Keys
from gateway.ports.money import Money
from gateway.stores.aws.deferred_settlements import SqsDeferredSettlements
from gateway.stores.health import DynamoHealth
from gateway.wiring.accounts import idempotency, keys
from gateway.wiring.following import look
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.providers import OWN_KEYS, provider_client
from gateway.wiring.settings import Settings

if TYPE_CHECKING:
    # Loaded by requests that use the cache of answers.
    from gateway.pipeline.caching import AnswerCache

    # Loaded where the deployment hedges.
    from gateway.pipeline.hedging import HedgeRules

    # Loaded where the deployment learns routes.
    from gateway.pipeline.learned import LearnedRoutes

    # Loaded where a process serves several requests at a time.
    from gateway.pipeline.sharing import Sharing

    # Accounts with provider keys of their own alone load them.
    from gateway.ports.provider_keys import OwnKeys


class StreamingServices(Struct, frozen=True):
    """The services that a streaming family's routes need."""

    clock: Clock
    keys: Keys
    pipeline: Pipeline
    money: Money
    idempotency: Idempotency
    commit_s: float
    reads_rpm: int = READS_RPM
    look: Callable[[], Awaitable[None] | None] = look
    own_keys: OwnKeys = OWN_KEYS
    sharing: Sharing | None = None


@cache
def services() -> StreamingServices:
    """The services of this process, made once from its environment."""
    on = process()
    billing = Billing(money(), SqsDeferredSettlements(on.aws, on.settings.settlements_queue_url), on.clock)
    limits = Limits(non_stream_s=on.settings.non_stream_s, stream_margin_s=on.settings.stream_margin_s)
    health = Health(on.clock, DynamoHealth(on.aws, on.settings.health_table))
    pipeline = Pipeline(
        providers=provider_client(),
        billing=billing,
        clock=on.clock,
        limits=limits,
        health=health,
        hedging=hedge_rules(on.settings),
        cache=_answer_cache if on.settings.cache_table else None,
        routes=routes(),
    )
    return StreamingServices(
        on.clock,
        keys(),
        pipeline,
        money(),
        idempotency(),
        on.settings.commit_s,
        on.settings.reads_rpm,
        sharing=on.sharing,
    )


def _answer_cache() -> AnswerCache:
    from gateway.wiring.cache import answer_cache  # noqa: PLC0415  # few requests use it

    return answer_cache()


def hedge_rules(chosen: Settings) -> HedgeRules | None:
    """The rules by which late targets are hedged; nothing where the deployment hedges no model."""
    if not chosen.hedged_models:
        return None
    from gateway.pipeline.hedging import HedgeRules  # noqa: PLC0415  # loaded where the deployment hedges

    return HedgeRules(chosen.hedged_models, chosen.hedge_share, chosen.hedge_price_max_usd)


@cache
def routes() -> LearnedRoutes | None:
    """The routes that are learned; nothing where the deployment learns none, or the family answers no such request."""
    on = process().settings
    # Families of runs plan a first request to judge it, and have no rights to the table of outcomes.
    if not on.learned_routes or not on.health_table:
        return None
    from gateway.pipeline.learned import LearnedRoutes  # noqa: PLC0415  # loaded where the deployment learns routes
    from gateway.wiring.learning import route_store  # noqa: PLC0415  # likewise

    return LearnedRoutes(route_store(), process().clock)
