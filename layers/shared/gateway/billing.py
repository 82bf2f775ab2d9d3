"""One request's money, from its hold to its bill: the only room that brings prices, holds and usage together.

A hold is ended exactly once, by the charge for what was delivered or by its release. The arithmetic is the ledger's,
the atomic steps are the store's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from gateway.auth.principal import Principal
from gateway.canonical.estimate import BYTES_PER_TOKEN, estimated_input_tokens, estimated_tokens
from gateway.canonical.models import Alias, ListPrice
from gateway.canonical.money import Charge, Hold, NanoUsd, Refusal, Tier, Wanted, Window
from gateway.canonical.request import ChatRequest
from gateway.canonical.usage import Usage
from gateway.errors import ServiceUnavailable
from gateway.ledger.bounds import OPEN_OUTPUT_TOKENS, worst_case
from gateway.ledger.money import format_usd
from gateway.ledger.prices import Terms, cost, parse_price, terms
from gateway.limits.windows import KEY_RPM_LIMIT
from gateway.ports import Clock, DeferredSettlements, Money
from gateway.routing.plan import Route

HOLD_GRACE_S = 60
SETTLE_WITHIN_S = 2.0
EXTEND_AT = 0.75
# A stream that dies is charged for what its last checkpoint says: one is made so often, and whenever so much was added.
CHECKPOINT_S = 10.0
CHECKPOINT_NANOUSD = 10_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid for: who asks, for what, and where it may be served."""

    hold_id: str
    generation_id: str
    request_id: str
    principal: Principal
    request: ChatRequest
    routes: tuple[Route, ...]
    price_version: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Bill:
    """How the request came out for the customer."""

    cost_nanousd: NanoUsd = 0

    @property
    def cost_usd(self) -> str:
        """Decimal text."""
        return format_usd(self.cost_nanousd)


