"""Lists the catalog for SDKs: OpenAI's shape with additions, and Anthropic's and Gemini's for their clients. Pure.

Those two list what their own wires serve, which is text, and on Gemini's embeddings too; OpenAI's lists models of every
kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel, ListPrice, flat_price
from gateway.canonical.models import Alias, ModelTarget, Offer, Retired, ToolPrice
from gateway.catalog.catalog import Catalog
from gateway.catalog.rows import margin_percent

Row = dict[str, Any]


class Listed(Struct, frozen=True):
    """One name for sale, with its first model and target; `simulated` is true if the provider is simulated.

    `targets` are all that may serve it.
    """

    id: str
    owned_by: str
    created_s: int
    model: ChatModel
    prices: Mapping[str, Any]
    retired_on: str | None
    simulated: bool
    targets: tuple[ModelTarget[ListPrice], ...]


class Other(Struct, frozen=True):
    """One name for sale of another kind than text: its row in OpenAI's shape, and all targets that may serve it.

    `gemini` is its row for Gemini's clients, if that wire serves it.
    """

    id: str
    row: Row
    targets: tuple[ModelTarget[Any], ...]
    gemini: Row | None = None


class Shape(Struct, frozen=True):
    """The listing format of one family of SDKs: a model, and a page of models."""

    row: Callable[[Listed], Row]
    page: Callable[[Sequence[Row]], Row]


def listed(catalog: Catalog[ChatModel], simulated_providers: frozenset[str]) -> list[Listed]:
    """Every name for sale, in the catalog's order."""
    return [_listed(offer, catalog, simulated_providers) for offer in catalog.offers()]


def _listed(offer: Offer, catalog: Catalog[ChatModel], simulated_providers: frozenset[str]) -> Listed:
    models = catalog.models_behind(offer)
    model = models[0]
    is_flat = isinstance(offer, Alias) and offer.flat
    price = flat_price(offer) if is_flat and isinstance(offer, Alias) else model.targets[0].price
    return Listed(
        id=offer.id,
        owned_by="nexevo" if isinstance(offer, Alias) else model.owned_by,
        created_s=model.created_s if isinstance(offer, Retired) else offer.created_s,
        model=model,
        prices=_prices(price, model.targets[0]) | {"margin_percent": "0" if is_flat else margin_percent(model.sale)},
        retired_on=offer.retired_on if isinstance(offer, Retired) else None,
        simulated=model.targets[0].provider in simulated_providers,
        targets=tuple(target for each in models for target in each.targets),
    )


def _prices(price: ListPrice, target: ModelTarget[ListPrice]) -> dict[str, Any]:
    """The prices of tokens by class, those of longer prompts, and those of the provider's tools by use."""
    read = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    classes = (*read, "output", "audio_output", "image_output")
    prices: dict[str, Any] = {name: price.classes[name] for name in classes if name in price.classes}
    if price.steps:
        steps = [{"above_prompt_tokens": step.above_prompt_tokens, **step.price.classes} for step in price.steps]
        prices["steps"] = steps
    paid = {tool.tool: {"price": tool.price, "unit": _unit(tool)} for tool in target.tools if tool.price != "0"}
    return prices | ({"tools": paid} if paid else {})


def _unit(tool: ToolPrice) -> str:
    return "request" if tool.per_request else "use"


def _openai_row(row: Listed) -> Row:
    model = row.model
    answer: Row = {
        "id": row.id,
        "object": "model",
        "kind": "chat",
        "created": row.created_s,
        "owned_by": row.owned_by,
        "provider": model.targets[0].provider,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "modalities": {"input": list(model.input_modalities), "output": list(model.output_modalities)},
        "capabilities": list(model.capabilities),
        "pricing": {"currency": "USD", "unit": "1M tokens", **row.prices},
    }
    answer |= {name: value for name in ("knowledge", "retires_on") if (value := getattr(model, name)) is not None}
    if row.retired_on is not None:
        answer |= {"retired_on": row.retired_on, "successor": model.id}
    return answer | ({"simulated": True} if row.simulated else {})


def _anthropic_row(row: Listed) -> Row:
    created = datetime.fromtimestamp(row.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": row.id, "display_name": row.id, "created_at": created}


def _gemini_row(row: Listed) -> Row:
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    return gemini_row(row.id, row.model.context_window, row.model.max_output_tokens, methods)


def gemini_row(model: str, reads: int, writes: int | None, methods: Sequence[str]) -> Row:
    """A model as Gemini's clients read it, with the most tokens that it reads and writes."""
    return {
        "name": f"models/{model}",
        "displayName": model,
        "inputTokenLimit": reads,
        "outputTokenLimit": writes,
        "supportedGenerationMethods": list(methods),
    }


def _anthropic_page(rows: Sequence[Row]) -> Row:
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {"first_id": None, "last_id": None}
    return {"data": list(rows), "has_more": False, **ends}


OPENAI = Shape(_openai_row, lambda rows: {"object": "list", "data": list(rows), "has_more": False, "next_cursor": None})
ANTHROPIC = Shape(_anthropic_row, _anthropic_page)
GEMINI = Shape(_gemini_row, lambda rows: {"models": list(rows)})


def shape_for(path: str, headers: Mapping[str, str]) -> Shape:
    """The format for the SDK that sent this path and these headers (lower-case names)."""
    if path.startswith("/v1beta/"):
        return GEMINI
    if "anthropic-version" in headers:
        return ANTHROPIC
    return GEMINI if "x-goog-api-key" in headers else OPENAI
