"""Splits texts into tokens for every simulated provider, lossless and deterministic.

A token is up to six ASCII letters or digits with at most one space before them, a run of other white
space, or any other single character. English prose comes out near the published figures of real tokenizers
(about four characters a token), and the tokens of a text joined again are the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

_TOKEN = re.compile(r" ?[A-Za-z0-9]{1,6}|\s+|[\s\S]")

_FILLER = (
    " steady tokens flow along a quiet wire and each one counts so that what is paid is what was said"
    " while every later word keeps the order of the first"
)

_THOUGHTS = (
    " First I read the question once more. Then I look at what is known and what is asked."
    " The tools and the facts given are enough. A short answer in plain words will do."
)


def split(text: str) -> list[str]:
    """Splits a text into its tokens, in order. Joined they are the text again."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """Counts the tokens of a text."""
    return sum(1 for _ in _TOKEN.finditer(text))


def filler(token_count: int) -> str:
    """Builds a text of exactly this many tokens."""
    return _cycled(_FILLER, token_count)


def thoughts(token_count: int) -> str:
    """Builds a train of thought of exactly this many tokens."""
    return _cycled(_THOUGHTS, token_count)


def _cycled(text: str, token_count: int) -> str:
    return "".join(itertools.islice(itertools.cycle(split(text)), token_count)).lstrip()


def cut(text: str, per_chunk: int, chunks: int | None = None) -> list[str]:
    """Cuts the text into chunks of `per_chunk` tokens, or into exactly `chunks` chunks if it has so many tokens."""
    pieces = split(text)
    if chunks is None:
        return ["".join(pieces[i : i + per_chunk]) for i in range(0, len(pieces), per_chunk)]
    return ["".join(part) for part in _evenly(pieces, min(chunks, len(pieces)))]


def _evenly(pieces: Sequence[str], parts: int) -> list[Sequence[str]]:
    bounds = [len(pieces) * i // parts for i in range(parts + 1)] if parts else [0]
    return [pieces[a:b] for a, b in itertools.pairwise(bounds)]
