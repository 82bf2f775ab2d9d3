"""A chat request, independent of its wire: the result of a wire's decoder.

`None` means that the caller did not set the value; defaults belong to the provider that serves the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.parts import CacheLifetime, Message

Json = Mapping[str, Any]
NOTHING: Json = MappingProxyType({})


class Tool(Struct, frozen=True):
    """A function the model may call. `parameters` is a JSON Schema; `None` means no arguments.

    `free_text` is the input format of a custom tool, which takes text in place of arguments (OpenAI): `{"type":
    "text"}`, or a grammar with its `syntax` and `definition`.

    `builtin` is the provider's own tool, as JSON, if the wire's `type` is not a function; then `name` is that type.
    `spare` marks a built-in tool that a model can do without, as agents offer it to every model. `provider_run` is the
    catalog's word for a built-in tool that the provider runs by itself; a tool of the caller's has none. It is used
    `max_uses` times at most, and adds `max_content_tokens` to the prompt each time.
    """

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None
    cache: CacheLifetime | None = None
    free_text: Json | None = None
    builtin: Json | None = None
    spare: bool = False
    provider_run: str | None = None
    max_uses: int | None = None
    max_content_tokens: int | None = None


class ToolChoice(Struct, frozen=True):
    """The caller's choice of tools: `tool` names one function, `allowed` a subset; else `mode` applies to all."""

    mode: Literal["auto", "none", "required", "tool"]
    tool: str | None = None
    allowed: tuple[str, ...] = ()


class OutputFormat(Struct, frozen=True):
    """JSON mode, or JSON that must fit `schema`."""

    kind: Literal["text", "json", "schema"]
    schema: Json | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class Reasoning(Struct, frozen=True):
    """The requested reasoning: an effort word, a budget in tokens, or the model's own choice (`adaptive`).

    `summary` is the part of the reasoning that the caller wants to see; `disabled` asks for no reasoning.
    """

    effort: str | None = None
    budget_tokens: int | None = None
    adaptive: bool = False
    disabled: bool = False
    summary: str | None = None
    include_thoughts: bool | None = None


class Sampling(Struct, frozen=True):
    """Parameters of token sampling."""

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


class PriceLimit(Struct, frozen=True):
    """The caller's price limits: USD per million tokens, and USD for this request's worst case.

    `classes_usd` are limits of single token classes, by the names of `ListPrice`.
    """

    prompt_usd: Decimal | None = None
    completion_usd: Decimal | None = None
    total_usd: Decimal | None = None
    classes_usd: tuple[tuple[str, Decimal], ...] = ()


class RoutingPreferences(Struct, frozen=True):
    """The caller's routing preferences (section 3 of the public contract).

    `sort` is price, latency or throughput; with `sort_across_models` the order of `models` gives way to it.
    `stream_failure` is what becomes of a stream that is cut after content: terminate, or continue on another target.
    """

    fallback_models: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    sort: str | None = None
    sort_across_models: bool = False
    require_parameters: bool = False
    max_price: PriceLimit | None = None
    stream_failure: str = "terminate"


class MeasuredSound(Struct, frozen=True):
    """The inline sound of a request that was measured: its bytes in the source, and the most tokens that it can be."""

    source_bytes: int = 0
    tokens: int = 0


SILENCE = MeasuredSound()


class ChatRequest(Struct, frozen=True):
    """One generation, the same for every wire.

    `max_output_tokens` bounds everything generated, thinking included, unless the wire counts the answer alone
    (Anthropic Messages), which its decoder resolves. `choices` is OpenAI's `n`. `betas` are the features that a header
    asks for, valid for a provider of the same wire. `unmapped` holds the members of the source wire that no other wire
    can express, by their JSON path: bridging refuses them, and forwarding keeps them in `source`. `hints` holds members
    that bridging may leave out, as they change an answer only slightly. `echo` holds members that the source wire
    repeats in its answers (OpenAI Responses). `batch` holds further conversations with the same parameters (legacy
    completions). `provider_state` is the JSON path of a member that names what is kept at a provider. `max_tool_calls`
    bounds the uses of all tools that the provider runs, where the wire bounds them together. `samplings` is how often
    the provider generates for one answer: twice where it may first compact the conversation. `late_tools` holds tools
    that the provider runs and that the conversation brings, by their JSON path. `unread_bytes` of `source` are members
    that no model reads, as the routing's.
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
    provider_state: str | None = None
    max_tool_calls: int | None = None
    samplings: int = 1
    late_tools: Mapping[str, Tool] = field(default_factory=lambda: NOTHING)
    unread_bytes: int = 0
    sound: MeasuredSound = SILENCE


def conversations(request: ChatRequest) -> list[ChatRequest]:
    """One request for each conversation, in order; the request itself if there is only one."""
    if not request.batch:
        return [request]
    return [replace(request, messages=messages, batch=()) for messages in (request.messages, *request.batch)]


def unbridged(request: ChatRequest) -> list[str]:
    """The paths of members that must reach the provider but cannot be expressed on another wire."""
    return [*request.unmapped, *(request.hints if request.routing.require_parameters else ())]


def bridged_tools(request: ChatRequest) -> list[tuple[int, Tool]]:
    """The tools for a provider of another wire, each with its place in the request.

    Spare tools are left out if other tools remain and the caller does not require every parameter.
    """
    places = list(enumerate(request.tools))
    kept = [] if request.routing.require_parameters else [(place, tool) for place, tool in places if not tool.spare]
    return kept or places
