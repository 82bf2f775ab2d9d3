"""Judges ratios of counted work against the committed baseline: `python -m bench short [--write]`, in CI.

Work is counted in bytecode instructions, since these do not depend on what else the machine does; as ratios to one
request of the blocking relay, and to its start, which change with Python alone and with none of our code. What C code
does (parsing, copying) is no instruction, so the CPU of a request is judged too, as a multiple of an app that does
nothing, with a bound that a busy machine does not reach. A ratio that so busy a machine cannot tell is left out.
"""

import asyncio
import compileall
import platform
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from bench.asks import ASKS, Ask
from bench.bed import FAMILIES, ROOT, Bed, open_bed
from bench.counts import CountedEnvironment, Work, counted
from bench.environment import Environment, started

BASELINE = Path(__file__).with_name("baseline.json")
CHUNKS = 200
PACED, PAUSE_MS = 60, 4
# A busy machine joins chunks. Streams are tried until so many had so many reads of their own.
READS_MIN, READ_STREAMS, READ_TRIES = 15, 2, 8
# Two runs of the same code differ by 1 % in instructions, by nothing in waits and sends, by 29 % in CPU beside tests.
COUNTED_BOUND, READ_BOUND, CALLS_BOUND, CPU_BOUND = 1.05, 1.25, 1.0, 2.0
READ, WAITS, SENDS = ", read of a chunk", ", waits of a request", ", sends of a "
CPU, CPU_PROCESSES, CPU_ROUNDS, CPU_REQUESTS = "chat, CPU of a request", 3, 8, 6
PYTHON = ".".join(platform.python_version_tuple()[:2])

Ratios = dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ratio beside its baseline."""

    name: str
    ratio: float
    baseline: float | None

    @property
    def bound(self) -> float:
        """The times that it may grow."""
        if self.name == CPU:
            return CPU_BOUND
        if self.name.endswith(WAITS) or SENDS in self.name:
            return CALLS_BOUND
        return READ_BOUND if self.name.endswith(READ) else COUNTED_BOUND

    @property
    def failed(self) -> bool:
        """True if it has grown beyond its bound, or is not in the baseline."""
        return self.baseline is None or self.ratio > self.baseline * self.bound

    def row(self) -> str:
        """One line of the table."""
        if self.baseline is None:
            return f"{self.name:<50}{self.ratio:>9.3f}   not in the baseline"
        times = self.ratio / self.baseline
        return (
            f"{self.name:<50}{self.ratio:>9.3f}{self.baseline:>10.3f}{times:>7.2f}  {'FAILED' if self.failed else 'ok'}"
        )


async def measure() -> Ratios:
    """Measures every ratio."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder)
        async with open_bed(None, data) as bed:
            # The deployed layer contains byte code; what compiles is not counted.
            for place in (bed.layer, *(ROOT / "functions" / family for family in FAMILIES)):
                await asyncio.to_thread(compileall.compile_dir, str(place), quiet=1)
            relayed, relay_start = await _relay(bed, data)
            ratios: Ratios = {}
            for family in FAMILIES:
                async with counted(bed.families[family], data) as environment:
                    ratios[f"{family}, start"] = environment.work().instructions / relay_start
                    for ask in (ask for ask in ASKS if ask.family == family):
                        ratios |= await _of(bed, environment, ask, relayed)
            return ratios | {CPU: await _cpu(bed)}


async def _relay(bed: Bed, data: Path) -> tuple[int, int]:
    """The instructions of the relay for a stream of one chunk, and for its start."""
    async with counted(bed.relay, data, module="bench.relay") as environment:
        start = environment.work().instructions
        return (await _least(environment, bed.stream(1))).instructions, start


