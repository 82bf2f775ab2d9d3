"""The catalog as SDKs list it: OpenAI's shape with our additions, Anthropic's and Gemini's for their clients. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.canonical.models import FLAT_PRICE, Alias, Model, Offer, Retired
from gateway.catalog.models import Catalog

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """One name for sale with the facts of the model that serves it first; `simulated` where no real provider does."""

    id: str
    owned_by: str
    created_s: int
    model: Model
    prices: Mapping[str, str]
    retired_on: str | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """How one family of SDKs reads a model, and a page of them."""

    row: Callable[[Listed], Row]
    page: Callable[[Sequence[Row]], Row]


def listed(catalog: Catalog, simulated_providers: frozenset[str]) -> list[Listed]:
    """Every name for sale, in the catalog's order."""
    return [_listed(offer, catalog, simulated_providers) for offer in catalog.offers()]


def _listed(offer: Offer, catalog: Catalog, simulated_providers: frozenset[str]) -> Listed:
    model = catalog.models_behind(offer)[0]
    price = FLAT_PRICE if isinstance(offer, Alias) else model.price
    classes = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "output", "audio_output")
    return Listed(
        id=offer.id,
        owned_by="nexevo" if isinstance(offer, Alias) else model.owned_by,
        created_s=model.created_s if isinstance(offer, Retired) else offer.created_s,
        model=model,
        prices={name: getattr(price, name) for name in classes if getattr(price, name) is not None},
        retired_on=offer.retired_on if isinstance(offer, Retired) else None,
        simulated=model.provider in simulated_providers,
    )


def _openai_row(row: Listed) -> Row:
    model = row.model
    answer: Row = {
        "id": row.id,
        "object": "model",
        "created": row.created_s,
        "owned_by": row.owned_by,
        "provider": model.provider,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "modalities": {"input": list(model.input_modalities), "output": list(model.output_modalities)},
        "capabilities": list(model.capabilities),
        "pricing": {"currency": "USD", "unit": "1M tokens", **row.prices},
    }
    if row.retired_on is not None:
        answer |= {"retired_on": row.retired_on, "successor": model.id}
    return answer | ({"simulated": True} if row.simulated else {})


def _anthropic_row(row: Listed) -> Row:
    created = datetime.fromtimestamp(row.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": row.id, "display_name": row.id, "created_at": created}


def _gemini_row(row: Listed) -> Row:
    return {
        "name": f"models/{row.id}",
        "displayName": row.id,
        "inputTokenLimit": row.model.context_window,
        "outputTokenLimit": row.model.max_output_tokens,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }


def _anthropic_page(rows: Sequence[Row]) -> Row:
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {"first_id": None, "last_id": None}
    return {"data": list(rows), "has_more": False, **ends}


OPENAI = Shape(_openai_row, lambda rows: {"object": "list", "data": list(rows), "has_more": False, "next_cursor": None})
ANTHROPIC = Shape(_anthropic_row, _anthropic_page)
GEMINI = Shape(_gemini_row, lambda rows: {"models": list(rows)})


def shape_for(path: str, headers: Mapping[str, str]) -> Shape:
    """The shape of the SDK that asked at this path with these headers (lower-case names)."""
    if path.startswith("/v1beta/"):
        return GEMINI
    if "anthropic-version" in headers:
        return ANTHROPIC
    return GEMINI if "x-goog-api-key" in headers else OPENAI
