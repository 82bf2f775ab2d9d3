"""Pays for a session: one hold after another, each ended by what the provider has reported and followed by the next.

A hold counts in the caller's limits as a request does, so that each response counts once. Where a key may run so many
at once, an open session is one of these by a hold of nothing, which lasts as long as it: no other session takes its
place between two responses. A hold is raised as the session asks. Where the next hold is refused by a limit, the next
response meets that refusal; where no money is left, the session ends.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Awaitable, Sequence

from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.limits import NO_TOKENS, KeyLimits, TokenDemand, user_name
from gateway.canonical.money import Admission, Charge, Hold, HoldRequest, NanoUsd, Refusal, ToolCost
from gateway.canonical.realtime import Spent
from gateway.canonical.tries import SERVED, Tried, route_of
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InsufficientBalance, RateLimited, ServiceUnavailable
from gateway.ledger.hold_ids import hold_id_at
from gateway.limits.windows import enforced_rpm
from gateway.logs.metrics import Metric, measure
from gateway.operations.input_meter import tier_of
from gateway.ports.clock import Clock
from gateway.ports.money import DeferredSettlements, Money
from gateway.sockets.sessions import RealtimeCandidate

# The tokens that a response is taken for before they are known; its end counts what they were.
TOKENS_AHEAD = 1024
NO_MONEY = "The balance, or a spend cap, does not cover more of this session."

log = logging.getLogger(__name__)


class Purse:
    """The money of one session.

    `hold` is the open one, `None` while a limit keeps the next from being made. `place` is the one by which the session
    counts among those that run at once. `beside` is what other models have done for it, which its next charge pays.
    """

    def __init__(
        self,
        principal: Principal,
        money: Money,
        deferred: DeferredSettlements,
        clock: Clock,
        *,
        request_id: str,
        model: str,
        candidate: RealtimeCandidate,
        over_by_s: int,
        hold: Hold | None = None,
        place: Hold | None = None,
        beside: Sequence[Spent] = (),
        runs: bool = True,
    ) -> None:
        self._principal = principal
        self._money = money
        self._deferred = deferred
        self._clock = clock
        self._request_id = request_id
        self._model = model
        self._candidate = candidate
        self._over_by_s = over_by_s
        self.hold = hold
        self.place = place
        self.beside = list(beside)
        self._wanted: NanoUsd = 0 if hold is None else max(0, hold.amount_nanousd - self._beside_nanousd)
        # Whether its holds count among what the key runs at once, where it has no place of its own.
        self._runs = runs

    async def take_place(self) -> Refusal | None:
        """Takes the session's place among those that the key runs at once, until its end; a refusal where none is free.

        It counts as a request, as the handshake of every socket does that holds nothing.
        """
        key = self._principal.key
        if key.max_parallel is None:
            return None
        asked = self._request(0, enforced_rpm(key.rpm_limit))
        asked = replace(asked, limits=KeyLimits(max_parallel=key.max_parallel))
        outcome = await self._admission(asked)
        if isinstance(outcome, Refusal):
            return outcome
        self.place = outcome.hold
        return None

    def _request(self, amount: NanoUsd, rpm_limit: int) -> HoldRequest:
        return HoldRequest(
            account_id=self._principal.account_id,
            key_id=self._principal.key.key_id,
            hold_id=hold_id_at(self._clock.now_s(), secrets.randbits(40)),
            amount_nanousd=amount,
            deadline_s=self._over_by_s,
            key_rpm_limit=rpm_limit,
            lease_until_s=self._over_by_s,
            seat=self._principal.key.seat,
        )

    async def open(self, amount: NanoUsd) -> Refusal | None:
        """Makes a hold of the amount, and of what is owed; the refusal where there is one."""
        self._wanted = amount
        amount += self._beside_nanousd
        key = self._principal.key
        asked = replace(
            self._request(amount, enforced_rpm(key.rpm_limit)),
            spend_cap_nanousd=key.monthly_spend_cap_nanousd,
            limits=self._limits,
            tokens=NO_TOKENS if key.tpm_limit is None else TokenDemand(TOKENS_AHEAD, TOKENS_AHEAD),
            user=user_name(key.key_id, None),
            alert_at_nanousd=key.alert_at_nanousd,
            seat_cap_nanousd=key.seat_cap_nanousd,
        )
        refusal = await self._admitted(asked)
        if self.beside:
            # What came while no hold was open to note it.
            await self.checkpoint()
        return refusal

    async def _owe(self) -> Refusal | None:
        """Makes a hold of nothing for what was delivered already. Its charge takes what the balance has."""
        key = self._principal.key
        # A key's spend is counted where it has a cap, which has let this pass before.
        cap = None if key.monthly_spend_cap_nanousd is None else sys.maxsize
        asked = replace(
            self._request(0, enforced_rpm(key.rpm_limit)),
            spend_cap_nanousd=cap,
            alert_at_nanousd=key.alert_at_nanousd,
            owed=True,
        )
        return await self._admitted(asked)

    async def _admitted(self, asked: HoldRequest) -> Refusal | None:
        outcome = await self._admission(asked)
        if isinstance(outcome, Refusal):
            return outcome
        self.hold = outcome.hold
        return None

    async def _admission(self, asked: HoldRequest) -> Admission | Refusal:
        try:
            return await self._money.admit(asked, self._clock.now_s())
        except ServiceUnavailable:
            # It may have been made all the same, and would be open for as long as the session may last.
            made = Hold(asked.account_id, asked.hold_id, asked.key_id, asked.amount_nanousd, asked.deadline_s)
            await self._deferred.put(made, None)
            raise

    def follow(self, principal: Principal) -> None:
        """Takes the caller's limits and caps as they stand now."""
        self._principal = principal

    def served_by(self, candidate: RealtimeCandidate) -> None:
        """Takes another candidate, which serves from now on."""
        self._candidate = candidate

    @property
    def _limits(self) -> KeyLimits:
        key = self._principal.key
        counts = self._runs and self.place is None
        return KeyLimits(key.tpm_limit, key.max_parallel if counts else None, key.user_rpm_limit)

    async def cover(self, amount: NanoUsd) -> GatewayError | None:
        """Has at least this amount held, beside what is owed; the refusal where that cannot be."""
        self._wanted = amount
        if self.hold is None:
            refusal = await self._refusal(amount)
            # A limit is for a response to meet: what the caller says meanwhile passes.
            return None if isinstance(refusal, RateLimited) else refusal
        amount += self._beside_nanousd
        if self.hold.amount_nanousd >= amount:
            return None
        key = self._principal.key
        caps = {"spend_cap_nanousd": key.monthly_spend_cap_nanousd, "seat_cap_nanousd": key.seat_cap_nanousd}
        try:
            raised = await self._money.extend(self.hold, amount, **caps)
        except ServiceUnavailable as down:
            return down
        if raised is None:
            return InsufficientBalance(NO_MONEY)
        self.hold = raised
        return None

    async def begin(self) -> GatewayError | None:
        """Has a hold for a response that is about to begin; the refusal where a limit does not let it."""
        return await self._refusal(self._wanted) if self.hold is None else None

    async def charge(self, spent: Spent, next_amount: NanoUsd, so_far: Spent | None = None) -> GatewayError | None:
        """Ends the open hold with a charge, and makes the next one; a refusal where there is no money for it.

        What another model has done, which writes down what the caller says, is paid with the session's own next charge,
        in a line of its own: it is no request of the caller's. `so_far` is what the session has come to beside it.
        """
        if spent.beside:
            self.beside.append(spent)
            await self.checkpoint(so_far)
            return await self.cover(self._wanted)
        await self._settle(spent)
        refusal = await self._refusal(next_amount)
        # A limit is for the next response to meet: one that does not come is not refused.
        return None if isinstance(refusal, RateLimited) else refusal

    async def checkpoint(self, so_far: Spent | None = None) -> None:
        """Notes what is owed, and what the session has come to since its last charge: a death is charged for both.

        Each note takes the place of the one before, so that it is of all that the hold has come to.
        """
        if self.hold is None:
            return
        charge = self._charge(so_far or self._rest(), self.hold)
        try:
            # The session's record has the hold as it is here, by which a dead session is ended.
            self.hold = replace(await self._money.checkpoint(self.hold, charge), checkpoint=charge)
        except ServiceUnavailable:
            log.warning("a checkpoint was not written")

    async def close(self) -> None:
        """Pays what is owed still, and gives back what is held, and the place."""
        if self.beside:
            await self._settle(self._rest())
        held = [hold for hold in (self.hold, self.place) if hold is not None]
        self.hold = self.place = None
        for hold in held:
            try:
                await self._money.release(hold, self._clock.now_s())
            except ServiceUnavailable:
                await self._deferred.put(hold, None)

    def _rest(self) -> Spent:
        """A charge that pays nothing but what other models have done."""
        return Spent("", self._candidate.model.id, 0, Usage())

    async def _settle(self, spent: Spent) -> None:
        """Ends the open hold with a charge. Where a limit has kept it from being made, one is made for the charge."""
        if self.hold is None:
            refusal = await self._refusal_of(self._owe())
            if self.hold is None:
                log.error("a charge of %d nano-USD could not be held for: %s", spent.cost_nanousd, refusal)
                measure({Metric.SHORTFALLS: 1, Metric.SHORTFALL_NANOUSD: spent.cost_nanousd})
                return
        hold, self.hold = self.hold, None
        charge = self._charge(spent, hold)
        self.beside = []
        try:
            await self._money.settle(hold, charge, self._clock.now_s())
        except ServiceUnavailable:
            await self._deferred.put(hold, charge)

    async def _refusal(self, amount: NanoUsd) -> GatewayError | None:
        return await self._refusal_of(self.open(amount))

    async def _refusal_of(self, opening: Awaitable[Refusal | None]) -> GatewayError | None:
        try:
            refusal = await opening
        except ServiceUnavailable as down:
            return down
        return None if refusal is None else refusal.error()

    @property
    def _beside_nanousd(self) -> NanoUsd:
        return sum(each.cost_nanousd for each in self.beside)

    def _charge(self, spent: Spent, hold: Hold) -> Charge:
        key, by = self._principal.key, self._candidate
        served = Tried(by.model.id, by.target.provider, SERVED, own_key=by.own is not None)
        return Charge(
            cost_nanousd=spent.cost_nanousd + self._beside_nanousd,
            request_id=self._request_id,
            generation_id=f"gen-nxn-{hold.hold_id}",
            model_requested=self._model,
            model_used=spent.model,
            tier=tier_of(by),
            price_version=spent.price_version or by.model.sale.price_version,
            usage=spent.usage,
            user_id=key.user_id,
            org_id=key.org_id,
            estimated=spent.estimated,
            tools=tuple(ToolCost(each.model, 1, each.cost_nanousd) for each in self.beside),
            route=route_of([served], spent.model),
        )
