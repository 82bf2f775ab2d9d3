"""The numbers of repetitions. Rounds alternate between the compared kinds, so that a slow minute affects both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.environment import Answered, Environment


@dataclass(frozen=True, slots=True)
class Counts:
    """Repetitions of each measurement. A comparison has so many `processes` of each kind, since processes of the same
    code differ by more than half, and `rounds` in each; the fields after these are per round.
    """

    starts: int
    processes: int
    rounds: int
    requests: int
    streams: int
    paced_chunks: int
    flat_chunks: int
    resident_requests: int
    resident_mb: int


FULL = Counts(
    starts=10,
    processes=5,
    rounds=3,
    requests=100,
    streams=50,
    paced_chunks=250,
    flat_chunks=10_000,
    resident_requests=1_000,
    resident_mb=100,
)
QUICK = Counts(
    starts=3,
    processes=2,
    rounds=2,
    requests=50,
    streams=30,
    paced_chunks=150,
    flat_chunks=5_000,
    resident_requests=1_000,
    resident_mb=100,
)


async def ask_repeatedly(environment: Environment, event: bytes, times: int) -> list[Answered]:
    """Sends the same request `times` times, one after another."""
    return [await environment.ask(event) for _ in range(times)]


def median_of(answers: Sequence[Answered], value: Callable[[Answered], float]) -> float:
    """The median over one round."""
    return median(value(answer) for answer in answers)


def mean_cpu_ms(answers: Sequence[Answered]) -> float:
    """CPU per answer over one round, the garbage collector's pauses included."""
    return sum(answer.cpu_us for answer in answers) / len(answers) / 1e3
