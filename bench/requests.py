"""Measures one request: CPU of the function's process, and the time it adds to that of the servers behind it.

Added time is the answer's time, less that of the same runtime with an empty app, less a blocking socket's time for the
same answers: an admission, the provider and, if the caller waits for it, a settlement.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from bench.bed import Bed
from bench.environment import Answered, Environment, started
from bench.figures import Figure
from bench.plain_client import PlainClient
from bench.rounds import Counts, ask_repeatedly, mean_cpu_ms, median_of

CPU = "CPU of one request, warm"
ADDED = "Added time, one request at a time, median"


@dataclass(slots=True)
class _Samples:
    """The rounds' results, in milliseconds."""

    request_cpu: list[float] = field(default_factory=list)
    stream_cpu: list[float] = field(default_factory=list)
    noop_cpu: list[float] = field(default_factory=list)
    added_last: list[float] = field(default_factory=list)
    added_first: list[float] = field(default_factory=list)


async def measure(bed: Bed, counts: Counts) -> list[Figure]:
    """Measures non-stream requests and streams of one chunk, in rounds with the empty app."""
    samples = _Samples()
    with PlainClient(bed.outside["aws"]) as aws, PlainClient(bed.outside["provider"]) as provider:
        for _ in range(counts.processes):
            async with started(bed.chat) as chat, started(bed.noop) as noop:
                await ask_repeatedly(chat, bed.request(), counts.requests)
                await ask_repeatedly(noop, bed.request(), counts.requests)
                for _ in range(counts.rounds):
                    await _round(bed, counts, (chat, noop), (aws, provider), samples)
    return [
        Figure(CPU, "non-stream", samples.request_cpu, "ms", budget=1.0, ambition=0.4),
        Figure(CPU, "stream, fixed part", samples.stream_cpu, "ms", budget=1.2, ambition=0.5),
        Figure(CPU, "same runtime, no-op app", samples.noop_cpu, "ms"),
        Figure(ADDED, "to the first chunk of a stream", samples.added_first, "ms", budget=1.0, ambition=0.4),
        Figure(ADDED, "to the end of a non-stream answer", samples.added_last, "ms"),
    ]


async def _round(
    bed: Bed,
    counts: Counts,
    environments: tuple[Environment, Environment],
    clients: tuple[PlainClient, PlainClient],
    samples: _Samples,
) -> None:
    chat, noop = environments
    aws, provider = clients
    whole = await ask_repeatedly(chat, bed.request(), counts.requests)
    nothing = await ask_repeatedly(noop, bed.request(), counts.requests)
    streams = await ask_repeatedly(chat, bed.stream(1), counts.streams)
    aws_ms = _median_ms(aws.transact, counts.requests)
    whole_ms = _median_ms(provider.completion, counts.requests)
    first_ms = _median_ms(provider.first_chunk, counts.streams)
    samples.request_cpu.append(mean_cpu_ms(whole))
    samples.stream_cpu.append(mean_cpu_ms(streams))
    samples.noop_cpu.append(mean_cpu_ms(nothing))
    samples.added_last.append(_over(whole, nothing, lambda answer: answer.last_s) - 2 * aws_ms - whole_ms)
    samples.added_first.append(_over(streams, nothing, lambda answer: answer.first_s) - aws_ms - first_ms)


def _over(answers: list[Answered], nothing: list[Answered], value: Callable[[Answered], float]) -> float:
    return (median_of(answers, value) - median_of(nothing, value)) * 1e3


def _median_ms(call: Callable[[], None], times: int) -> float:
    taken = []
    for _ in range(times):
        began_s = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began_s) * 1e3)
    return median(taken)