@dataclass(slots=True)
class Tab:
    """An open hold, kept right while its request runs: parked when it grows old, raised when it grows short.

    `window` is known from the admission, where that was here. Steps on one hold follow each other, whoever wants them.
    What a stream has come to is kept every `checkpoint_s` and every cent, beside the stream.
    """

    order: Order
    money: Money
    deferred: DeferredSettlements
    clock: Clock
    hold: Hold
    window: Window | None
    output_tokens_held: int
    checkpoint_s: float = CHECKPOINT_S
    bill: Bill | None = None
    _steps: asyncio.Lock = field(default_factory=asyncio.Lock)
    _parker: asyncio.Task[None] | None = None
    _keeper: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None
    _delivered_bytes: int = 0
    _kept_bytes: int = 0
    _keep_at_bytes: int = 0
    _serving: Route | None = None

    @property
    def extend_at_bytes(self) -> int:
        """How much of an answer may be delivered before the hold should be raised."""
        return int(self.output_tokens_held * BYTES_PER_TOKEN * EXTEND_AT)

    async def carries(self, delivered_bytes: int) -> bool:
        """Raises the hold ahead of an answer that has come this far; false once it cannot pay for what was delivered.

        An answer whose length the caller bounded is held for in full, and needs nothing.
        """
        if self.order.request.max_output_tokens is not None or delivered_bytes < self.extend_at_bytes:
            return True
        ceiling = max(route.model.max_output_tokens for route in self.order.routes)
        wanted_tokens = min(self.output_tokens_held * 2, ceiling)
        if wanted_tokens == self.output_tokens_held or await self._extend(wanted_tokens):
            return True
        return delivered_bytes < self.output_tokens_held * BYTES_PER_TOKEN

    async def _extend(self, output_tokens: int) -> bool:
        amount = amount_to_hold(self.order, output_tokens)
        cap = self.order.principal.key.monthly_spend_cap_nanousd
        async with self._steps:
            try:
                extended = await self.money.extend(self.hold, amount, spend_cap_nanousd=cap)
            except ServiceUnavailable:
                return False
            if extended is None:
                return False
            self.hold, self.output_tokens_held = extended, output_tokens
            return True

    def progress(self, served_by: Route, delivered_bytes: int) -> None:
        """Notes how far a stream has come; what it has come to is kept as soon as that is due."""
        if self._serving is not served_by:
            self._serving = served_by
            self._keep_at_bytes = delivered_bytes + self._bytes_worth(served_by, CHECKPOINT_NANOUSD)
        self._delivered_bytes = delivered_bytes
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.checkpoint_s, self._on_time)
        if delivered_bytes >= self._keep_at_bytes:
            self._keep_at_bytes = delivered_bytes + self._bytes_worth(served_by, CHECKPOINT_NANOUSD)
            self._begin_checkpoint()

    def _bytes_worth(self, route: Route, nanousd: NanoUsd) -> int:
        """How many bytes of output cost that much."""
        thousand = cost(Usage(output=1000), terms_of(route, self.order.price_version))
        return max(1, nanousd * 1000 * BYTES_PER_TOKEN // max(1, thousand))

    def _on_time(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.checkpoint_s, self._on_time)
        if self._delivered_bytes > self._kept_bytes:
            self._begin_checkpoint()

    def _begin_checkpoint(self) -> None:
        """One at a time: a store that is slow is not asked twice."""
        if self._serving is None or (self._keeper is not None and not self._keeper.done()):
            return
        self._kept_bytes = self._delivered_bytes
        usage = estimated_usage(self.order.request, self._kept_bytes, None)
        self._keeper = asyncio.create_task(self._checkpoint(self._charge(self._serving, usage, estimated=True)))

    async def _checkpoint(self, charge: Charge) -> None:
        async with self._steps:
            if self.bill is not None:
                return
            try:
                async with asyncio.timeout(SETTLE_WITHIN_S):
                    self.hold = await self.money.checkpoint(self.hold, charge)
            except (TimeoutError, ServiceUnavailable):
                # The next one says more; a death before it is charged for the one before.
                self._kept_bytes = 0

    def watch(self) -> None:
        """Has a hold in a crowded account moved out of the way, beside the request: its item is paid by the KB."""
        if self.hold.crowded:
            self._parker = asyncio.create_task(self._park())

    async def _park(self) -> None:
        async with self._steps:
            if self.bill is not None:
                return
            try:
                self.hold = await self.money.park(self.hold)
            except ServiceUnavailable:
                # It stays where it is, which is safe and only dearer.
                return

    async def release(self) -> Bill:
        """Ends the hold without a charge."""
        return await self._end(None)

    async def settle(self, served_by: Route, usage: Usage, *, estimated: bool) -> Bill:
        """Ends the hold with the charge for `usage`, at the price of the route that served."""
        return await self._end(self._charge(served_by, usage, estimated=estimated))

    def _charge(self, served_by: Route, usage: Usage, *, estimated: bool) -> Charge:
        agreed = terms_of(served_by, self.order.price_version)
        return Charge(
            cost_nanousd=cost(usage, agreed),
            request_id=self.order.request_id,
            generation_id=self.order.generation_id,
            model_requested=self.order.request.model,
            model_used=served_by.model.id,
            tier=agreed.tier,
            price_version=agreed.price_version,
            usage=usage,
            estimated=estimated,
        )

    async def _end(self, charge: Charge | None) -> Bill:
        """Once; a store that does not answer in time is left to the queue, so that nobody waits for it."""
        if self.bill is not None:
            return self.bill
        if self._timer is not None:
            self._timer.cancel()
        if not self._steps.locked():
            # Neither has begun: both would wait for this, and find nothing left to do.
            for waiting in filter(None, (self._parker, self._keeper)):
                waiting.cancel()
        async with self._steps:
            self.bill = Bill(charge.cost_nanousd if charge else 0)
            now_s = self.clock.now_s()
            try:
                async with asyncio.timeout(SETTLE_WITHIN_S):
                    if charge is None:
                        await self.money.release(self.hold, now_s)
                    else:
                        await self.money.settle(self.hold, charge, now_s)
            except (TimeoutError, ServiceUnavailable):
                await self.deferred.put(self.hold, charge)
        return self.bill


class Billing:
    """Opens tabs."""

    def __init__(
        self, money: Money, deferred: DeferredSettlements, clock: Clock, *, checkpoint_s: float = CHECKPOINT_S
    ) -> None:
        self._money = money
        self._deferred = deferred
        self._clock = clock
        self._checkpoint_s = checkpoint_s

    def resume(self, order: Order, hold: Hold) -> Tab:
        """The tab of a request that was admitted before."""
        return self._tab(order, hold, None)

    async def admit(self, order: Order) -> Tab | Refusal:
        """Holds the worst case over all routes the order may take, or says which rule refused."""
        key = order.principal.key
        now_s = self._clock.now_s()
        outcome = await self._money.admit(
            Wanted(
                account_id=order.principal.account_id,
                key_id=key.key_id,
                hold_id=order.hold_id,
                amount_nanousd=amount_to_hold(order, OPEN_OUTPUT_TOKENS),
                deadline_s=int(order.deadline_s) + HOLD_GRACE_S,
                key_rpm_limit=KEY_RPM_LIMIT if key.rpm_limit is None else key.rpm_limit,
                spend_cap_nanousd=key.monthly_spend_cap_nanousd,
            ),
            now_s,
        )
        if isinstance(outcome, Refusal):
            return outcome
        tab = self._tab(order, outcome.hold, outcome.window)
        tab.watch()
        return tab

    def _tab(self, order: Order, hold: Hold, window: Window | None) -> Tab:
        tools = (self._money, self._deferred, self._clock)
        return Tab(order, *tools, hold, window, OPEN_OUTPUT_TOKENS, self._checkpoint_s)


def amount_to_hold(order: Order, open_output_tokens: int) -> NanoUsd:
    """The worst case on the dearest route: whichever serves, the hold carries it."""
    return max(_worst_cases(order, open_output_tokens))


def _worst_cases(order: Order, open_output_tokens: int) -> Iterable[NanoUsd]:
    for route in order.routes:
        yield worst_case(
            order.request,
            terms_of(route, order.price_version),
            context_window=route.model.context_window,
            model_max=route.model.max_output_tokens,
            open_output_tokens=open_output_tokens,
        )


def terms_of(route: Route, price_version: str) -> Terms:
    """What a route is billed by: its alias's flat tier, or the model's own price."""
    offer = route.name.offer
    tier = Tier(offer.tier) if isinstance(offer, Alias) else Tier.PASSTHROUGH
    return _terms(tier, route.model.price, price_version)


@cache
def _terms(tier: Tier, price: ListPrice, price_version: str) -> Terms:
    row = {name: getattr(price, name) for name in price.__dataclass_fields__}
    return terms(tier, parse_price(row), price_version)


def estimated_usage(request: ChatRequest, delivered_bytes: int, reported: Usage | None) -> Usage:
    """What an answer has probably come to, where its provider did not live to say all of it."""
    output = estimated_tokens(delivered_bytes)
    if reported is None:
        return Usage(input=estimated_input_tokens(request), output=output)
    return replace(reported, output=max(reported.output, output))
