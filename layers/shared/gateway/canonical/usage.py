"""Token counts in one meaning for all wires: input classes are disjoint, parts of the output are `of which`.

OpenAI's `prompt_tokens` includes cached reads, Anthropic's `input_tokens` excludes them; each codec translates, so
that a token is counted, and paid, exactly once. Zero is data: a provider that says nothing is `None`, not `Usage()`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from operator import add


@dataclass(frozen=True, slots=True)
class Usage:
    """What one generation consumed, in tokens.

    The whole prompt is `input + cache_read + cache_write_5m + cache_write_1h`. `output` is everything generated,
    thinking included; `reasoning` and `audio_output` are parts of it, `audio_input` is a part of `input`.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0

    def __add__(self, other: Usage) -> Usage:
        """What two generations consumed together."""
        return Usage(*map(add, astuple(self), astuple(other)))

    @property
    def prompt(self) -> int:
        """All prompt tokens, however they were priced."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """Prompt and output together."""
        return self.prompt + self.output
