"""Decides which of the tools that a provider runs by itself a model is sold with, and bounds their uses.

Each is priced by use in the catalog: https://platform.openai.com/docs/pricing#built-in-tools,
https://docs.claude.com/en/docs/about-claude/pricing#specific-tool-pricing, https://ai.google.dev/gemini-api/docs/pricing.
A tool without a price there, or on another wire than its own, is refused by name, or stays behind where a model can do
without it (docs/adr/0018-provider-tools.md).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, TypeAlias

import orjson
from msgspec.structs import replace

from gateway.canonical.models import ModelTarget, ToolPrice
from gateway.canonical.request import ChatRequest, Tool, ToolChoice
from gateway.errors import InvalidRequest
from gateway.framing import json_edit, json_values
from gateway.ledger.money import parse_usd
from gateway.ledger.tool_prices import NO_TOOLS, OfferedTool, OfferedTools

# Members that have a provider search without an entry of `tools`. OpenAI's search models do not tell how often they
# searched; the others are of hosts that speak OpenAI's chat wire: Alibaba's, OpenRouter's and xAI's.
# https://www.alibabacloud.com/help/en/model-studio/web-search, https://openrouter.ai/docs/features/web-search,
# https://docs.x.ai/docs/guides/live-search
_SEARCHES = frozenset({"enable_search", "plugins", "search_parameters", "web_search_options"})
# Servers whose tools the provider calls, on the wire where they may stand without an entry of `tools`.
_MCP_SERVERS = "mcp_servers"
# By which a caller says that functions and tools of Google's go together; else they are offered one without the other:
# https://ai.google.dev/gemini-api/docs/tool-combination
_TOGETHER = frozenset(
    {
        "toolConfig.includeServerSideToolInvocations",
        "tool_config.include_server_side_tool_invocations",
        "toolConfig.include_server_side_tool_invocations",
    }
)
_UNSUPPORTED = "unsupported_tool"
# Wires that bound the uses of all tools together, and not those of each.
_BOUNDS_TOGETHER = frozenset({"openai_responses"})


# A tool of a request that the provider runs, behind the parameter by which it was asked for.
_Asked: TypeAlias = "tuple[str, Tool]"


def offered_tools(request: ChatRequest, target: ModelTarget[Any]) -> OfferedTools:
    """The tools of the request that the target sells, with the bounds of their uses; raises the refusal of another."""
    if not request.tools and not request.unmapped and not request.late_tools:
        return NO_TOOLS
    asked = _asked(request)
    if not asked and not request.late_tools:
        return NO_TOOLS
    prices = _prices(request, target)
    _left_out(request, asked, prices)
    sold = [(tool, price) for _, tool in asked if (price := prices.get(tool.provider_run or "")) is not None]
    together = _most_calls(request, [price for _, price in sold])
    offered: dict[str, OfferedTool] = {}
    for tool, price in sold:
        one = _offered(tool, price, together)
        offered[one.name] = _joined(offered.get(one.name), one)
    return OfferedTools(tuple(offered.values()), together)


def with_sold_tools(request: ChatRequest, target: ModelTarget[Any]) -> ChatRequest:
    """The request with the tools that the target sells, each bounded as it is held for; raises as `offered_tools`.

    What the target does not sell, and a model can do without, is taken out of the caller's bytes.
    """
    asked = _asked(request)
    if not asked and not request.late_tools:
        return request
    prices = _prices(request, target)
    gone = _left_out(request, asked, prices)
    kept = tuple(_bounded(tool, prices) for tool in request.tools if tool not in gone)
    source = request.source if not gone else _without(request.source, gone)
    sold = [price for tool in kept if (price := prices.get(tool.provider_run or "")) is not None]
    return replace(request, tools=kept, source=source, max_tool_calls=_most_calls(request, sold))


def _asked(request: ChatRequest) -> list[_Asked]:
    for name in _SEARCHES & request.unmapped.keys():
        if request.unmapped[name] not in (None, False):
            raise _unsold(name, name)
    asked = [(f"tools[{place}]", tool) for place, tool in enumerate(request.tools) if tool.provider_run]
    if request.unmapped.get(_MCP_SERVERS) and all(tool.provider_run != "mcp" for _, tool in asked):
        asked.append((_MCP_SERVERS, Tool(_MCP_SERVERS, builtin={}, provider_run="mcp")))
    return asked


def _prices(request: ChatRequest, target: ModelTarget[Any]) -> Mapping[str, ToolPrice]:
    """The prices of the target's tools that can be asked for on the caller's wire."""
    return {price.tool: price for price in target.tools if price.wire == request.protocol}


def _left_out(request: ChatRequest, asked: Iterable[_Asked], prices: Mapping[str, ToolPrice]) -> list[Tool]:
    """The tools that stay behind; raises the refusal of one that is all there is, or that was asked for by itself."""
    functions = any(tool.builtin is None for tool in request.tools) and _TOGETHER.isdisjoint(request.unmapped)
    unsold = [(param, tool) for param, tool in asked if not _is_sold(tool, prices, functions)]
    strict = request.routing.require_parameters or len(unsold) == len(request.tools)
    for param, tool in unsold:
        if strict or not tool.spare or _is_chosen(tool, request):
            raise _unsold(tool.name, param)
    gone = [tool for _, tool in unsold]
    _refuse_late(request, {tool.provider_run for _, tool in asked if tool not in gone})
    return gone


def _refuse_late(request: ChatRequest, held: Container[str | None]) -> None:
    """Raises the refusal of a tool that the conversation brings, if none that is counted as it is held for."""
    for param, tool in request.late_tools.items():
        if tool.provider_run not in held:
            message = f"The tool '{tool.name}' is run by the provider, so a model must be sold with it and 'tools' must"
            raise InvalidRequest(f"{message} offer it too: do so, or leave it out.", param=param, code=_UNSUPPORTED)


def _is_sold(tool: Tool, prices: Mapping[str, ToolPrice], functions: bool) -> bool:
    price = prices.get(tool.provider_run or "")
    return price is not None and not (price.alone and functions)


def _is_chosen(tool: Tool, request: ChatRequest) -> bool:
    """True if the caller names the tool as the one to be called, as Messages and Responses can."""
    choice: ToolChoice | None = request.tool_choice
    named = request.unmapped.get("tool_choice")
    if isinstance(named, dict) and {tool.name, tool.provider_run} & {named.get("type"), *_types(named.get("tools"))}:
        return True
    return choice is not None and choice.tool is not None and choice.tool == (tool.builtin or {}).get("name")


def _types(tools: object) -> list[Any]:
    return [tool.get("type") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


def _most_calls(request: ChatRequest, sold: Iterable[ToolPrice]) -> int | None:
    """The bound of all uses together, on a wire that has one: the caller's, or that of the tool with the most."""
    if request.protocol not in _BOUNDS_TOGETHER:
        return None
    return request.max_tool_calls or max((price.uses for price in sold if not price.per_request), default=None)


