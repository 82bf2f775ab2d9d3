"""Holds what becomes of one admitted request, from its plan to its bill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic

from msgspec import Struct, field

from gateway.canonical.money import Window
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried, route_of
from gateway.canonical.usage import Usage, Uses
from gateway.errors import GatewayError, NotCovered, UnreadableAnswer, UpstreamError
from gateway.pipeline.charge import OpenHold
from gateway.pipeline.operation import A, Continuation, InboundRequest, Operation, R, StreamMeter
from gateway.ports.upstream import Credential
from gateway.routing.plan import Candidate, Plan

if TYPE_CHECKING:
    # Loaded where the deployment learns routes.
    from gateway.learning.choice import Decision

    # Loaded by requests that use the cache of answers.
    from gateway.pipeline.caching import Caching, Hit

    # Loaded where the deployment hedges.
    from gateway.pipeline.hedging import Race

    # Loaded where a target is silent.
    from gateway.pipeline.silence import Rescue

# So many tries of a request are kept with its charge, the last ones: they end with the one that served.
TRIES_KEPT = 6
# Outcomes of candidates beside `SERVED`, and a failure's status and code.
COOLING, HEDGED, UNNEEDED = "cooling", "hedged", "not needed"
# It delivered the beginning of an answer, and another one went on.
CUT = "cut"


class Overtaken(Exception):
    """Raised before the end of a stream whose request has been ended otherwise, and settled."""


class Attempt(Struct, eq=False):
    """One try at a candidate. `outcome` is `served`, a failure's status and code, or why it was not asked.

    `patience` bounds the time to its first content, where a healthy candidate stands behind it. `race` is with another
    one at the same time, and `begun_s` is when it began, where that is learned from. `silence` is the timer that runs
    until the provider's first byte, and `rescue` the race with those asked beside one that stays silent.
    """

    candidate: Candidate[Any]
    credential: Credential | None = None
    outcome: str = ""
    patience: asyncio.Timeout | None = None
    race: Race[Any] | Rescue[Any] | None = None
    silence: asyncio.TimerHandle | None = None
    rescue: Rescue[Any] | None = None
    begun_s: float = 0.0
    beside: bool = False

    @property
    def who(self) -> str:
        """The provider, with the id of one of its several credentials."""
        chosen = self.credential.id if self.credential else ""
        return f"{self.candidate.target.provider}#{chosen}" if chosen else self.candidate.target.provider


class Continued(Struct):
    """An answer that goes on after a cut: the attempts that delivered its parts, and how the rest is asked for."""

    parts: list[Attempt]
    asked: Continuation


class RequestContext(Struct, Generic[R, A]):
    """One planned request and its state. Lives for one request; `entered_s` is epoch seconds.

    `credentials` are those in use, by provider, and `spent` names the targets that are limited until after the request.
    `left_s` are the seconds until the first of those may be asked that were to be left alone before it.
    `ordering` has the candidates in another order than the plan's where some of them are not well; `probe` is the one
    that this request finds out about.
    `apart` runs work on a heavy request beside the loop, where others are served on it.
    `caching` is what the request has to do with the cache of answers, and `hit` the kept answer that serves it.
    `unheld` is true while the hold is for the account's own provider keys alone, with which it is asked first.
    """

    operation: Operation[R, A]
    inbound: InboundRequest
    request: R
    plan: Plan[Any]
    meter: StreamMeter
    hold_id: str
    entered_s: float
    attempts: list[Attempt] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    credentials: dict[str, Credential] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    left_s: float = 0.0
    apart: Callable[[Callable[[], Any]], Awaitable[Any]] | None = None
    ordering: asyncio.Task[list[Candidate[Any]]] | None = None
    probe: Candidate[Any] | None = None
    warming: asyncio.Task[None] | None = None
    recalling: asyncio.Task[Callable[[R, Candidate[Any]], R]] | None = None
    open_hold: OpenHold | None = None
    window: Window | None = None
    served_by: Candidate[Any] | None = None
    usage: Usage | None = None
    uses: Uses = ()
    delivered_bytes: int = 0
    complete: bool = False
    extension: Extension | None = None
    unheld: bool = False
    before_end: Callable[[bytes], Awaitable[None]] | None = None
    error: GatewayError | None = None
    said_once: UpstreamError | None = None
    failure: UpstreamError | None = None
    continued: Continued | None = None
    caching: Caching[Any] | None = None
    hit: Hit[Any] | None = None

    @property
    def billed_unread(self) -> Usage | None:
        """The usage that a provider reports of an answer that cannot be read, if that is what the request ends with."""
        told = self.failure if self.failure is self.said_once and self.continued is None else None
        return told.usage if isinstance(told, UnreadableAnswer) and isinstance(told.usage, Usage) else None

    @property
    def generation_id(self) -> str:
        """The id by which the caller may refer to the generation."""
        return f"gen-nxn-{self.hold_id}"

    @property
    def account_id(self) -> str:
        """The account that asked."""
        return self.inbound.principal.account_id

    @property
    def stamp(self) -> Stamp:
        """The answer's own id, and the model name that was asked for."""
        return Stamp(
            response_id=f"{self.operation.wire.id_prefix}nxn-{self.hold_id}",
            model=self.request.model,
            created_s=int(self.entered_s),
            echo=self.request.echo,
        )

    @property
    def cache(self) -> str:
        """The part of the cache in the answer: `miss` for none."""
        return "miss" if self.hit is None else self.hit.kind

    @property
    def asked(self) -> list[Attempt]:
        """The attempts for which a provider was asked, or was to be asked."""
        return [attempt for attempt in self.attempts if attempt.outcome != COOLING]

    @property
    def models_tried(self) -> list[str]:
        """The models of all attempts, in order."""
        return [attempt.candidate.model.id for attempt in self.asked]

    @property
    def distinct_models(self) -> tuple[str, ...]:
        """The models tried, each once, in order."""
        return tuple(dict.fromkeys(self.models_tried))

    @property
    def explained(self) -> tuple[Tried, ...]:
        """The candidates that were tried or passed over, in order, each with what came of it."""
        return tuple(
            Tried(
                attempt.candidate.model.id,
                attempt.candidate.target.provider,
                attempt.outcome,
                attempt.candidate.own is not None,
            )
            for attempt in self.attempts
        )

    @property
    def route(self) -> str:
        """The tries as a charge keeps them (`Charge.route`)."""
        return route_of(self.explained[-TRIES_KEPT:], self.model_used)

    @property
    def model_used(self) -> str:
        """The catalog's id of the model that served, or was tried last."""
        served_by = self.served_by if self.continued is None else self.continued.parts[-1].candidate
        return "" if served_by is None else str(served_by.model.id)

    @property
    def outcome_status(self) -> int:
        """The status that the request came to: a failure that delivered nothing is one, even after a committed 200."""
        return 200 if self.error is None or self.delivered_bytes else self.error.status

    def try_on(self, candidate: Candidate[Any]) -> Attempt:
        """Notes that an attempt begins."""
        self.served_by = candidate
        self.attempts.append(Attempt(candidate))
        return self.attempts[-1]

    def pass_over(self, candidate: Candidate[Any]) -> None:
        """Notes a candidate that is not asked, since its provider has asked to be left alone."""
        self.attempts.append(Attempt(candidate, outcome=COOLING))

    async def hold_for(self, candidate: Candidate[Any]) -> None:
        """Raises the hold before the gateway's own credentials are used; raises `NotCovered` where it cannot be."""
        if not self.unheld or candidate.own is not None or self.open_hold is None:
            return
        meter = self.operation.meter(self.request, self.plan)
        if not await self.open_hold.widen(meter):
            raise NotCovered
        self.meter, self.unheld = meter, False

    def go_on(self, cut: Attempt, asked: Continuation) -> None:
        """Notes that the answer goes on behind what the attempt, and those before it, have delivered of it."""
        parts = [cut] if self.continued is None else self.continued.parts
        self.continued = Continued(parts, asked)
        if cut in parts:
            cut.outcome = CUT

    def may_ask(self, candidate: Candidate[Any]) -> bool:
        """True unless the request is for the rest of an answer, with which the candidate cannot go on.

        One answer is paid for in one way: with the account's own provider keys, or with the gateway's.
        """
        if self.continued is None:
            return True
        first = self.continued.parts[0].candidate
        return self.continued.asked.takes(candidate) and (candidate.own is None) == (first.own is None)

    def priced_at(self, usage: Usage) -> Candidate[Any] | None:
        """The candidate at whose price the answer is billed: the cheapest of those that delivered parts of it."""
        if self.continued is None:
            return self.served_by
        meter, candidates = self.meter, [part.candidate for part in self.continued.parts]
        return min(candidates, key=lambda each: meter.cost(each, meter.bounded(each, usage)).nanousd)

    def fail_with(self, failure: UpstreamError, candidate: Candidate[Any]) -> None:
        """Notes the failure that the caller is told of, and the candidate whose it is."""
        self.failure, self.served_by = failure, candidate

    def drop_preparations(self) -> None:
        """Ends what was begun for a provider that is not to be asked."""
        for task in filter(None, (self.warming, self.recalling, self.ordering)):
            task.cancel()

    def covers(self, delivered_bytes: int, uses: Uses = ()) -> bool:
        """Notes how far the answer has come. True where the hold pays for that and need not be raised yet."""
        if self.open_hold is None or self.hit is not None:
            # A kept answer is whole, and paid at its end.
            return True
        served_by = self.served_by if self.continued is None else self.continued.parts[0].candidate
        if delivered_bytes and served_by is not None:
            self.open_hold.progress(served_by, delivered_bytes, uses)
        return self.open_hold.covers(delivered_bytes)

    async def carries(self, delivered_bytes: int) -> bool:
        """True while the hold pays for an answer of so many bytes. Uses of tools are held for from the start."""
        return self.open_hold is None or await self.open_hold.carries(delivered_bytes)

    def standing_headers(self) -> dict[str, str]:
        """The headers of every answer to this request, refusals included."""
        window = self.window.headers if self.window else {}
        return {"X-Nexevo-Generation-Id": self.generation_id, **window}

    def headers(self) -> dict[str, str]:
        """The headers that tell of the serving attempt, as far as it is known."""
        told = {"X-Nexevo-Cache": self.cache}
        if self.hit is not None:
            told["Age"] = str(int(self.hit.age_s))
        if tried := self.distinct_models:
            told |= {"X-Nexevo-Model-Used": self.model_used, "X-Nexevo-Models-Tried": ",".join(tried)}
        usage = self.usage if self.extension is None else self.extension.usage or self.usage
        if usage is not None:
            told |= {
                "X-Usage-Input-Tokens": str(usage.prompt),
                "X-Usage-Output-Tokens": str(usage.output),
            }
        return told

    def _candidates(self) -> list[str]:
        """Each candidate with what came of it, by ids: those of the attempts, then the rest of the plan."""
        tried = [f"{each.who} {each.candidate.model.id}: {each.outcome}" for each in self.attempts]
        met = [each.candidate for each in self.attempts]
        rest = (each for each in self.plan.candidates if each not in met)
        return tried + [f"{each.target.provider} {each.model.id}: {UNNEEDED}" for each in rest]

    def log_fields(self) -> dict[str, Any]:
        """The request's part of the log line: ids, names and counts, no content."""
        return {
            "generation_id": self.generation_id,
            "account_id": self.account_id,
            "key_id": self.inbound.principal.key.key_id,
            "user_id": self.inbound.principal.key.user_id,
            "org_id": self.inbound.principal.key.org_id,
            "model": self.request.model,
            "models_tried": self.models_tried,
            "failures": self.failures,
            "candidates": self._candidates(),
            "propensities": self.plan.propensities,
            **({} if self.plan.decision is None else _decided(self.plan.decision)),
            "stream": self.request.stream,
            "cache": self.cache,
            "input_tokens": self.usage.prompt if self.usage else None,
            "output_tokens": self.usage.output if self.usage else None,
        }


def _decided(decision: Decision) -> dict[str, Any]:
    return {"policy": f"{decision.version}/{decision.policy}", "request_class": decision.request_class}
