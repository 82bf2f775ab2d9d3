"""Measures warm requests and streams of ours, of relays and of other gateways, in rounds that alternate between them.

In each turn there is a new process of each, on the core that is measured. CPU is that of the process over a round, what
it does after its answers included. Added time is the caller's wait, less a blocking socket's for the same answers of
the same servers (an admission, the provider and, if the caller waits for it, a settlement); and less the same runtime's
with an empty app where it is ours, since the local Runtime API is no part of it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from bench.asks import ASKS
from bench.bed import Bed
from bench.environment import Environment, started
from bench.peers import Server, serving
from bench.plain_client import PlainClient
from bench.process import is_running
from bench.quota import limited
from bench.rounds import Counts
from bench.subjects import Asked, Ours, Subject

PAUSE_MS = 5
RELAY, NOOP = "blocking relay", "same runtime, no-op app"
# What the floor of two blocking sockets is no server for.
STREAMS_ONLY, WHOLE_ONLY = {RELAY}, {NOOP}


@dataclass(slots=True)
class Measured:
    """The results of one subject, of every process and round; those that end in `_at_quota` at 0.145 of a core."""

    start_ms: list[float] = field(default_factory=list)
    request_ms: list[float] = field(default_factory=list)
    fixed_ms: list[float] = field(default_factory=list)
    added_last_ms: list[float] = field(default_factory=list)
    added_first_ms: list[float] = field(default_factory=list)
    paced_us: list[float] = field(default_factory=list)
    flat_us: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)
    last_ms_at_quota: list[float] = field(default_factory=list)
    first_ms_at_quota: list[float] = field(default_factory=list)


Results = dict[str, Measured]


@dataclass(frozen=True, slots=True)
class _Floor:
    """The waits of one round that no gateway can take away, in milliseconds."""

    aws: float
    whole: float
    first: float
    noop: float


class _Servers:
    """The servers behind the gateways, asked by blocking sockets."""

    def __init__(self, aws: PlainClient, provider: PlainClient, counts: Counts) -> None:
        self._aws, self._provider, self._counts = aws, provider, counts

    async def floor(self, noop: Subject) -> _Floor:
        """The waits of this round."""
        asked = await _asked(noop, self._counts.requests)
        return _Floor(
            _median_ms(self._aws.transact, self._counts.requests),
            _median_ms(self._provider.completion, self._counts.requests),
            _median_ms(self._provider.first_chunk, self._counts.streams),
            median(answer.last_s for answer in asked) * 1e3,
        )


async def measure(bed: Bed, counts: Counts, peers: Mapping[str, Server]) -> Results:
    """Measures all of them, ours first."""
    results = {name: Measured() for name in (*(ask.name for ask in ASKS), NOOP, RELAY, *peers)}
    with PlainClient(bed.outside["aws"]) as aws, PlainClient(bed.outside["provider"]) as provider:
        servers = _Servers(aws, provider, counts)
        for _ in range(counts.processes):
            async with _turn(bed, peers, results) as subjects:
                for name, subject in subjects.items():
                    await _warmed(name, subject, counts)
                for _ in range(counts.rounds):
                    floor = await servers.floor(subjects[NOOP])
                    for name, subject in subjects.items():
                        await _round(name, subject, results[name], counts, floor)
                for name, subject in subjects.items():
                    await _at_quota(name, subject, results[name], counts)
    return results


@asynccontextmanager
async def _turn(bed: Bed, peers: Mapping[str, Server], results: Results) -> AsyncIterator[dict[str, Subject]]:
    """A new process of each kind. The asks of one family share one."""
    async with AsyncExitStack() as stack:
        functions: dict[str, Environment] = {}
        subjects: dict[str, Subject] = {}
        for ask in ASKS:
            if ask.family not in functions:
                functions[ask.family] = await stack.enter_async_context(started(bed.families[ask.family]))
            subjects[ask.name] = Ours(functions[ask.family], bed, ask)
        for name, kind in ((NOOP, bed.noop), (RELAY, bed.relay)):
            subjects[name] = Ours(await stack.enter_async_context(started(kind)), bed)
        for name, server in peers.items():
            subjects[name] = await stack.enter_async_context(serving(server, bed.noop))
        for name, subject in subjects.items():
            results[name].start_ms.append(subject.usage()[0])
        yield subjects


async def _warmed(name: str, subject: Subject, counts: Counts) -> None:
    if name not in STREAMS_ONLY:
        await _asked(subject, counts.requests)
    if name not in WHOLE_ONLY:
        await subject.ask(10)


async def _round(name: str, subject: Subject, found: Measured, counts: Counts, floor: _Floor) -> None:
    if name not in STREAMS_ONLY:
        whole_us, answers = await _cpu_us(subject, partial(_asked, subject, counts.requests))
        found.request_ms.append(whole_us / counts.requests / 1e3)
        last_ms = median(answer.last_s for answer in answers) * 1e3
        if name != NOOP:
            found.added_last_ms.append(last_ms - floor.whole - _own_ms(subject, floor, exchanges=2))
    if name not in WHOLE_ONLY:
        single_us, answers = await _cpu_us(subject, partial(_asked, subject, counts.streams, 1))
        fixed_us = single_us / counts.streams
        found.fixed_ms.append(fixed_us / 1e3)
        first_ms = median(answer.first_s for answer in answers) * 1e3
        if name != RELAY:
            found.added_first_ms.append(first_ms - floor.first - _own_ms(subject, floor, exchanges=1))
        # LiteLLM takes milliseconds for each chunk that comes with others.
        flat_chunks = counts.flat_chunks if isinstance(subject, Ours) else counts.paced_chunks
        for values, count, pause_ms in (
            (found.paced_us, counts.paced_chunks, PAUSE_MS),
            (found.flat_us, flat_chunks, 0),
        ):
            chunks_us, _ = await _cpu_us(subject, partial(_asked, subject, 1, count, pause_ms))
            values.append((chunks_us - fixed_us) / (count - 1))
    found.resident_mb.append(subject.usage()[1])


def _own_ms(subject: Subject, floor: _Floor, exchanges: int) -> float:
    """Sums what ours waits for beside its provider: the Runtime API, and so many exchanges with DynamoDB."""
    return floor.noop + exchanges * floor.aws if isinstance(subject, Ours) else 0.0


async def _at_quota(name: str, subject: Subject, found: Measured, counts: Counts) -> None:
    """Measures the same process's waits under the quota, if there is one."""
    with limited() as procs:
        if procs is None or name in STREAMS_ONLY | WHOLE_ONLY:
            return
        procs.write_text(str(subject.pid))
        try:
            answers = await _asked(subject, max(3, counts.requests // 5))
            streams = await _asked(subject, max(3, counts.streams // 5), 1)
        finally:
            (procs.parent.parent / procs.name).write_text(str(subject.pid))
    found.last_ms_at_quota.append(median(answer.last_s for answer in answers) * 1e3)
    found.first_ms_at_quota.append(median(answer.first_s for answer in streams) * 1e3)


async def _asked(subject: Subject, times: int, count: int = 0, pause_ms: int = 0) -> list[Asked]:
    return [await subject.ask(count, pause_ms) for _ in range(times)]


async def _cpu_us(subject: Subject, asking: Callable[[], Awaitable[list[Asked]]]) -> tuple[float, list[Asked]]:
    """The process's CPU until it sleeps again, and the answers."""
    before_ms = subject.usage()[0]
    answers = await asking()
    while is_running(subject.pid):  # noqa: ASYNC110  # the kernel tells of no such event
        await asyncio.sleep(0.001)
    return (subject.usage()[0] - before_ms) * 1e3, answers


def _median_ms(call: Callable[[], None], times: int) -> float:
    taken = []
    for _ in range(times):
        began_s = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began_s) * 1e3)
    return median(taken)
