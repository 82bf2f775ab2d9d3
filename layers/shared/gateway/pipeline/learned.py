"""Chooses the first target of an alias by the operator's policy, and leaves what came of it to be learned from.

Loaded where the deployment learns routes (`LearnedRoutes`). What is learned is read beside a request, at most every
15 s, and waited for by none; without it, or without a policy, the plan stands as the rules have made it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.models import Alias
from gateway.canonical.request import ChatRequest
from gateway.canonical.tries import SERVED
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, ServiceUnavailable
from gateway.learning.choice import Decision, Option, decided
from gateway.learning.classes import class_of
from gateway.learning.evidence import Table
from gateway.learning.policy import PolicyDocument, PolicyError, policy_document
from gateway.pipeline.beside import begun
from gateway.pipeline.context import RequestContext
from gateway.ports.clock import Clock
from gateway.ports.feedback import day_of
from gateway.ports.routes import Learned, Offered, RoutedOutcome, RouteStore
from gateway.routing.grading import grade
from gateway.routing.order import Expected, is_short, price_usd, whole_ms
from gateway.routing.plan import Candidate, Plan, id_of
from gateway.routing.sticky import KEPT_S, Stays, cheaper_stay, conversation_of, share_of

# The age of what is known at which it is read anew, and the time that a request waits for its outcome to be left.
FRESH_S, LEFT_WITHIN_S = 15.0, 1.0
# Nano-dollars in the millionth of a dollar that `price_usd` counts in.
NANO = 1000
NO_TABLE = Table()

log = logging.getLogger(__name__)


class LearnedRoutes:
    """The policy and the tables that this process knows."""

    def __init__(self, store: RouteStore, clock: Clock, draw: Callable[[str], float] = share_of) -> None:
        self._store = store
        self._clock = clock
        self._draw = draw
        self._read_s = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._document: PolicyDocument | None = None
        self._text: str | None = None
        self._tables: Mapping[str, Table] = {}
        self._explored: tuple[str, float] = ("", 0.0)
        self._stays = Stays()

    def chosen(self, principal: Principal, request: ChatRequest, plan: Plan[ChatModel]) -> Plan[ChatModel]:
        """The plan in the order of the policy's decision; as it is where there is nothing to decide.

        What the caller orders itself is not decided anew, and what the account's own key serves is no evidence.
        """
        first = plan.candidates[0]
        routing = request.routing
        if not isinstance(first.name.offer, Alias) or first.own is not None:
            return plan
        self._refresh()
        document = self._document
        if document is None or first.name.preference or routing.order or routing.sort:
            return plan
        open_to = [each for each in plan.candidates if each.name == first.name and each.own is None]
        found = plan.grade or grade(request)
        open_to = [each for each in open_to if is_short(each, plan.grade) == is_short(first, plan.grade)]
        if len(open_to) < 2:
            return plan
        decision = self._decided(document, principal, class_of(found.intent, found.difficulty), request, open_to)
        place = {arm: number for number, arm in enumerate(decision.order)}
        ordered = sorted(plan.candidates, key=lambda each: place.get(id_of(each), len(place)))
        return replace(plan, candidates=tuple(ordered), decision=decision)

    async def leave(self, context: RequestContext[Any, Any]) -> None:
        """Leaves what came of a request that was decided; one that cannot be left is lost."""
        outcome = outcome_of(context, self._clock.now_s())
        if context.complete and context.usage is not None and context.served_by is not None:
            conversation = conversation_of(context.account_id, context.request)
            now_s, tokens = self._clock.monotonic_s(), context.usage.prompt
            self._stays.note(conversation, id_of(context.served_by), tokens, now_s)
        if outcome is None:
            return
        try:
            async with asyncio.timeout(LEFT_WITHIN_S):
                await self._store.leave(outcome)
        except (GatewayError, TimeoutError):
            log.warning("the outcome of %s was not left", outcome.generation_id)

    async def settled(self) -> None:
        """Waits until what is being read is known."""
        if self._reading is not None:
            await self._reading

    def _decided(
        self,
        document: PolicyDocument,
        principal: Principal,
        request_class: str,
        request: ChatRequest,
        open_to: list[Candidate[ChatModel]],
    ) -> Decision:
        expected = Expected.of(request)
        conversation = conversation_of(principal.account_id, request)
        # A conversation draws the same number in each process, for as long as its prompt may be held.
        unit = f"{document.version} {conversation} {self._clock.now_s() // KEPT_S:.0f}"
        policy = document.part_for(principal.key.key_id, conversation)
        decision = decided(
            [option_of(each, expected) for each in open_to],
            self._tables.get(request_class, NO_TABLE),
            policy,
            self._draw(unit),
            version=document.version,
            request_class=request_class,
            left=self._left(document),
        )
        stay = self._stays.of(conversation, self._clock.monotonic_s())
        arm = None if stay is None else cheaper_stay(open_to, decision.chosen, stay, expected)
        return decision if arm is None else staying(decision, arm)

    def _left(self, document: PolicyDocument) -> float | None:
        """The money that exploration may still cost today; `None` without a bound."""
        if document.explores_nano_usd_a_day is None:
            return None
        day, spent = self._explored
        today = day_of(self._clock.now_s())
        return max(0.0, document.explores_nano_usd_a_day - (spent if day == today else 0.0))

    def _refresh(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._read_s >= FRESH_S:
            self._read_s = now_s
            self._reading = begun(self._read())

    async def _read(self) -> None:
        try:
            found = await self._store.learned()
        except ServiceUnavailable:
            return
        try:
            self._take(found)
        except (PolicyError, msgspec.MsgspecError):
            # A document or table of another release; what is known stays.
            log.exception("what was learned cannot be read")

    def _take(self, found: Learned) -> None:
        tables = {name: msgspec.json.decode(text, type=Table) for name, text in found.tables.items()}
        if found.policy != self._text:
            self._document = None if found.policy is None else policy_document(msgspec.json.decode(found.policy))
            self._text = found.policy
        self._tables, self._explored = tables, (found.explored_day, found.explored)


def staying(decision: Decision, arm: str) -> Decision:
    """The decision where a conversation stays at a target: nothing is left to chance, and nothing explored."""
    shown = tuple(replace(each, propensity=float(each.option.arm == arm)) for each in decision.shown)
    order = (arm, *(each for each in decision.order if each != arm))
    return replace(decision, shown=shown, chosen=arm, order=order, explored_cost=0.0)


def option_of(candidate: Candidate[ChatModel], expected: Expected) -> Option:
    """The catalog's expectations of a candidate; the cost is the target's own, since a flat bill is alike at each."""
    cost = float(price_usd(candidate.target.price, expected)) * NANO
    return Option(id_of(candidate), whole_ms(candidate, expected) / 1000, cost, candidate.model.quality)


def outcome_of(context: RequestContext[Any, Any], now_s: float) -> RoutedOutcome | None:
    """The outcome of the target that was tried first; nothing where the request, or its caller, has ended it."""
    decision = context.plan.decision
    # Without a credential there was no request.
    asked = [each for each in context.asked if each.credential is not None]
    if decision is None or not asked:
        return None
    first, option = asked[0], asked[0].candidate
    arm = id_of(option)
    shown = {each.option.arm: each for each in decision.shown}
    served = first.outcome == SERVED and context.complete and context.served_by is option
    if arm not in shown or not (served or _is_its_fault(first.outcome)):
        return None
    seconds = max(0.0, now_s - context.entered_s) if served else 0.0
    return RoutedOutcome(
        generation_id=context.generation_id,
        request_class=decision.request_class,
        version=decision.version,
        policy=decision.policy,
        offered=tuple(
            Offered(
                each.option.arm,
                round(each.option.seconds, 3),
                round(each.option.cost),
                each.option.quality,
                round(each.propensity, 7),
            )
            for each in decision.shown
        ),
        chosen=decision.chosen,
        tried=arm,
        succeeded=served,
        seconds=round(seconds, 3),
        cost=_cost(option, context.usage) if served else 0.0,
        explored=round(decision.explored_cost),
        at_s=now_s,
    )


def _cost(candidate: Candidate[Any], usage: Usage | None) -> float:
    if usage is None:
        return 0.0
    return round(float(price_usd(candidate.target.price, Expected(usage.prompt, usage.output))) * NANO)


def _is_its_fault(outcome: str) -> bool:
    """True for a failure that tells of the target: of its load, its time, or its answer."""
    status = outcome.split(" ", 1)[0]
    return status in {"408", "429"} or (status.isdigit() and int(status) >= 500)
