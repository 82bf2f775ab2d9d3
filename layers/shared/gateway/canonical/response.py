"""A whole answer in no provider's dialect, and what the gateway writes over it before a caller sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from gateway.canonical.parts import Part
from gateway.canonical.request import NOTHING, Json
from gateway.canonical.usage import Usage


class FinishReason(StrEnum):
    """Why generation ended, as the OpenAI chat wire would say it where it has a word."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    MALFORMED_TOOL_CALL = "malformed_tool_call"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the alternatives that were asked for. `logprobs` is JSON in the OpenAI chat shape."""

    index: int
    parts: tuple[Part, ...]
    finish_reason: FinishReason | None
    stop_sequence: str | None = None
    logprobs: Any = None


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """A provider's whole answer; `usage` is `None` where it reported none."""

    upstream_id: str
    model: str
    created_s: int | None
    choices: tuple[Choice, ...]
    usage: Usage | None


def gathered(responses: Sequence[ChatResponse], choices_each: int) -> ChatResponse:
    """The answers to several conversations as one, their choices numbered on and their tokens added up."""
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


@dataclass(frozen=True, slots=True)
class Extension:
    """The `nexevo` member of an answer. `cost_usd` is a decimal string."""

    generation_id: str
    model_used: str
    models_tried: tuple[str, ...]
    cache: str
    cost_usd: str

    def as_json(self) -> dict[str, Any]:
        """The member's value, ready for a JSON encoder."""
        return {
            "generation_id": self.generation_id,
            "model_used": self.model_used,
            "models_tried": list(self.models_tried),
            "cache": self.cache,
            "cost_usd": self.cost_usd,
        }


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the gateway puts in the place of the provider's own names: the answer's id and the model as asked.

    `echo` is the request's, for wires whose answers repeat their request.
    """

    response_id: str
    model: str
    created_s: int
    echo: Json = field(default_factory=lambda: NOTHING)
