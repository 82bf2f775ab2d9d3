"""Holds what becomes of one admitted request, from its plan to its bill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic

from msgspec import Struct, field

from gateway.canonical.money import Window
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses
from gateway.errors import GatewayError, UnreadableAnswer, UpstreamError
from gateway.pipeline.charge import OpenHold
from gateway.pipeline.operation import A, InboundRequest, Operation, R, StreamMeter
from gateway.routing.plan import Candidate, Plan


class Overtaken(Exception):
    """Raised before the end of a stream whose request has been ended otherwise, and settled."""


class RequestContext(Struct, Generic[R, A]):
    """One planned request and its state. Lives for one request; `entered_s` is epoch seconds."""

    operation: Operation[R, A]
    inbound: InboundRequest
    request: R
    plan: Plan[Any]
    meter: StreamMeter
    hold_id: str
    entered_s: float
    models_tried: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
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
    before_end: Callable[[bytes], Awaitable[None]] | None = None
    error: GatewayError | None = None
    said_once: UpstreamError | None = None
    failure: UpstreamError | None = None

    @property
    def billed_unread(self) -> Usage | None:
        """The usage that a provider reports of an answer that cannot be read, if that is what the request ends with."""
        told = self.failure if self.failure is self.said_once else None
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
    def distinct_models(self) -> tuple[str, ...]:
        """The models tried, each once, in order."""
        return tuple(dict.fromkeys(self.models_tried))

    @property
    def model_used(self) -> str:
        """The catalog's id of the model that served, or was tried last."""
        return self.models_tried[-1] if self.models_tried else ""

    @property
    def outcome_status(self) -> int:
        """The status that the request came to: a failure that delivered nothing is one, even after a committed 200."""
        return 200 if self.error is None or self.delivered_bytes else self.error.status

    def try_on(self, candidate: Candidate[Any]) -> None:
        """Notes that an attempt begins."""
        self.served_by = candidate
        self.models_tried.append(candidate.model.id)

    def fail_with(self, failure: UpstreamError, candidate: Candidate[Any]) -> None:
        """Notes the failure that the caller is told of, and the candidate whose it is."""
        self.failure, self.served_by = failure, candidate

    def covers(self, delivered_bytes: int, uses: Uses = ()) -> bool:
        """Notes how far the answer has come. True where the hold pays for that and need not be raised yet."""
        if self.open_hold is None:
            return True
        if delivered_bytes and self.served_by is not None:
            self.open_hold.progress(self.served_by, delivered_bytes, uses)
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
        told = {"X-Nexevo-Cache": "miss"}
        if self.models_tried:
            told |= {"X-Nexevo-Model-Used": self.model_used, "X-Nexevo-Models-Tried": ",".join(self.distinct_models)}
        if self.usage is not None:
            told |= {
                "X-Usage-Input-Tokens": str(self.usage.prompt),
                "X-Usage-Output-Tokens": str(self.usage.output),
            }
        return told

    def log_fields(self) -> dict[str, Any]:
        """The request's part of the log line: ids, names and counts, no content."""
        return {
            "generation_id": self.generation_id,
            "account_id": self.account_id,
            "key_id": self.inbound.principal.key.key_id,
            "model": self.request.model,
            "models_tried": self.models_tried,
            "failures": self.failures,
            "stream": self.request.stream,
            "input_tokens": self.usage.prompt if self.usage else None,
            "output_tokens": self.usage.output if self.usage else None,
        }
