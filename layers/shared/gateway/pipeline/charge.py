"""Holds and charges one request: the pipeline's only dealings with money.

A hold is ended exactly once, by the charge for what was delivered or by its release. The arithmetic is the operation's
meter, the atomic steps are the store's.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import Charge, Failure, Hold, NanoUsd, Refusal, RefusedBy, Tier, ToolCost, Window
from gateway.canonical.tries import SERVED, Tried, route_of
from gateway.canonical.usage import Usage, Uses
from gateway.errors import ServiceUnavailable
from gateway.ledger.money import format_usd
from gateway.ledger.tool_prices import tool_lines
from gateway.limits.windows import enforced_rpm
from gateway.logs.metrics import Metric, count, measure
from gateway.pipeline.beside import begun
from gateway.pipeline.holding import Billable, held_units, make_hold
from gateway.pipeline.operation import OpenOutput, StreamMeter
from gateway.ports.clock import Clock
from gateway.ports.money import DeferredSettlements, Money
from gateway.transport.wakeup import Wakeup

if TYPE_CHECKING:
    # The functions that open jobs and close them plan nothing.
    from gateway.routing.plan import Candidate

SETTLE_WITHIN_S = 2.0
EXTEND_AT = 0.75
# A stream that dies is charged for its last checkpoint: one is made so often, and whenever so much was added.
CHECKPOINT_S = 10.0
CHECKPOINT_NANOUSD = 10_000_000

log = logging.getLogger(__name__)


class Bill(Struct, frozen=True):
    """The price of one request to the customer, and the usage that is paid, if any is. `tools` are the parts of it that
    were paid by use.
    """

    cost_nanousd: NanoUsd = 0
    tools: tuple[ToolCost, ...] = ()
    usage: Usage | None = None

    @property
    def cost_usd(self) -> str:
        """Decimal text."""
        return format_usd(self.cost_nanousd)

    @property
    def tool_lines(self) -> list[dict[str, Any]]:
        """One line for each tool that was paid by use."""
        return tool_lines(self.tools)


class OpenHold(Struct):
    """An open hold, kept right while its request runs: parked when it grows old, raised when it grows short.

    `window` is known where this process made the admission, and `cache` is the kind of the kept answer that serves.
    `route` names the request's tries, once they are known; until then a charge names the provider that serves.
    Steps on one hold follow each other. A checkpoint of what a stream has come to is written every `checkpoint_s` and
    every cent, beside the stream.
    """

    billable: Billable
    meter: StreamMeter
    money: Money
    deferred: DeferredSettlements
    clock: Clock
    hold: Hold
    window: Window | None
    units_held: int
    checkpoint_s: float = CHECKPOINT_S
    bill: Bill | None = None
    cache: str | None = None
    route: str | None = None
    _steps: asyncio.Lock = field(default_factory=asyncio.Lock)
    _parker: asyncio.Task[None] | None = None
    _keeper: asyncio.Task[None] | None = None
    _extender: asyncio.Task[bool] | None = None
    _ending: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None
    _delivered_bytes: int = 0
    _uses: Uses = ()
    _kept_uses: Uses = ()
    _kept_bytes: int = 0
    _keep_at_bytes: int = 0
    _covered_bytes: int = 0
    _serving: Candidate[Any] | None = None
    _tried: Candidate[Any] | None = None

    @property
    def extend_at_bytes(self) -> int:
        """The delivered bytes at which the hold should be raised."""
        output = self.meter.open_output
        return 0 if output is None else int(self.units_held * output.bytes_per_unit * EXTEND_AT)

    @property
    def bound_units(self) -> int | None:
        """The bound of an open output, where the key's minute does not carry the longest one, or where the account does
        not cover it and it cannot be watched.
        """
        output = self.meter.open_output
        if output is None:
            return None
        units = output.most_units if output.watched else self.units_held
        if self.hold.minute is not None:
            units = min(units, max(output.first_units, self.meter.units_within(self.hold.tokens)))
        return units if units < output.most_units else None

    def covers(self, delivered_bytes: int) -> bool:
        """True where `carries` would say so at once: nearly always, for the price of a comparison."""
        if delivered_bytes >= self._covered_bytes:
            output = self.meter.open_output
            self._covered_bytes = sys.maxsize if output is None or not output.watched else self.extend_at_bytes
        return delivered_bytes < self._covered_bytes

    async def carries(self, delivered_bytes: int) -> bool:
        """Raises the hold ahead of an answer that has come this far; false once it cannot pay for what was delivered.

        An answer whose length the caller bounded is held for in full, and needs nothing. The hold is raised beside the
        stream, which waits for the store only when the hold is used up, and not for long.
        """
        output = self.meter.open_output
        if output is None or self.covers(delivered_bytes):
            return True
        while not self._held_in_full:
            extender = self._begun_extension(output)
            if delivered_bytes < self._held_bytes:
                return True
            await asyncio.wait({extender}, timeout=SETTLE_WITHIN_S)
            if not extender.done() or not extender.result():
                return delivered_bytes < self._held_bytes
        return True

    @property
    def _held_bytes(self) -> int:
        output = self.meter.open_output
        return 0 if output is None else self.units_held * output.bytes_per_unit

    @property
    def _held_in_full(self) -> bool:
        """True if the hold is for the longest answer that the model gives."""
        return self.meter.open_output is not None and self.units_held >= self.meter.open_output.most_units

    def _begun_extension(self, output: OpenOutput) -> asyncio.Task[bool]:
        """The extension that is under way; one at a time."""
        if self._extender is None or self._extender.done():
            units = min(self.units_held * 2, output.most_units)
            self._extender = asyncio.create_task(self._extend(units))
        return self._extender

    async def _extend(self, units: int) -> bool:
        amount = self.meter.worst_case(units)
        async with self._steps:
            if self.bill is not None:
                return False
            try:
                if not await self._raised_to(amount):
                    return False
            except ServiceUnavailable:
                return False
            self.units_held = units
            return True

    async def widen(self, meter: StreamMeter) -> bool:
        """Raises the hold to what `meter` may come to at most, which pays from then on; false if it is not covered."""
        output = meter.open_output
        units = 0 if output is None else output.first_units if output.watched else output.most_units
        amount = meter.worst_case(units)
        async with self._steps:
            if self.bill is not None:
                return False
            try:
                extended = await self._extended(amount)
            except ServiceUnavailable:
                return False
            if extended is None:
                return False
            self.hold, self.units_held, self.meter, self._covered_bytes = extended, units, meter, 0
            return True

    async def pays(self, amount: NanoUsd) -> bool:
        """Raises a hold that is below the amount; false where balance and caps do not carry that."""
        async with self._steps:
            return amount <= self.hold.amount_nanousd or await self._raised_to(amount)

    def progress(self, served_by: Candidate[Any], delivered_bytes: int, uses: Uses = ()) -> None:
        """Notes how far a stream has come, and begins the checkpoint that is due."""
        if self._serving is not served_by:
            self._serving = served_by
            self._keep_at_bytes = delivered_bytes + self._checkpoint_bytes(served_by)
        self._delivered_bytes, self._uses = delivered_bytes, uses
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.checkpoint_s, self._on_time)
        if delivered_bytes >= self._keep_at_bytes or uses != self._kept_uses:
            self._keep_at_bytes = delivered_bytes + self._checkpoint_bytes(served_by)
            self._begin_checkpoint()

    def _checkpoint_bytes(self, candidate: Candidate[Any]) -> int:
        return self.meter.bytes_worth(candidate, CHECKPOINT_NANOUSD)

    def _on_time(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.checkpoint_s, self._on_time)
        if self._delivered_bytes > self._kept_bytes or self._uses != self._kept_uses:
            self._begin_checkpoint()

    def _begin_checkpoint(self) -> None:
        """One at a time: a store that is slow is not asked twice."""
        if self._serving is None or (self._keeper is not None and not self._keeper.done()):
            return
        self._kept_bytes, self._kept_uses = self._delivered_bytes, self._uses
        usage = self.meter.estimate(self._kept_bytes, None, self._uses)
        self._keeper = asyncio.create_task(self._checkpoint(self._charge(self._serving, usage, estimated=True)))

    async def _checkpoint(self, charge: Charge) -> None:
        async with self._steps:
            if self.bill is not None:
                return
            try:
                async with asyncio.timeout(SETTLE_WITHIN_S):
                    self.hold = await self.money.checkpoint(self.hold, self._within_cap(charge))
            except (TimeoutError, ServiceUnavailable):
                # The next one says more; a death before it is charged for the one before.
                self._kept_bytes, self._kept_uses = 0, ()

    def watch(self) -> None:
        """Moves a hold out of a crowded account's item, beside the request: the item is paid by the KB."""
        if self.hold.crowded:
            self._parker = asyncio.create_task(self._park())

    async def _park(self) -> None:
        async with self._steps:
            if self.bill is not None:
                return
            # Else it stays where it is, which is safe and only dearer.
            with suppress(ServiceUnavailable):
                self.hold = await self.money.park(self.hold)

    async def release(self, tried: Candidate[Any] | None = None) -> Bill:
        """Ends the hold without a charge; `tried` is the candidate that was tried last."""
        self._tried = tried
        return await self._end(None)

    async def settle(self, served_by: Candidate[Any], usage: Usage, *, estimated: bool) -> Bill:
        """Ends the hold with the charge for `usage`, at the price of the candidate that served."""
        return await self._end(self._charge(served_by, usage, estimated=estimated))

    def _charge(self, served_by: Candidate[Any], reported: Usage, *, estimated: bool) -> Charge:
        """The charge for a usage, as far as the request can have caused it; the excess is the operator's to look at."""
        usage = self.meter.bounded(served_by, reported)
        if usage != reported and not estimated:
            log.warning(
                "%s reported more usage than the request can have caused: %s, of which %s is charged",
                served_by.target.provider, reported, usage,
            )  # fmt: skip
            count(Metric.USAGE_BEYOND_BOUNDS)
        cost = self.meter.cost(served_by, usage)
        alone = Tried(served_by.model.id, served_by.target.provider, SERVED, served_by.own is not None)
        return Charge(
            cost_nanousd=cost.nanousd,
            request_id=self.billable.request_id,
            generation_id=self.billable.generation_id,
            model_requested=self.billable.model_requested,
            model_used=served_by.model.id,
            tier=cost.tier if served_by.own is None else Tier.BYOK,
            price_version=cost.price_version,
            usage=usage,
            user_id=self.billable.principal.key.user_id,
            org_id=self.billable.principal.key.org_id,
            estimated=estimated,
            tools=cost.tools,
            cache=self.cache,
            route=self.route or route_of([alone], served_by.model.id),
        )

    def _failure(self) -> Failure:
        """Describes the request that was not charged, for the log of its account."""
        return Failure(
            request_id=self.billable.request_id,
            generation_id=self.billable.generation_id,
            model_requested=self.billable.model_requested,
            model_used=None if self._tried is None else self._tried.model.id,
            user_id=self.billable.principal.key.user_id,
            org_id=self.billable.principal.key.org_id,
            route=self.route,
        )

    async def _end(self, charge: Charge | None) -> Bill:
        """Ends the hold once, also if the request is cancelled meanwhile."""
        if self._ending is None:
            self.bill = Bill(charge.cost_nanousd, charge.tools, charge.usage) if charge else Bill()
            ended = Wakeup()
            self._ending = begun(self._finish(charge, ended))
            if not self._ending.done():
                # By itself a task that ends takes the loop two turns to tell a shield's waiter.
                await ended
        await asyncio.shield(self._ending)
        return self.bill or Bill()

    async def _finish(self, charge: Charge | None, ended: Wakeup) -> None:
        """Ends the hold, and wakes the request that waits for it."""
        try:
            await self._finished(charge)
        finally:
            ended.wake()

    async def _finished(self, charge: Charge | None) -> None:
        """Ends the hold; a store that fails, or does not answer in time, leaves the end to the queue.

        What the hold's other steps have begun is given up, because the end does not depend on their success.
        """
        if self._timer is not None:
            self._timer.cancel()
        for step in filter(None, (self._parker, self._keeper, self._extender)):
            step.cancel()
        owed = charge and self._within_cap(charge)
        try:
            async with asyncio.timeout(SETTLE_WITHIN_S), self._steps:
                if charge is not None and owed is not charge and await self._raised_to(charge.cost_nanousd):
                    owed = charge
                now_s = self.clock.now_s()
                if owed is None:
                    await self.money.release(self.hold, now_s, self._failure())
                else:
                    await self.money.settle(self.hold, owed, now_s)
        except (TimeoutError, ServiceUnavailable):
            await self.deferred.put(self.hold, owed)
        except Exception:
            # The request is over, so no caller can be told: the queue ends its hold.
            log.exception("hold %s could not be ended", self.hold.hold_id)
            await self.deferred.put(self.hold, owed)
        if charge and owed and owed is not charge:
            self.bill = Bill(owed.cost_nanousd, owed.tools, owed.usage)
            beyond = charge.cost_nanousd - owed.cost_nanousd
            measure({Metric.SHORTFALLS: 1, Metric.SHORTFALL_NANOUSD: beyond})

    def _within_cap(self, charge: Charge) -> Charge:
        """The charge, and where there is a cap no more than the hold: what is beyond it has been in no cap's count."""
        key = self.billable.principal.key
        if key.monthly_spend_cap_nanousd is None and key.seat_cap_nanousd is None:
            return charge
        held = self.hold.amount_nanousd
        return charge if charge.cost_nanousd <= held else replace(charge, cost_nanousd=held)

    async def _raised_to(self, amount: NanoUsd) -> bool:
        """Raises the hold to this amount, if balance and caps carry that; false if they do not."""
        extended = await self._extended(amount)
        if extended is not None:
            self.hold = extended
        return extended is not None

    async def _extended(self, amount: NanoUsd) -> Hold | None:
        key = self.billable.principal.key
        caps = {"spend_cap_nanousd": key.monthly_spend_cap_nanousd, "seat_cap_nanousd": key.seat_cap_nanousd}
        return await self.money.extend(self.hold, amount, **caps)