def _offered(tool: Tool, price: ToolPrice, together: int | None) -> OfferedTool:
    tokens = price.tokens if tool.max_content_tokens is None else tool.max_content_tokens
    return OfferedTool(
        name=price.counted_as,
        nanousd=parse_usd(price.price),
        most_uses=together or tool.max_uses or price.uses,
        tokens=tokens,
        per_request=price.per_request,
    )


def _joined(one: OfferedTool | None, other: OfferedTool) -> OfferedTool:
    """Two tools whose uses are counted together, at the dearer price."""
    if one is None:
        return other
    tokens = None if one.tokens is None or other.tokens is None else max(one.tokens, other.tokens)
    nanousd, uses = max(one.nanousd, other.nanousd), one.most_uses + other.most_uses
    return replace(other, nanousd=nanousd, most_uses=uses, tokens=tokens)


def _bounded(tool: Tool, prices: Mapping[str, ToolPrice]) -> Tool:
    """The tool with the bounds that it is held for, where the caller gave none."""
    price = prices.get(tool.provider_run or "")
    if price is None:
        return tool
    content = price.tokens if tool.max_content_tokens is None else tool.max_content_tokens
    return replace(tool, max_uses=tool.max_uses or price.uses, max_content_tokens=content)


def _without(source: bytes, gone: Iterable[Tool]) -> bytes:
    """The caller's bytes without tools. An entry of Gemini's may hold other tools beside one of them."""
    tools: list[Any] = json_values.loads(json_edit.members(source)["tools"])
    kept = [left for entry in tools if (left := _left_of(entry, gone))]
    return json_edit.edit(source, {"tools": orjson.dumps(kept)})


def _left_of(entry: Mapping[str, Any], gone: Iterable[Tool]) -> Mapping[str, Any]:
    names = {name for tool in gone for name in tool.builtin or () if (tool.builtin or {}).items() <= entry.items()}
    return {name: value for name, value in entry.items() if name not in names}


def _unsold(name: str, param: str) -> InvalidRequest:
    message = f"The tool '{name}' is not sold with this model: leave it out, or offer a function of your own."
    return InvalidRequest(message, param=param, code=_UNSUPPORTED)
