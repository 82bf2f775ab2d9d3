"""Computes the cached and written tokens of a prompt with marked blocks, as Anthropic's and Bedrock's wires bill them.

Source: https://docs.claude.com/en/docs/build-with-claude/prompt-caching. A marked prefix is cached for 5 minutes
or an hour, if it has at least 1,024 tokens (more for some real models).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.providers.constraints import Constraints
from local.providers.memory import Memory

CACHE_MIN_TOKENS = 1024
TTL_S = {"5m": 300, "1h": 3600}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a prompt. `ttl` is set if it ends a prefix to be cached; `path` names it in errors."""

    path: str
    tokens: list[str]
    ttl: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """The token classes of a prompt. Their sum is the whole prompt."""

    uncached: int
    read: int
    written_5m: int
    written_1h: int

    def total(self) -> int:
        """Counts the tokens of the whole prompt."""
        return self.uncached + self.read + self.written_5m + self.written_1h


def mark_faults(limits: Constraints, prompt: Sequence[Block]) -> Iterator[str]:
    """Yields more markers than a prompt may have, and those for longer behind one for shorter, in Anthropic's words."""
    marks = [block for block in prompt if block.ttl]
    most = limits.cache_marks_max
    if most is not None and len(marks) > most:
        yield f"A maximum of {most} blocks with cache_control may be provided. Found {len(marks)}."
    shorter = False
    for block in marks:
        if block.ttl == "1h" and shorter and not limits.cache_lifetimes_rise:
            yield (
                f"{block.path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, "
                "`messages`."
            )
        shorter = shorter or block.ttl == "5m"


def count(prompt: Sequence[Block]) -> int:
    """Counts all tokens of a prompt."""
    return sum(len(block.tokens) for block in prompt)


def cost(model: str, prompt: Sequence[Block], memory: Memory, now_s: int) -> Cost:
    """Computes the tokens read from the cache and written to it. Written prefixes can be read from now on."""
    marks = [i for i, block in enumerate(prompt) if block.ttl]
    whole = count(prompt)
    if not marks:
        return Cost(whole, 0, 0, 0)
    ends = list(_prefixes(model, prompt[: marks[-1] + 1]))
    read = max((length for key, length in ends if (memory.cache_blocks.get(key) or 0) > now_s), default=0)
    written = {"5m": 0, "1h": 0}
    reached = read
    for mark in marks:
        key, length = ends[mark]
        ttl = prompt[mark].ttl or "5m"
        if length >= CACHE_MIN_TOKENS:
            memory.cache_blocks.put(key, now_s + TTL_S[ttl])
            written[ttl] += max(0, length - reached)
            reached = max(reached, length)
    return Cost(whole - reached, read, written["5m"], written["1h"])


def _prefixes(model: str, prompt: Sequence[Block]) -> Iterator[tuple[str, int]]:
    state = hashlib.sha256(model.encode())
    length = 0
    for block in prompt:
        state.update("\x1f".join(block.tokens).encode() + b"\x1e")
        length += len(block.tokens)
        yield state.hexdigest(), length
