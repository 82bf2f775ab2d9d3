"""Defines chat models as a kind: the members of a row of `models/chat.json` for a model and its providers."""

from __future__ import annotations

from typing import Any

from gateway.canonical.chat_models import ChatModel, ListPrice, PriceStep
from gateway.canonical.models import ToolPrice
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import (
    CatalogError,
    Member,
    distinct,
    flag,
    one_of,
    read,
    record,
    several,
    share,
    text,
    usd,
    whole,
)
from gateway.ledger.money import parse_usd
from gateway.ledger.tool_prices import PRICE_STEP_NANOUSD

MODALITIES = ("text", "image", "file", "audio")
CAPABILITIES = ("tools", "structured_output", "vision", "reasoning")
# The price classes of `ListPrice`.
CLASSES = {
    "input": Member(usd),
    "output": Member(usd),
    "cache_read": Member(usd, None),
    "cache_write_5m": Member(usd, None),
    "cache_write_1h": Member(usd, None),
    "audio_input": Member(usd, None),
    "audio_output": Member(usd, None),
    "image_output": Member(usd, None),
}


def _step(value: Any) -> PriceStep:
    """Reads a step: its prices beside the length of prompt that it is above."""
    row = read(value, {"above_prompt_tokens": Member(whole), **CLASSES})
    return PriceStep(row.pop("above_prompt_tokens"), ListPrice(**row))


PRICE = {**CLASSES, "steps": Member(several(_step), ())}


def _tool(row: Any) -> ToolPrice:
    """Reads a tool's row; one that the loader has put in the place of its name is read already."""
    if isinstance(row, ToolPrice):
        return row
    tool = read(row, TOOL)
    if parse_usd(tool["price"]) % PRICE_STEP_NANOUSD:
        raise CatalogError(f"price: must be a multiple of {PRICE_STEP_NANOUSD} billionths")
    return ToolPrice(**tool | {"counted_as": tool["counted_as"] or tool["tool"]})


# A tool that providers run; rows of models name those that they are sold with.
TOOL = {
    "tool": Member(text),
    "wire": Member(text),
    "price": Member(usd),
    "counted_as": Member(text, None),
    "uses": Member(whole, 1),
    "per_request": Member(flag, False),
    "tokens": Member(whole, None),
    "alone": Member(flag, False),
}


def _check(model: ChatModel) -> None:
    if model.max_output_tokens > model.context_window:
        raise CatalogError(f"max_output_tokens: must be at most the context_window {model.context_window}")
    if "vision" in model.capabilities and "image" not in model.input_modalities:
        raise CatalogError("capabilities: 'vision' needs 'image' in input")
    for target in model.targets:
        _check_price(target.price)
        _check_tools(target.tools)


def _check_price(price: ListPrice) -> None:
    if price.cache_read is not None and parse_usd(price.cache_read) > parse_usd(price.input):
        raise CatalogError(f"price: cache_read: must be at most the price of input, {price.input}")
    below, above = price, 0
    for step in price.steps:
        if step.above_prompt_tokens <= above:
            raise CatalogError("price: steps: must go up, each once")
        _check_no_cheaper(step.price, below)
        below, above = step.price, step.above_prompt_tokens


def _check_no_cheaper(price: ListPrice, below: ListPrice) -> None:
    """A hold is for the step of the longest prompt that the request can have, so a longer one is never cheaper."""
    for name, least in below.classes.items():
        own = price.classes.get(name)
        if own is None or parse_usd(own) < parse_usd(least):
            raise CatalogError(f"price: steps: {name}: must be at least {least}, the price of shorter prompts")


def _check_tools(tools: tuple[ToolPrice, ...]) -> None:
    sold = [(tool.wire, tool.tool) for tool in tools]
    for place, one in enumerate(sold):
        if one in sold[:place]:
            raise CatalogError(f"tools: sells {one[1]!r} of {one[0]} twice")


CHAT_MODELS = Kind(
    file="chat.json",
    make=ChatModel,
    model={
        **MODEL,
        "context_window": Member(whole),
        "max_output_tokens": Member(whole),
        "input": Member(distinct(one_of(MODALITIES)), field="input_modalities"),
        "output": Member(distinct(one_of(MODALITIES)), ("text",), field="output_modalities"),
        "capabilities": Member(distinct(one_of(CAPABILITIES))),
        "quality": Member(share, None),
    },
    target={
        **TARGET,
        "profile": Member(text),
        "price": Member(record(PRICE, ListPrice)),
        "wires": Member(distinct(text), ()),
        "streams": Member(flag, True),
        "region": Member(text, None),
        "tools": Member(distinct(_tool), ()),
        "latency_ms": Member(whole, None),
        "throughput_tps": Member(whole, None),
    },
    facts=("quality", "latency_ms", "throughput_tps"),
    preferences=("fast", "cheap", "quality"),
    check=_check,
    tool=_tool,
    flat=record({name: CLASSES[name] for name in ("input", "output")}, ListPrice),
)
