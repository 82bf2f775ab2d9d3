"""Runs Python that a model wrote, in pydantic-monty: an interpreter that has no files, no network and no processes.

Each program gets a worker process of its own, which starts with an empty environment and ends with it, so that nothing
of one caller is left for the next. The interpreter bounds time, memory and depth; where it should fail to, the pool
kills the worker a second later. A program's values never come into this process: what it prints is text, and is cut
as it comes. https://pydantic.dev/docs/monty/concepts/security/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.ports.sandbox import CODE_CHARACTERS_MAX, Outcome

if TYPE_CHECKING:
    from pydantic_monty import MontyRuntimeError, MontySyntaxError, ResourceLimits

RUNS_S = 10.0
MEMORY_BYTES = 128 * 1024 * 1024
DEPTH_MAX = 400
OUTPUT_CHARACTERS_MAX = 12_000
ERROR_CHARACTERS_MAX = 2_000
# Behind the time at which the interpreter itself stops.
KILLED_AFTER_S = 1.0
TOO_LONG = f"The code is longer than {CODE_CHARACTERS_MAX} characters."
TOO_MUCH = f"The program printed more than {OUTPUT_CHARACTERS_MAX} characters; the rest is left out."
CRASHED = "The program broke its interpreter, and was ended."
# The value of a program's last line would be copied into this process, at any size: the last line is this one. The
# empty line before it ends a line that the program left open.
NO_VALUE = "\n\nNone"


def run(code: str, runs_s: float = RUNS_S) -> Outcome:
    """The outcome of a program; every failure of it is an error in words."""
    from pydantic_monty import (  # noqa: PLC0415  # 100 ms, which no start pays
        Monty,
        MontyError,
        MontyRuntimeError,
        MontySyntaxError,
    )

    if len(code) > CODE_CHARACTERS_MAX:
        return Outcome("", TOO_LONG)
    limits: ResourceLimits = {
        "max_feed_duration_secs": runs_s,
        "max_memory": MEMORY_BYTES,
        "max_recursion_depth": DEPTH_MAX,
        "max_suspensions": 100,
    }
    printed = Printed()
    error: str | None = None
    try:
        with (
            Monty(
                min_processes=1,
                max_processes=1,
                request_timeout=runs_s + 2 * KILLED_AFTER_S,
                feed_duration_limit_grace=KILLED_AFTER_S,
            ) as pool,
            pool.checkout(limits=limits, os_policy={"sleep": "zero"}) as session,
        ):
            session.feed_run(code + NO_VALUE, print_callback=printed)
    except (MontyRuntimeError, MontySyntaxError) as failed:
        error = _said(failed)
    except MontyError:
        error = CRASHED
    if printed.is_cut:
        error = TOO_MUCH if error is None else f"{TOO_MUCH} {error}"
    return Outcome(printed.text, error)


class Printed:
    """The first characters that a program printed."""

    def __init__(self) -> None:
        self.text = ""
        self.is_cut = False

    def __call__(self, _stream: str, more: str) -> None:
        """Takes what was printed; text beyond the bound is dropped."""
        room = OUTPUT_CHARACTERS_MAX - len(self.text)
        self.text += more[:room]
        self.is_cut = self.is_cut or len(more) > room


def _said(failed: MontyRuntimeError | MontySyntaxError) -> str:
    """The error as Python shows it with its place in the code, or its first words where that is long."""
    shown = failed.display()
    return shown if len(shown) <= ERROR_CHARACTERS_MAX else str(failed)[:ERROR_CHARACTERS_MAX]
