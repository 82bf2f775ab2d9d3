"""Paid calls of a run: each goes through the one pipeline as its caller, once under a key of its run and step.

The ring keeps the answer with what it cost, so a step that is done again after a death is given it and pays nothing. A
process that takes a run over has fenced the one before it (`journal.py`), so it waits for no lease: a call whose answer
was not kept is disowned, its hold released or its charge credited, and made anew. The provider may then have been
asked twice, at our cost; the account pays once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import orjson
from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.money import NanoUsd
from gateway.framing.json_edit import members
from gateway.idempotency.ring import Answer, Attempt, Idempotency, disown_hold, keyed_request
from gateway.ledger.money import parse_usd
from gateway.pipeline.operation import InboundRequest, Operation
from gateway.pipeline.pipeline import Pipeline
from gateway.ports.clock import Clock
from gateway.ports.money import Money

JSON_TYPE = "application/json"


class Paid(Struct, frozen=True):
    """An answer in the wire of its family, and what it cost."""

    body: bytes
    cost_nanousd: NanoUsd = 0
    tokens_in: int = 0
    tokens_out: int = 0
    model_used: str = ""


class Calls(Protocol):
    """Calls of one run."""

    async def ask(self, family: str, body: bytes, part: str) -> Paid:
        """The whole answer of a family (`chat`, `embeddings`, `rerank`, `images`) to a body of its own wire.

        `part` names the call within its run: the same part is answered and paid once. Raises what refuses it.
        """


Operations = Callable[[str], Operation[Any, Any]]
Caller = Callable[[], Awaitable[Principal]]


class PipelineCalls(Struct, frozen=True):
    """`Calls` through the pipeline and the ring. `caller` judges the run's key anew for each call."""

    run_id: str
    caller: Caller
    deadline_s: float
    operations: Operations
    pipeline: Pipeline
    idempotency: Idempotency
    money: Money
    clock: Clock

    async def ask(self, family: str, body: bytes, part: str) -> Paid:
        """Implements `Calls.ask`."""
        principal = await self.caller()
        # The entries of a run bear its id as their request's: their sum is what it has cost.
        inbound = InboundRequest(principal, body, self.run_id, self.deadline_s)
        context = self.pipeline.open(self.operations(family), inbound)
        # The part says what is asked, so the key alone tells a repeat.
        keyed = keyed_request(part, principal.account_id, "RUN", self.run_id, JSON_TYPE, b"{}")

        async def produce() -> Answer:
            await self.pipeline.admit(context)
            answer = await self.pipeline.answer(context)
            extension, usage = context.extension, context.usage
            kept = {
                "body": orjson.Fragment(answer),
                "cost_nanousd": 0 if extension is None else parse_usd(extension.cost_usd),
                "tokens_in": 0 if usage is None else usage.prompt,
                "tokens_out": 0 if usage is None else usage.output,
                "model_used": context.model_used,
            }
            return Answer(200, {"Content-Type": JSON_TYPE}, orjson.dumps(kept))

        attempt = Attempt(
            attempt_id=context.hold_id,
            # A process that comes after this one has taken its run over.
            deadline_s=self.clock.now_s(),
            produce=produce,
            disown=partial(disown_hold, self.money, self.clock, principal.account_id),
        )
        return _paid((await self.idempotency.run(keyed, attempt)).body)


def _paid(kept: bytes) -> Paid:
    parts = members(kept)
    told = {name: orjson.loads(value) for name, value in parts.items() if name != "body"}
    return Paid(parts["body"], **told)
