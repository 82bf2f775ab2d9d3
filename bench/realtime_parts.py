"""Tells which of the processes below this one spend how much CPU time on a frame of sound, and which carry sessions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bench.process import cpu_ns
from local.processes import REGISTER

CARRIES = "sockets"
# What a process is, by a part of its command line; the first that fits.
_COMMANDS = (
    ("local.providers", "simulated provider"),
    ("bench.realtime_relay", "relay"),
    ("local.moto_process", "moto"),
    ("DynamoDBLocal", "DynamoDB Local"),
    ("-m\0local\0", "API Gateway, SQS and Lambda, as simulated"),
)
CLIENTS, SESSIONS, OTHERS = "clients", "session functions", "others"


@dataclass(slots=True)
class Parts:
    """The processes; `data` is the local stack's directory."""

    data: Path | None = None
    _before: Mapping[int, int] = field(default_factory=dict)

    async def begin(self) -> None:
        """Remembers what each process has spent so far."""
        self._before = _spent()

    def spent(self, frames: int) -> Counter[str]:
        """Microseconds of CPU time a frame since `begin`, by part; a process that has ended is not counted."""
        carry, told = set(self.sessions()), Counter[str]()
        for pid, ns in _spent().items():
            told[_name(pid, carry)] += (ns - self._before.get(pid, 0)) // 1000
        return Counter({name: us // frames for name, us in told.items()})

    def sessions(self) -> list[int]:
        """The processes that carry sessions."""
        register = None if self.data is None else self.data / REGISTER
        if register is None or not register.is_file():
            return []
        rows = orjson.loads(register.read_bytes())["processes"]
        return [row["pid"] for row in rows if row["family"] == CARRIES]

    @staticmethod
    def tell(relay: Counter[str], gateway: Counter[str]) -> None:
        """Prints both tables as one."""
        print("| CPU time of a frame, in microseconds | relay | gateway |\n|---|---|---|")
        for name in sorted({*relay, *gateway}, key=lambda name: -gateway[name]):
            print(f"| {name} | {relay[name] or ''} | {gateway[name] or ''} |")
        print(f"| all | {relay.total()} | {gateway.total()} |\n", flush=True)


def _spent() -> dict[int, int]:
    """CPU time of this process and of all below it, in nanoseconds."""
    parents = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [os.getpid()]
    for above in found:
        found += [pid for pid, parent in parents.items() if parent == above]
    spent = {}
    for pid in found:
        with suppress(ProcessLookupError):
            spent[pid] = cpu_ns(pid)
    return spent


def _name(pid: int, carry: set[int]) -> str:
    if pid == os.getpid():
        return CLIENTS
    if pid in carry:
        return SESSIONS
    command = Path(f"/proc/{pid}/cmdline").read_text()
    return next((name for mark, name in _COMMANDS if mark in command), OTHERS)
