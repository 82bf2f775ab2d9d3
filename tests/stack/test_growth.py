"""Tests that work grows no faster than what is served, in counts, and memory no faster than a body."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import growth, touched
from bench.bed import open_bed
from bench.growth import Grown
from tests.drawn import drawn

# A doubling twice, of what is large enough for its own growth to show.
SIZES: Mapping[str, tuple[int, ...]] = {
    "bytes of a body": (50_000, 100_000, 200_000),
    "messages of a history": (50, 100, 200),
    "tools": (25, 50, 100),
    "chunks of a stream": (200, 400, 800),
    "bytes of a stream's event": (100_000, 200_000, 400_000),
    "bytes of an SSE frame": (100_000, 200_000, 400_000),
    "bytes of an object in an array": (100_000, 200_000, 400_000),
    "bytes of an AWS event": (100_000, 200_000, 400_000),
    "models loaded into a catalog": (20, 40, 80),
    "models listed": (20, 40, 80),
    "models of which one is found": (20, 40, 80),
    "keys asked for": (250, 500, 1_000),
}
MEASURED = {name: SIZES[name] for name in drawn(SIZES)}
NAMES = [
    *(f"{name}, {wire}" for name in growth.SERVED if name in MEASURED for wire in growth.ASKS),
    *(name for name in MEASURED if name not in growth.SERVED),
]
BODY_TIMES_MAX = 8


@pytest.fixture(scope="module")
def grown() -> dict[str, Grown]:
    return {each.name: each for each in asyncio.run(growth.measure(MEASURED))}


def test_every_dimension_of_the_bench_is_tested(grown: dict[str, Grown]) -> None:
    assert set(SIZES) == set(growth.FULL)
    assert set(grown) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_work_grows_no_faster_than_the_size(grown: dict[str, Grown], name: str) -> None:
    assert grown[name].linear, list(grown[name].rows())


@pytest.mark.parametrize(
    ("works", "linear"),
    [((100, 200, 400), True), ((100, 400, 1_600), False), ((90, 90, 90), True), ((10_000, 10_000, 10_900), True)],
)
def test_growth_with_the_square_is_told_from_growth_in_proportion(works: tuple[int, ...], linear: bool) -> None:
    assert Grown("", (1, 2, 4), works, (1, 1, 1)).linear is linear
    assert Grown("", (1, 2, 4), (1, 1, 1), works).linear is linear


def test_what_is_copied_and_searched_is_counted() -> None:
    counted: list[int] = []
    counter = touched.Counter(counted.append)
    data = b"x" * 100 + b"y"
    counter.called(data.find, b"y", 40)
    counter.called(data.split, b"y")
    counter.called(b"".join, [data, data])
    counter.added(data, b"z")
    counter.added(bytearray(data), b"z")
    counter.made(data[1:])
    counter.made([1, *data])
    counter.called(len, data)
    counter.called([].append, data)
    assert counted == [60, 101, 202, 102, 1, 100, 816, 0, 0]


def test_bodies_take_a_bounded_multiple_of_one_in_memory(tmp_path: Path) -> None:
    async def main() -> dict[int, float]:
        async with open_bed(None, tmp_path) as bed:
            return await growth.memory(bed, (200_000, 1_000_000, 4_000_000))

    times = asyncio.run(main())
    assert {size: found for size, found in times.items() if not 1 < found <= BODY_TIMES_MAX} == {}
