"""Finds the samples of the reference documents that lie beside some checkouts, to be run as they are written.

A page is plain text, in which nothing marks where a sample ends: it is as many lines as Python, or a shell, can read.
"""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

from tests.drawn import drawn

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT.parent / "shared" / "spec" / "reference").glob("00[0-9]_*.txt"))
BEGINS = re.compile(r"from \w+ import |# |\w+ *= |client\.|tools = ")


def samples() -> dict[str, str]:
    """Returns the samples that use a client, by page and line."""
    found: dict[str, str] = {}
    for page in PAGES:
        lines, place = page.read_text().splitlines(), 0
        while place < len(lines):
            length = _length(lines[place:]) if BEGINS.match(lines[place]) else 0
            text = _code("\n".join(lines[place : place + length]))
            if re.search(r"\bclient\.", text):
                found[f"{page.name[:3]}-{place + 1}"] = text
            place += max(length, 1)
    return found


def commands() -> dict[str, str]:
    """Returns the commands of curl, by page and line."""
    found: dict[str, str] = {}
    for page in PAGES:
        lines = page.read_text().splitlines()
        for place, line in enumerate(lines):
            if line.startswith("curl "):
                found[f"{page.name[:3]}-{place + 1}"] = _command(lines[place:])
    return found


def _command(lines: list[str]) -> str:
    """Returns the shortest command that begins here and that a shell can read."""
    for length in range(1, len(lines) + 1):
        text = "\n".join(lines[:length])
        try:
            shlex.split(text)
        except ValueError:
            # A quote is open.
            continue
        if not text.endswith("\\"):
            return text
    raise ValueError(lines[0])


def _length(lines: list[str]) -> int:
    """Counts the lines of the longest sample that begins here."""
    longest = 0
    for length in range(1, min(len(lines), 80) + 1):
        try:
            ast.parse("\n".join(lines[:length]))
        except SyntaxError:
            # An open bracket or string may be closed by lines that follow; prose may not.
            continue
        longest = length
    return longest


def _code(text: str) -> str:
    """Leaves out words of prose, which Python reads as names: a heading between two samples, or `POST /path`."""
    prose = {
        number
        for each in ast.parse(text).body
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Name | ast.BinOp)
        for number in range(each.lineno, (each.end_lineno or each.lineno) + 1)
    }
    return "\n".join(line for number, line in enumerate(text.splitlines(), 1) if number not in prose)


SAMPLES = samples()
DRAWN = drawn(SAMPLES)
COMMANDS = commands()
