"""Prints what a part has measured as a table, and writes it as JSON beside: `.cache/bench/PART.json`."""

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.figures import Figure, as_json, as_table

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "bench"


def tell(part: str, figures: Sequence[Figure], *, notes: Sequence[str] = (), **more: Any) -> None:
    """Prints the table and its notes, and writes both with the machine's state; `more` is written too."""
    missed = sum(figure.verdict == "missed" for figure in figures)
    judged = sum(bool(figure.verdict) for figure in figures)
    commit, python, cores, load = _commit(), platform.python_version(), os.cpu_count(), os.getloadavg()
    about = {
        "commit": commit,
        "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": python,
        "cores": cores,
        "load": load,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{part}.json"
    file.write_bytes(
        orjson.dumps({**about, "notes": notes, "figures": as_json(figures), **more}, option=orjson.OPT_INDENT_2)
    )
    print(as_table(figures))
    if judged:
        print(f"\n{missed} of {judged} bars are missed.")
    loads = ", ".join(f"{value:.1f}" for value in load)
    print(f"\nCommit {commit}, Python {python}, {cores} cores, load {loads}.")
    print("\n".join((*notes, f"Written to {file}. Each figure is explained in docs/performance.md.")))


def _commit() -> str:
    """The checkout's commit, or nothing where this is no checkout."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