async def _of(bed: Bed, environment: CountedEnvironment, ask: Ask, relayed: int) -> Ratios:
    """The ratios of one kind of request."""
    request = await _least(environment, bed.request(ask))
    single = await _least(environment, bed.stream(1, ask=ask))
    flat = await _least(environment, bed.stream(CHUNKS, ask=ask))
    chunk = (flat.instructions - single.instructions) / (CHUNKS - 1)
    read = await _read(environment, bed.stream(PACED, pause_ms=PAUSE_MS, ask=ask), single, chunk)
    ratios = {
        f"{ask.name}, request": request.instructions / relayed,
        f"{ask.name}, fixed part of a stream": single.instructions / relayed,
        ask.name + WAITS: request.waits,
        f"{ask.name}{SENDS}request": request.sends,
        f"{ask.name}{SENDS}stream": single.sends,
        f"{ask.name}, chunk": chunk / relayed,
    }
    return ratios if read is None else ratios | {ask.name + READ: read / relayed}


async def _read(environment: CountedEnvironment, event: bytes, single: Work, chunk: float) -> float | None:
    """The cost of a read beside its chunks, in the stream that was disturbed the least; none if all were joined."""
    costs: list[float] = []
    for _ in range(READ_TRIES):
        work = await environment.ask(event)
        reads = work.receives - single.receives
        if reads >= READS_MIN:
            costs.append((work.instructions - single.instructions - chunk * (PACED - 1)) / reads)
        if len(costs) == READ_STREAMS:
            break
    return min(costs, default=None)


async def _least(environment: CountedEnvironment, event: bytes, times: int = 6) -> Work:
    """The least of each counter: what a busy machine does is to bring a message in more pieces."""
    works = [await environment.ask(event) for _ in range(times)]
    return Work(*(min(values) for values in zip(*works, strict=True)))


async def _cpu(bed: Bed) -> float:
    """The CPU of a request as a multiple of the no-op app's: the median of several pairs of processes."""
    return median([await _cpu_of_a_pair(bed) for _ in range(CPU_PROCESSES)])


async def _cpu_of_a_pair(bed: Bed) -> float:
    async with started(bed.chat) as chat, started(bed.noop) as noop:
        rounds = [(await _cpu_us(chat, bed), await _cpu_us(noop, bed)) for _ in range(CPU_ROUNDS)]
    ours, nothing = zip(*rounds[1:], strict=True)
    times: float = min(ours) / min(nothing)
    return times


async def _cpu_us(environment: Environment, bed: Bed) -> float:
    return sum([(await environment.ask(bed.request())).cpu_us for _ in range(CPU_REQUESTS)])


def judged(ratios: Mapping[str, float], baseline: Mapping[str, float]) -> list[Verdict]:
    """Every ratio beside its baseline."""
    return [Verdict(name, ratio, baseline.get(name)) for name, ratio in ratios.items()]


def main(*, write: bool) -> int:
    """Prints every ratio; 1 if one has grown beyond its bound. With `write` they become the baseline."""
    if not hasattr(sys, "monitoring") or not Path("/proc/self/schedstat").exists():
        print("Nothing is judged: work is counted by Python 3.12 or newer, on Linux.")
        return 0
    ratios = asyncio.run(measure())
    if write:
        # Of a read that so busy a machine cannot tell, the earlier ratio stays.
        earlier = orjson.loads(BASELINE.read_bytes())["ratios"]
        untold = {name: ratio for name, ratio in earlier.items() if name.endswith(READ)}
        rounded = untold | {name: round(ratio, 4) for name, ratio in ratios.items()}
        BASELINE.write_bytes(orjson.dumps({"python": PYTHON, "ratios": rounded}, option=orjson.OPT_INDENT_2) + b"\n")
    baseline = orjson.loads(BASELINE.read_bytes())
    verdicts = judged(ratios, baseline["ratios"])
    print(f"{'ratio':<50}{'now':>9}{'baseline':>10}{'times':>7}")
    print("\n".join(verdict.row() for verdict in verdicts))
    if baseline["python"] != PYTHON:
        print(f"Nothing is judged: the baseline is Python {baseline['python']}'s, this is {PYTHON}.")
        return 0
    failed = [verdict.name for verdict in verdicts if verdict.failed]
    if failed:
        print(f"{len(failed)} ratios are worse than bench/baseline.json allows.")
        print("If the work is wanted, `make bench-baseline` writes them, and the commit says why.")
    return 1 if failed else 0
