"""Faults by kind, the processes that meet them, and every await at which one can.

An await is a call to a store or a queue, a piece of a provider's answer, or a write to the client. They are numbered
over all processes of a schedule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from gateway.errors import ServiceUnavailable
from gateway.limits.windows import WINDOW_S
from gateway.stores.aws.client import AwsError, Contended, Throttled, Unanswered

T = TypeVar("T")

# 2026-12-01 00:00 UTC. Every schedule begins a little earlier, so that its month can turn at any await.
MONTH_TURNS_S = 1_796_083_200.0
BEGINS_S = MONTH_TURNS_S - 600.0
LATENCY_S, SLOW_S, HANG_S = 0.004, 1.5, 20.0
# The most by which the clock of a process is wrong.
SKEW_S = 150.0


class Fault(StrEnum):
    """One thing that happens at one await."""

    THROTTLED = "throttled"
    CONFLICT = "conflict"
    EXPIRED_TOKEN = "expired token"
    LOST_BEFORE = "lost before effect"
    LOST_AFTER = "lost after effect"
    HANGS = "hangs, effect later"
    ARRIVES_AGAIN = "arrives again later"
    SLOW = "slow"
    DIES_BEFORE = "process dies before"
    DIES_AFTER = "process dies after"
    CLIENT_GONE = "client gone"
    CLOCK_AHEAD = "clock steps ahead"
    CLOCK_BACK = "clock steps back"
    MINUTE_TURNS = "minute turns"
    MONTH_TURNS = "month turns"
    CUT = "upstream cut"
    STALL = "upstream stalls"
    GARBAGE = "upstream sends garbage"
    REFUSED = "upstream refuses"


class Kind(StrEnum):
    """The other end of an await."""

    STORE = "store"
    QUEUE = "queue"
    TABLE = "table"
    PROVIDER = "provider"
    CLIENT = "client"


ANYWHERE = frozenset(
    {
        Fault.SLOW,
        Fault.DIES_BEFORE,
        Fault.DIES_AFTER,
        Fault.CLIENT_GONE,
        Fault.CLOCK_AHEAD,
        Fault.CLOCK_BACK,
        Fault.MINUTE_TURNS,
        Fault.MONTH_TURNS,
    }
)
CLOCKS = frozenset({Fault.CLOCK_AHEAD, Fault.CLOCK_BACK, Fault.MONTH_TURNS})
LOSSES = frozenset({Fault.LOST_BEFORE, Fault.LOST_AFTER})
AWS = LOSSES | {Fault.THROTTLED, Fault.EXPIRED_TOKEN, Fault.HANGS, Fault.ARRIVES_AGAIN}
FITS: Mapping[Kind, frozenset[Fault]] = {
    Kind.STORE: ANYWHERE | AWS | {Fault.CONFLICT},
    Kind.QUEUE: ANYWHERE | AWS,
    # What the ports of other tables say of any loss is the same.
    Kind.TABLE: ANYWHERE | LOSSES,
    Kind.PROVIDER: ANYWHERE | {Fault.CUT, Fault.STALL, Fault.GARBAGE, Fault.REFUSED},
    Kind.CLIENT: ANYWHERE,
}
# Faults that leave a request's answer without a process that knows of it.
DEATHS = frozenset({Fault.DIES_BEFORE, Fault.DIES_AFTER})
# Each raise has an error of its own, since one keeps the frames that it has passed.
NOT_DONE: Mapping[Fault, Callable[[], AwsError]] = {
    Fault.THROTTLED: partial(Throttled, "ThrottlingException", ""),
    Fault.CONFLICT: partial(Contended, "TransactionConflictException", ""),
    Fault.EXPIRED_TOKEN: partial(AwsError, "ExpiredTokenException", ""),
    Fault.LOST_BEFORE: partial(Unanswered, "TimedOut", ""),
}
# The step of the money that a call to the store belongs to.
STEP: ContextVar[str] = ContextVar("step", default="other")


class Died(BaseException):
    """The process has died: no handler of its code may go on."""


@dataclass(eq=False)
class Process:
    """One process and its clock; `serving` is the task that its client waits for."""

    skew_s: float = 0.0
    dead: bool = False
    serving: asyncio.Task[Any] | None = None

    def live(self) -> None:
        """Raises if the process has died."""
        if self.dead:
            raise Died

    def lose_client(self) -> None:
        """Cancels the work for the client, as the runtime does when its connection ends."""
        if self.serving is not None:
            self.serving.cancel()


PROCESS: ContextVar[Process] = ContextVar("process")


@dataclass
class Faults:
    """The faults of one schedule: each waits for the first await from its number on that it can happen at.

    Once they are `over` nothing fails, and no call takes time: what is left over is cleaned up. `turned_s` is by how
    much the time has been turned.
    """

    waiting: list[tuple[int, Fault]]
    count: int = 0
    turned_s: float = 0.0
    over: bool = False
    met: list[tuple[str, Fault]] = field(default_factory=list)

    @classmethod
    def of(cls, faults: Iterable[tuple[int, Fault]]) -> Faults:
        """The faults of a schedule, in the order of their numbers."""
        return cls(sorted(faults))

    def next(self, place: str, kind: Kind) -> Fault | None:
        """Counts an await, and takes the fault that happens at it."""
        self.count += 1
        for waiting in self.waiting:
            if waiting[0] > self.count:
                return None
            if waiting[1] in FITS[kind]:
                self.waiting.remove(waiting)
                self.met.append((place, waiting[1]))
                return waiting[1]
        return None

    def met_any(self, faults: frozenset[Fault]) -> bool:
        """True if one of these faults has happened."""
        return any(fault in faults for _, fault in self.met)

    def now_s(self) -> float:
        """The true time."""
        return BEGINS_S + asyncio.get_running_loop().time() + self.turned_s

    async def begin(self, process: Process, place: str, kind: Kind) -> Fault | None:
        """The fault that is left for the caller to act on; those of processes and clocks have happened."""
        process.live()
        if self.over:
            return None
        await asyncio.sleep(LATENCY_S)
        process.live()
        fault = self.next(place, kind)
        match fault:
            case Fault.DIES_BEFORE:
                process.dead = True
                raise Died
            case Fault.SLOW:
                await asyncio.sleep(SLOW_S)
                process.live()
            case Fault.CLIENT_GONE:
                process.lose_client()
                await asyncio.sleep(0)
            case Fault.CLOCK_AHEAD:
                process.skew_s += SKEW_S
            case Fault.CLOCK_BACK:
                process.skew_s -= SKEW_S
            case Fault.MINUTE_TURNS:
                self.turned_s += WINDOW_S - self.now_s() % WINDOW_S
            case Fault.MONTH_TURNS:
                self.turned_s += max(0.0, MONTH_TURNS_S - self.now_s())
        return fault

    def end(self, process: Process, fault: Fault | None) -> None:
        """Lets the process die after the await's effect."""
        if fault is Fault.DIES_AFTER:
            process.dead = True
            raise Died

    async def through(
        self,
        place: str,
        kind: Kind,
        act: Callable[[], Awaitable[T]],
        lost: Callable[[str], Exception] = ServiceUnavailable,
    ) -> T:
        """Awaits an act of a client, or of a port that says by the error `lost` that its answer, or it, was lost."""
        process = PROCESS.get(None)
        if process is None:
            return await act()
        fault = await self.begin(process, place, kind)
        if fault is Fault.LOST_BEFORE:
            raise lost(place)
        outcome = await act()
        self.end(process, fault)
        if fault is Fault.LOST_AFTER:
            raise lost(place)
        return outcome


class Through:
    """A port whose every call is an await of its caller's process."""

    def __init__(self, port: Any, faults: Faults, lost: Callable[[str], Exception] = ServiceUnavailable) -> None:
        self._port = port
        self._faults = faults
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(method):
            return method
        place = f"{type(self._port).__name__}.{name}"

        async def call(*given: Any, **named: Any) -> Any:
            return await self._faults.through(place, Kind.TABLE, lambda: method(*given, **named), self._lost)

        return call


class ProcessClock:
    """The clock of one process: the true time, and its own error."""

    def __init__(self, faults: Faults, process: Process) -> None:
        self._faults = faults
        self._process = process

    @property
    def at_s(self) -> float:
        """The time, under the name that the simulated providers of jobs read."""
        return self.now_s()

    def now_s(self) -> float:
        return self._faults.now_s() + self._process.skew_s

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()
