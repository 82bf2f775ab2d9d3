"""A simulated DynamoDB whose calls meet the faults of a schedule, and the processes that make them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

from gateway.stores.aws.client import AwsError, Contended, Item, Throttled, Unanswered
from tests.money.simulation.dynamodb import SimulatedDynamoDb

HANG_S = 20.0
READS = frozenset({"GetItem", "Query"})


class Fault(StrEnum):
    """One thing that happens to one call."""

    THROTTLED = "throttled"
    CONFLICT = "conflict"
    EXPIRED_TOKEN = "expired token"
    LOST_BEFORE = "lost before its effect"
    LOST_AFTER = "lost after its effect"
    HANGS = "hangs, and has its effect later"
    ARRIVES_AGAIN = "arrives again later"
    DIES_BEFORE = "its process dies before it"
    DIES_AFTER = "its process dies after it"
    CLIENT_GONE = "its request is cancelled"


class Died(BaseException):
    """The process has died: no handler of its code may go on."""


class Process:
    """One request's process; `request` is the task that serves it."""

    def __init__(self) -> None:
        self.dead = False
        self.cancelled = False
        self.request: asyncio.Task[Any] | None = None

    def live(self) -> None:
        """Raises if the process has died."""
        if self.dead:
            raise Died


PROCESS: ContextVar[Process] = ContextVar("process")
NOT_DONE: Mapping[Fault, AwsError] = {
    Fault.THROTTLED: Throttled("ThrottlingException", ""),
    Fault.CONFLICT: Contended("TransactionConflictException", ""),
    Fault.EXPIRED_TOKEN: AwsError("ExpiredTokenException", ""),
    Fault.LOST_BEFORE: Unanswered("TimedOut", ""),
}


class FaultyDynamoDb(SimulatedDynamoDb):
    """The simulation; `faults` are by the number of the call. Without a process in the context there are none."""

    def __init__(self, faults: Mapping[int, Fault], delay_s: float) -> None:
        super().__init__(page=2)
        self.faults = faults
        self.delay_s = delay_s
        self.count = 0
        self.met: list[tuple[str, Fault]] = []

    def _count_read(self, items: list[Item], *, consistent: bool) -> None:
        """Leaves the units out, which take time and are not asked for here."""

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        process = PROCESS.get(None)
        if process is None:
            return await super().call(service, operation, payload)
        process.live()
        await asyncio.sleep(0.004)
        process.live()
        self.count += 1
        fault = self.faults.get(self.count)
        if fault is None:
            return self.done(operation, payload)
        self.met.append((operation, fault))
        return await self._troubled(process, fault, operation, payload)

    async def _troubled(self, process: Process, fault: Fault, operation: str, payload: Mapping[str, Any]) -> Item:
        if fault in NOT_DONE:
            raise NOT_DONE[fault]
        if fault is Fault.DIES_BEFORE:
            process.dead = True
            raise Died
        if fault is Fault.HANGS:
            self._later(self.delay_s, operation, payload)
            await asyncio.sleep(HANG_S)
            raise Unanswered("TimedOut", "")
        if fault is Fault.CLIENT_GONE and process.request is not None:
            process.cancelled = True
            process.request.cancel()
            await asyncio.sleep(0)
        answer = self.done(operation, payload)
        if fault is Fault.ARRIVES_AGAIN:
            self._later(self.delay_s, operation, payload)
        if fault is Fault.LOST_AFTER:
            raise Unanswered("TimedOut", "")
        if fault is Fault.DIES_AFTER:
            process.dead = True
            raise Died
        return answer

    def _later(self, delay_s: float, operation: str, payload: Mapping[str, Any]) -> None:
        def arrive() -> None:
            with suppress(AwsError):
                self.done(operation, payload)

        if operation not in READS:
            asyncio.get_running_loop().call_later(delay_s, arrive)
