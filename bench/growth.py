"""Measures how work and memory grow with the size of what is served: `python -m bench growth`, for docs/performance.md.

Work is counted: bytecode instructions, and bytes that the gateway's code has copied or searched (`bench/touched.py`).
Requests are served by the chat function's own process; the parts of `bench/grown.py` run in a process without sockets.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.asks import BRIDGED, CHAT, Ask
from bench.bed import Bed, open_bed
from bench.counts import counted, counted_environment
from bench.environment import started
from bench.grown import KEYS, PARTS
from bench.process import line_from, peak_bytes, spawned

ASKS = {"same wire": CHAT, "bridged": BRIDGED[0]}
# How much more than in proportion the second half of a doubling may cost.
LINEAR = 1.5
# What an allocator keeps of one body adds to the next.
REPEATS = 8
PIECE = "QUJD"


@dataclass(frozen=True, slots=True)
class Grown:
    """One dimension's work by size."""

    name: str
    sizes: tuple[int, ...]
    instructions: tuple[int, ...]
    touched: tuple[int, ...]

    def times(self, works: Sequence[int]) -> float:
        """The work added from the second-largest size to the largest, as a multiple of its share of what was added
        before: 1 where work grows in proportion, the ratio of the steps where it grows with the square.
        """
        (before, middle, last), (low, high, top) = self.sizes[-3:], works[-3:]
        added = max(high - low, 1) / (middle - before)
        return (top - high) / (last - middle) / added

    @property
    def linear(self) -> bool:
        """True if neither count grows faster than the size; what does not grow at all is noise of a few bytes."""
        return all(
            self.times(works) <= LINEAR or works[-1] - works[-3] < 0.1 * works[-3]
            for works in (self.instructions, self.touched)
        )

    def rows(self) -> Iterator[str]:
        """The lines of the table."""
        for number, size in enumerate(self.sizes):
            shown = (
                f"{self.times(self.instructions):.2f}, {self.times(self.touched):.2f}" if size == self.sizes[-1] else ""
            )
            yield (
                f"{self.name:<34}{size:>11,}{self.instructions[number]:>15,}{self.touched[number]:>15,}{shown:>14}"
                f"{'' if self.linear or not shown else '  NOT LINEAR'}"
            )


Event = Callable[[Bed, Ask, int], bytes]


def _text(characters: int) -> dict[str, Any]:
    return {"role": "user", "content": "x" * characters}


