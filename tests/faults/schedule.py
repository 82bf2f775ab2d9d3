"""Everything that happens in one run, as a value: drawn from a seed, and made smaller while it still breaks a rule."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from tests.faults.faults import SKEW_S, Fault

V = TypeVar("V")

# The ways in which a provider answers by itself, beside what faults do to it.
ENDINGS = (
    "whole",
    "whole",
    "whole",
    "whole",
    "cut",
    "stall",
    "ends early",
    "refused",
    "no usage",
    "late usage",
    "early usage",
    "lies",
    "lies of the prompt",
    "impossible usage",
    "unreadable usage",
    "garbage",
)
MODELS = ("gpt-4o", "gpt-4o", "gpt-4o", "o4-mini")
TASKS = ("delivers", "delivers", "delivers late", "fails", "refuses", "never delivers")


@dataclass(frozen=True, slots=True)
class Asked:
    """One generation, and how its provider answers it.

    `falls_back` names a second model, and `hedged` has it begun beside a late first one.
    `cut_at` is the share of the answer's bytes after which it is cut or stalls.
    """

    at_s: float = 0.0
    stream: bool = False
    bounded: bool = False
    ending: str = "whole"
    model: str = "gpt-4o"
    falls_back: bool = False
    long: bool = False
    pause_s: float = 0.2
    cut_at: float = 0.5
    skew_s: float = 0.0
    capped: bool = False
    hedged: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """One job of video, and what becomes of it."""

    at_s: float = 0.0
    ending: str = "delivers"
    cancel_at_s: float | None = None
    skew_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run. Its members' defaults are the plainest run.

    With `same_key` all generations are one, sent by several clients under one Idempotency-Key. `sweep_at_s` is the time
    of a sweep beside the requests, by a process whose clock is `sweep_ahead_s` ahead. `cap_set_at_s` is the time at
    which the count of the key's spend begins. With `newer` holds of a newer release lie beside the account's.
    `summed_at_s` is the time after which usage is summed up, and again, until `summed_ahead_s` from then.
    """

    requests: tuple[Asked, ...]
    faults: tuple[tuple[int, Fault], ...] = ()
    jobs: tuple[Ordered, ...] = ()
    same_key: bool = False
    delay_s: float = 0.001
    swept_first: bool = False
    sweep_at_s: float | None = None
    sweep_ahead_s: float = 0.0
    cap_set_at_s: float | None = None
    cap_nanousd: int = 300_000_000
    tpm_limit: int | None = None
    max_parallel: int | None = None
    balance_nanousd: int = 400_000_000
    newer: bool = False
    summed_at_s: float | None = None
    summed_ahead_s: float = 0.0


def drawn(seed: int) -> Schedule:
    """Draws the schedule of a seed."""
    chance = random.Random(seed)
    same_key = chance.random() < 0.15
    jobs = tuple(_ordered(chance) for _ in range(chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2))))
    count = chance.choice((2, 2, 3, 4)) if same_key else chance.choice((0, 1, 1, 2) if jobs else (1, 1, 2, 2, 3))
    requests = tuple(_asked(chance) for _ in range(count))
    if chance.random() < 0.4:
        requests = tuple(replace(each, capped=True) for each in requests)
    if same_key:
        requests = tuple(replace(requests[0], at_s=each.at_s, skew_s=each.skew_s) for each in requests)
    return Schedule(
        requests=requests,
        faults=tuple((chance.randint(1, 40), chance.choice(list(Fault))) for _ in range(chance.randint(1, 4))),
        jobs=jobs,
        same_key=same_key,
        delay_s=chance.choice((0.001, 0.3, 3.0, 15.0, 50.0)),
        swept_first=chance.random() < 0.5,
        sweep_at_s=chance.choice((None, None, None, 0.1, 0.6, 25.0)),
        sweep_ahead_s=chance.choice((0.0, 2_000.0, 200_000.0)),
        cap_set_at_s=chance.choice((None, None, None, 0.05, 0.4)),
        cap_nanousd=chance.choice((300_000_000, 100_000_000)),
        tpm_limit=chance.choice((None, 60_000)),
        max_parallel=chance.choice((None, 2)),
        balance_nanousd=chance.choice((400_000_000, 400_000_000, 60_000_000)) + (2_000_000_000 if jobs else 0),
        newer=chance.random() < 0.15,
        summed_at_s=chance.choice((None, None, 0.05, 0.4, 20.0)),
        summed_ahead_s=chance.choice((0.0, 0.0, 200.0)),
    )


def _asked(chance: random.Random) -> Asked:
    ending = chance.choice(ENDINGS)
    hedged = chance.random() < 0.2
    return Asked(
        at_s=chance.choice((0.0, 0.01, 0.5)),
        stream=chance.random() < 0.6,
        bounded=chance.random() < 0.4,
        ending=ending,
        model=chance.choice(MODELS),
        falls_back=chance.random() < 0.2 or hedged,
        long=chance.random() < 0.3,
        pause_s=chance.choice((0.05, 0.2, 4.0, 11.0)),
        cut_at=chance.random(),
        skew_s=chance.choice((0.0, 0.0, 0.0, SKEW_S, -SKEW_S)),
        capped=chance.random() < 0.5,
        hedged=hedged,
    )


def _ordered(chance: random.Random) -> Ordered:
    return Ordered(
        at_s=chance.choice((0.0, 0.3)),
        ending=chance.choice(TASKS),
        cancel_at_s=chance.choice((None, None, 0.1, 8.0, 30.0)),
        skew_s=chance.choice((0.0, 0.0, SKEW_S, -SKEW_S)),
    )


def less(schedule: Schedule) -> Iterator[Schedule]:
    """The schedules that are one step smaller or plainer, the largest steps first."""
    requests, jobs, faults = schedule.requests, schedule.jobs, schedule.faults
    if len(requests) + len(jobs) > 1:
        yield from (replace(schedule, requests=_without(requests, place)) for place in range(len(requests)))
        yield from (replace(schedule, jobs=_without(jobs, place)) for place in range(len(jobs)))
    yield from (replace(schedule, faults=_without(faults, place)) for place in range(len(faults)))
    yield from (replace(schedule, faults=earlier) for earlier in _each(faults, _earlier))
    yield from _plainer(schedule)
    yield from (replace(schedule, requests=plain) for plain in _each(requests, _plainer))
    yield from (replace(schedule, jobs=plain) for plain in _each(jobs, _plainer))


def _each(parts: tuple[V, ...], smaller: Callable[[V], Iterator[V]]) -> Iterator[tuple[V, ...]]:
    """The parts with one of them smaller."""
    for place, part in enumerate(parts):
        yield from ((*parts[:place], less_of_it, *parts[place + 1 :]) for less_of_it in smaller(part))


def _earlier(fault: tuple[int, Fault]) -> Iterator[tuple[int, Fault]]:
    number, kind = fault
    yield from ((earlier, kind) for earlier in sorted({1, number // 2, number - 1} - {0, number}))


def _without(parts: tuple[V, ...], place: int) -> tuple[V, ...]:
    return parts[:place] + parts[place + 1 :]


def _plainer(value: V) -> Iterator[V]:
    """The value with one of its members as it is by default."""
    for member in fields(value):  # type: ignore[arg-type]  # one of the dataclasses above
        plain, own = member.default, getattr(value, member.name)
        if own != plain and not isinstance(own, tuple):
            yield replace(value, **{member.name: plain})  # type: ignore[type-var]  # likewise
