"""The numbers of repetitions. Rounds alternate between the compared kinds, so that a slow minute affects both."""

from dataclasses import dataclass

from bench.environment import Answered, Environment


@dataclass(frozen=True, slots=True)
class Counts:
    """Repetitions of each measurement. A comparison has so many `processes` of each kind, since processes of the same
    code differ by more than half, and `rounds` in each; the fields after these are per round, `starts` of each family.
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
    starts=5,
    processes=5,
    rounds=2,
    requests=60,
    streams=40,
    paced_chunks=200,
    flat_chunks=10_000,
    resident_requests=1_000,
    resident_mb=100,
)
QUICK = Counts(
    starts=2,
    processes=2,
    rounds=1,
    requests=30,
    streams=20,
    paced_chunks=150,
    flat_chunks=5_000,
    resident_requests=1_000,
    resident_mb=100,
)


async def ask_repeatedly(environment: Environment, event: bytes, times: int) -> list[Answered]:
    """Sends the same request `times` times, one after another."""
    return [await environment.ask(event) for _ in range(times)]