def _of_body(_bed: Bed, ask: Ask, size: int) -> bytes:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIECE * (size // len(PIECE))}}
    return ask.event("", more={"messages": [{"role": "user", "content": [picture]}]})


def _of_history(_bed: Bed, ask: Ask, count: int) -> bytes:
    turns = [{"role": ("assistant", "user")[number % 2], "content": f"Turn {number}. " * 20} for number in range(count)]
    return ask.event("", more={"messages": [_text(5), *turns, _text(5)]})


def _of_tools(_bed: Bed, ask: Ask, count: int) -> bytes:
    properties = {f"argument_{n}": {"type": "string", "description": "An argument."} for n in range(4)}
    parameters = {"type": "object", "properties": properties, "required": ["argument_0"]}
    functions = [{"name": f"tool_{n}", "description": "A tool.", "parameters": parameters} for n in range(count)]
    return ask.event("Say something.", more={"tools": [{"type": "function", "function": each} for each in functions]})


def _of_chunks(bed: Bed, ask: Ask, count: int) -> bytes:
    return bed.stream(count, ask=ask)


def _of_an_event(bed: Bed, ask: Ask, size: int) -> bytes:
    return bed.stream(1, chunk_bytes=size, ask=ask)


SERVED: Mapping[str, Event] = {
    "bytes of a body": _of_body,
    "messages of a history": _of_history,
    "tools": _of_tools,
    "chunks of a stream": _of_chunks,
    "bytes of a stream's event": _of_an_event,
}
FULL: Mapping[str, tuple[int, ...]] = {
    "bytes of a body": (1_000, 10_000, 100_000, 1_000_000, 2_500_000, 5_000_000),
    "messages of a history": (2, 50, 100, 200),
    "tools": (1, 25, 50, 100),
    "chunks of a stream": (100, 1_000, 2_500, 5_000, 10_000),
    "bytes of a stream's event": (1_000, 100_000, 500_000, 1_000_000, 2_000_000),
    **{name: part.sizes for name, part in PARTS.items()},
}


async def measure(sizes: Mapping[str, tuple[int, ...]]) -> list[Grown]:
    """Measures each dimension at its sizes: all counts of instructions in one process, all of bytes in another."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder)
        async with open_bed(None, data) as bed:
            instructions = {**await _served(bed, data, sizes), **await _parts(bed, data, sizes)}
            touched = {**await _served(bed, data, sizes, touched=True), **await _parts(bed, data, sizes, touched=True)}
    grown = []
    for name, works in instructions.items():
        dimension = name.partition(", ")[0]
        grown.append(Grown(name, sizes[dimension], tuple(works), tuple(touched[name])))
    return grown


async def _served(
    bed: Bed, data: Path, sizes: Mapping[str, tuple[int, ...]], *, touched: bool = False
) -> dict[str, list[int]]:
    """The work of the chat function by dimension, wire and size."""
    works: dict[str, list[int]] = {}
    async with counted(bed.chat, data, touched=touched) as environment:
        for name in (name for name in sizes if name in SERVED):
            for wire, ask in ASKS.items():
                events = [SERVED[name](bed, ask, size) for size in sizes[name]]
                # The first of a kind imports what it needs.
                await environment.ask(events[0])
                found = [min([await environment.ask(event) for _ in range(2)]) for event in events]
                works[f"{name}, {wire}"] = [work.touched if touched else work.instructions for work in found]
    return works


async def _parts(
    bed: Bed, data: Path, sizes: Mapping[str, tuple[int, ...]], *, touched: bool = False
) -> dict[str, list[int]]:
    """The work of each part by size."""
    asked = {name: list(sizes[name]) for name in sizes if name in PARTS}
    with counted_environment(bed.noop, data, module="bench.grown", touched=touched) as (kind, _):
        command = [*kind.command, orjson.dumps(asked).decode()]
        async with spawned(command, env=kind.env, cwd=kind.cwd, log=kind.log, cores=kind.cores, pipes=True) as process:
            found: dict[str, list[list[int]]] = orjson.loads(await line_from(process) or b"{}")
    return {name: [work[-1] if touched else work[0] for work in works] for name, works in found.items()}


async def memory(bed: Bed, sizes: Sequence[int], times: int = REPEATS) -> dict[int, float]:
    """The most memory that bodies of a size take in a process, one after another, beyond what as many small ones take:
    as a multiple of the body.
    """
    most = {}
    for size in sizes:
        async with started(bed.chat) as environment:
            for _ in range(times):
                await environment.ask(_of_body(bed, CHAT, 1_000))
            before_mb = environment.resident_mb
            for _ in range(times):
                await environment.ask(_of_body(bed, CHAT, size))
            most[size] = (environment.peak_mb - before_mb) * 1e6 / size
    return most


async def _memory() -> tuple[dict[int, float], dict[int, float]]:
    """The memory of bodies by size, and of a process that has been asked for so many keys, in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with open_bed(None, Path(folder)) as bed:
            bodies = await memory(bed, (100_000, 1_000_000, 5_000_000))
            return bodies, {count: await _memory_of_keys(bed, Path(folder), count) for count in (10_000, 1_000_000)}


async def _memory_of_keys(bed: Bed, data: Path, count: int) -> float:
    with counted_environment(bed.noop, data) as (kind, _):
        command = [sys.executable, "-m", "bench.grown", orjson.dumps({KEYS: [1, count]}).decode()]
        async with spawned(command, env=kind.env, cwd=kind.cwd, log=kind.log, cores=kind.cores, pipes=True) as process:
            await line_from(process)
            return peak_bytes(process.pid) / 1e6


def main() -> int:
    """Prints the table."""
    grown = asyncio.run(measure(FULL))
    print(f"{'dimension':<38}{'size':>11}{'instructions':>15}{'bytes touched':>15}")
    print("\n".join(row for each in grown for row in each.rows()))
    print()
    bodies, keys = asyncio.run(_memory())
    for size, times in bodies.items():
        print(f"memory of bodies of {size:,} bytes: at most {times:.1f} times the body")
    for count, peak_mb in keys.items():
        print(f"memory of a process that was asked for {count:,} keys: {peak_mb:.1f} MB")
    return 0 if all(each.linear for each in grown) else 1


if __name__ == "__main__":
    sys.exit(main())