class Billing:
    """Makes holds, for requests and for jobs alike."""

    def __init__(
        self, money: Money, deferred: DeferredSettlements, clock: Clock, *, checkpoint_s: float = CHECKPOINT_S
    ) -> None:
        self._money = money
        self._deferred = deferred
        self._clock = clock
        self._checkpoint_s = checkpoint_s

    async def refuse_hopeless(self, principal: Principal) -> None:
        """Raises the refusal that the account's state already shows, at the price of a read."""
        key, now_s = principal.key, self._clock.now_s()
        found = await self._money.state(principal.account_id, key.key_id, enforced_rpm(key.rpm_limit), now_s)
        if found is None:
            return
        rules = (
            (RefusedBy.SUSPENDED, found.disabled),
            (RefusedBy.KEY_WINDOW, found.window.remaining == 0),
            # What the account's own provider keys serve may cost nothing.
            (RefusedBy.BALANCE, found.free_nanousd <= 0 and not principal.own_keys),
        )
        broken = next((rule for rule, is_broken in rules if is_broken), None)
        if broken is not None:
            raise Refusal(broken, found.window, found.free_nanousd).error()

    def resume(self, billable: Billable, meter: StreamMeter, hold: Hold) -> OpenHold:
        """The open hold of a request that was admitted before."""
        return self._open(billable, meter, hold, None)

    async def admit(self, billable: Billable, meter: StreamMeter) -> OpenHold | Refusal:
        """Holds the worst case over all candidates, or says which rule refused."""
        outcome = await make_hold(self._money, billable, meter, self._clock.now_s())
        if isinstance(outcome, Refusal):
            return outcome
        open_hold = self._open(billable, meter, outcome.hold, outcome.window)
        open_hold.watch()
        return open_hold

    def _open(self, billable: Billable, meter: StreamMeter, hold: Hold, window: Window | None) -> OpenHold:
        tools = (self._money, self._deferred, self._clock)
        return OpenHold(billable, meter, *tools, hold, window, held_units(meter, hold), self._checkpoint_s)
