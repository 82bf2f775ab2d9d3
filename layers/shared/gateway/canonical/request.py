"""A chat request in no provider's dialect: what a caller asked, after one wire's decoder has read it.

`None` means that the caller did not say; defaults belong to the provider that serves the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from gateway.canonical.parts import CacheLifetime, Message

Json = Mapping[str, Any]
NOTHING: Json = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call. `parameters` is a JSON Schema; `None` takes no arguments.

    `free_text` is the format of what a custom tool takes in the place of arguments (OpenAI): `{"type": "text"}`, or a
    grammar with its `syntax` and `definition`.

    `builtin` is the provider's own tool, as JSON, where the wire's `type` is not a function; then `name` is that type.
    `spare` marks such a tool that a model may well do without, as agents offer it to every model.
    """

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None
    cache: CacheLifetime | None = None
    free_text: Json | None = None
    builtin: Json | None = None
    spare: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`tool` names one function, `allowed` a subset; without either the mode stands alone."""

    mode: Literal["auto", "none", "required", "tool"]
    tool: str | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """JSON mode, or JSON that must fit `schema`."""

    kind: Literal["text", "json", "schema"]
    schema: Json | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How hard to think: an effort word, or a budget in tokens, or the model's own choice (`adaptive`).

    `summary` is what the caller wants to see of it; `disabled` asks for none.
    """

    effort: str | None = None
    budget_tokens: int | None = None
    adaptive: bool = False
    disabled: bool = False
    summary: str | None = None
    include_thoughts: bool | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """The most a caller will pay: USD per million tokens, and USD for this request's worst case."""

    prompt_usd: Decimal | None = None
    completion_usd: Decimal | None = None
    total_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RoutingPreferences:
    """The caller's say in where the request goes (section 3 of the public contract)."""

    fallback_models: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    sort: str | None = None
    require_parameters: bool = False
    max_price: PriceLimit | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One generation, whichever wire asked for it.

    `max_output_tokens` bounds everything generated, thinking included, unless the wire counts the answer alone
    (Anthropic Messages), which its decoder resolves. `choices` is OpenAI's `n`. `betas` are the features that a header
    asks for, good for a provider of the same wire. `unmapped` holds the members of the source wire that no other wire
    is known to express, by their JSON path; bridging refuses them, forwarding keeps them in `source`. `hints` holds
    those that only colour an answer, which bridging may leave out. `echo` holds what the source wire repeats in its
    answers (OpenAI Responses). `batch` holds further conversations that are asked the same way (legacy completions).
    """

    protocol: str
    model: str
    messages: tuple[Message, ...]
    source: bytes
    stream: bool = False
    include_usage: bool = False
    choices: int = 1
    max_output_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output_format: OutputFormat | None = None
    reasoning: Reasoning | None = None
    user: str | None = None
    metadata: Json = field(default_factory=lambda: NOTHING)
    routing: RoutingPreferences = field(default_factory=RoutingPreferences)
    betas: tuple[str, ...] = ()
    unmapped: Json = field(default_factory=lambda: NOTHING)
    hints: Json = field(default_factory=lambda: NOTHING)
    echo: Json = field(default_factory=lambda: NOTHING)
    batch: tuple[tuple[Message, ...], ...] = ()


def conversations(request: ChatRequest) -> list[ChatRequest]:
    """A request for each conversation, in order: the request itself where there is one."""
    if not request.batch:
        return [request]
    return [replace(request, messages=messages, batch=()) for messages in (request.messages, *request.batch)]


def unbridged(request: ChatRequest) -> list[str]:
    """The paths of what a provider of another wire cannot be told, and has to be."""
    return [*request.unmapped, *(request.hints if request.routing.require_parameters else ())]


def bridged_tools(request: ChatRequest) -> list[tuple[int, Tool]]:
    """What a provider of another wire is offered, with each tool's place in the request.

    Spare tools stay behind where others are left and the caller does not require every parameter.
    """
    places = list(enumerate(request.tools))
    kept = [] if request.routing.require_parameters else [(place, tool) for place, tool in places if not tool.spare]
    return kept or places
