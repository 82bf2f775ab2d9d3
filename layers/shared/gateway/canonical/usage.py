"""Token counts in one meaning for all wires: input classes are disjoint, parts of the output are `of which`.

OpenAI's `prompt_tokens` includes cached reads, Anthropic's `input_tokens` excludes them; each codec translates, so that
a token is counted, and paid, exactly once. Zero is data: the usage of a provider without a report is `None`, not
`Usage()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

# Above any context and any day of generation.
TOKENS_MAX = 10**9

# How often each tool was used that the provider runs, by the catalog's word for what is counted; sorted by it.
Uses: TypeAlias = tuple[tuple[str, int], ...]


class Usage(Struct, frozen=True):
    """Tokens of one generation.

    The whole prompt is `input + cache_read + cache_write_5m + cache_write_1h`. `output` is everything generated,
    thinking included; `reasoning`, `audio_output` and `image_output` are parts of it, `audio_input` is a part of
    `input`. `uses` counts the provider's own tools, which are paid by use beside the tokens that they read.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_output: int = 0
    uses: Uses = ()

    def __add__(self, other: Usage) -> Usage:
        """The sum of two usages."""
        counts = dict(self.uses)
        for name, count in other.uses:
            counts[name] = counts.get(name, 0) + count
        sums = {name: count + getattr(other, name) for name, count in self.tokens.items()}
        return counted(uses_of(counts), **sums)

    @property
    def tokens(self) -> dict[str, int]:
        """The counts of tokens, by class."""
        return {name: getattr(self, name) for name in TOKEN_CLASSES}

    @property
    def prompt(self) -> int:
        """All prompt tokens, of every price class."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """Prompt and output together."""
        return self.prompt + self.output


TOKEN_CLASSES = tuple(name for name in Usage.__struct_fields__ if name != "uses")


def uses_of(counts: Mapping[str, int]) -> Uses:
    """The uses of these counts; a tool that was not used is left out."""
    return tuple(sorted((name, min(count, TOKENS_MAX)) for name, count in counts.items() if count > 0))


def most_uses(one: Uses, other: Uses) -> Uses:
    """The larger count of each tool: what was seen, and what was reported of the same uses."""
    counts = dict(one)
    for name, count in other:
        counts[name] = max(counts.get(name, 0), count)
    return uses_of(counts)


def counted(
    uses: Uses = (),
    /,
    *,
    input: int = 0,  # noqa: A002  # the class's name
    cache_read: int = 0,
    cache_write_5m: int = 0,
    cache_write_1h: int = 0,
    output: int = 0,
    reasoning: int = 0,
    audio_input: int = 0,
    audio_output: int = 0,
    image_output: int = 0,
) -> Usage:
    """The usage from a provider's counts, with each part limited to its whole.

    Real answers report more reasoning than output, or more cached or audio tokens than the prompt has. The limit keeps
    every class from becoming negative, and the larger class decides the price.
    """
    read, written = _within(input, TOKENS_MAX), _within(output, TOKENS_MAX)
    heard = _within(audio_output, written)
    return Usage(
        input=read,
        cache_read=_within(cache_read, TOKENS_MAX),
        cache_write_5m=_within(cache_write_5m, TOKENS_MAX),
        cache_write_1h=_within(cache_write_1h, TOKENS_MAX),
        output=written,
        reasoning=_within(reasoning, written),
        audio_input=_within(audio_input, read),
        audio_output=heard,
        image_output=_within(image_output, written - heard),
        uses=uses,
    )


def _within(count: int, most: int) -> int:
    return 0 if count < 0 else min(count, most)
