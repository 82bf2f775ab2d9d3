"""A whole answer, independent of its wire, and the values that the gateway writes into it for the caller."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.parts import Part
from gateway.canonical.request import NOTHING, Json
from gateway.canonical.tries import Tried
from gateway.canonical.usage import Usage, Uses


class FinishReason(StrEnum):
    """The reason why generation ended, in the OpenAI chat wire's word if it has one."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    MALFORMED_TOOL_CALL = "malformed_tool_call"
    MALFORMED_ANSWER = "malformed_answer"
    ERROR = "error"


def ended(reason: FinishReason, called: bool) -> FinishReason:
    """The finish reason of a choice, from the provider's `reason` and the calls that were read.

    A call that was read counts for more than a plain end, a pause, or a reason that reports what cannot be read. A
    reason that promises calls where there is none is a plain end: a caller would wait for them.
    """
    if called:
        return FinishReason.TOOL_CALLS if reason in _UNSURE else reason
    return FinishReason.STOP if reason is FinishReason.TOOL_CALLS else reason


_UNSURE = frozenset(
    {FinishReason.STOP, FinishReason.MALFORMED_TOOL_CALL, FinishReason.MALFORMED_ANSWER, FinishReason.PAUSE}
)


class Choice(Struct, frozen=True):
    """One of the requested alternatives. `logprobs` is JSON in the OpenAI chat shape."""

    index: int
    parts: tuple[Part, ...]
    finish_reason: FinishReason | None
    stop_sequence: str | None = None
    logprobs: Any = None


class ChatResponse(Struct, frozen=True):
    """A provider's whole answer; `usage` is `None` if the provider reported none.

    `uses` counts the tools that the provider has run, as far as its answer shows them; they are part of the usage too.
    """

    upstream_id: str
    model: str
    created_s: int | None
    choices: tuple[Choice, ...]
    usage: Usage | None
    uses: Uses = ()


def gathered(responses: Sequence[ChatResponse], choices_each: int) -> ChatResponse:
    """Joins the answers to several conversations: choices are numbered through, and tokens are added up."""
    if len(responses) == 1:
        return responses[0]
    choices = [
        replace(choice, index=place * choices_each + choice.index)
        for place, response in enumerate(responses)
        for choice in response.choices
    ]
    usages = [response.usage for response in responses if response.usage is not None]
    total = sum(usages, Usage()) if len(usages) == len(responses) else None
    return replace(responses[0], choices=tuple(choices), usage=total)


class Extension(Struct, frozen=True):
    """The `nexevo` member of an answer. `cost_usd` is a decimal string; `tools` are parts of it, where any was used.

    `usage` is what that pays for: an estimate where no provider has counted. The wires that show it have a member of
    their own for it.
    """

    generation_id: str
    model_used: str
    models_tried: tuple[Tried, ...]
    cache: str
    cost_usd: str
    tools: Sequence[Json] = ()
    usage: Usage | None = None

    @property
    def prompt_tokens(self) -> int:
        """The prompt tokens that are paid for."""
        return 0 if self.usage is None else self.usage.prompt

    def as_json(self) -> dict[str, Any]:
        """The member's value, ready for a JSON encoder."""
        return {
            "generation_id": self.generation_id,
            "model_used": self.model_used,
            "models_tried": [tried.shown for tried in self.models_tried],
            "cache": self.cache,
            "cost_usd": self.cost_usd,
        } | ({"tools": self.tools} if self.tools else {})


class Stamp(Struct, frozen=True):
    """The values that replace the provider's own: the answer's id, and the model as the caller named it.

    `echo` is the request's, for wires whose answers repeat their request.
    """

    response_id: str
    model: str
    created_s: int
    echo: Json = field(default_factory=lambda: NOTHING)

    @property
    def answer_id(self) -> str:
        """The answer's id without its wire's prefix; ids inside the answer are made from it."""
        return self.response_id.rpartition("nxn-")[2]
