"""Reads the code blocks of users' documents as programs: a block goes on with the one before, unless it imports.

The info string of a block names its language. `bash not-run: REASON` is a block that no test can run, and says why. A
page's bash is one program.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
# The samples of the reference documents in our own words, a page for each language.
DOCUMENTED = ROOT / "tests" / "stack" / "documented"
# A block in a list is indented.
BLOCK = re.compile(r"^( *)```(\S+)([^\n]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
# A block of these languages is run; the others show what is sent, answered or set.
RUN = ("python", "js", "bash")


class Block(NamedTuple):
    """One fenced block of a page."""

    page: str
    language: str
    info: str
    text: str


class Program(NamedTuple):
    """A program for one process; its name has the page, and its place there."""

    name: str
    language: str
    text: str


def blocks(folder: Path = GUIDE) -> list[Block]:
    """Lists the blocks of all pages in order."""
    return [
        Block(page.stem, language, info.strip(), dedent(text))
        for page in sorted(folder.glob("*.md"))
        for _, language, info, text in BLOCK.findall(page.read_text())
    ]


def guide_programs(language: str, folder: Path = GUIDE) -> list[Program]:
    """Lists the programs of a language."""
    found: list[Program] = []
    for block in blocks(folder):
        if block.language != language or block.info:
            continue
        name, number = f"{block.page}-{language}", sum(each.name.startswith(f"{block.page}-") for each in found)
        begins = not number or re.match(r"(import|from) ", block.text)
        if begins:
            found.append(Program(f"{name}-{number + 1}", language, block.text))
        else:
            found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{block.text}")
    return found
