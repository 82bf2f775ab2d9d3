"""Lists video and 3D models with their inputs, outputs and prices, so that a client can build a valid request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.canonical.media_models import Durations, MediaModel, MediaPrice, Use
from gateway.canonical.models import Offer
from gateway.catalog.rows import listed_row
from gateway.ports.catalog import Catalog


def media_row(offer: Offer, catalog: Catalog[MediaModel], simulated_providers: frozenset[str]) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    models = catalog.models_behind(offer)
    model = models[0]
    facts = {
        "models": [one.id for one in models],
        "parameters": _parameters(model),
        "pricing": {"currency": "USD", **_price(model.targets[0].price)},
    }
    return listed_row(offer, model, model.kind.value, simulated_providers, facts)


def _parameters(model: MediaModel) -> dict[str, Any]:
    return {
        "prompt_characters_max": model.prompt_characters_max,
        "reference_image": model.reference.value,
        "reference_image_types": [] if model.reference is Use.NONE else list(model.reference_types),
        "duration_sec": None if model.durations is None else _durations(model.durations),
        "aspect_ratio": list(model.aspect_ratios),
        "negative_prompt": model.negative_prompt_characters_max is not None,
        "seed": model.seed_max is not None,
        "output_format": list(model.output_formats),
    }


def _durations(durations: Durations) -> Any:
    if durations.step_s is None:
        return [shown_seconds(value) for value in durations.values_s]
    first, last = durations.values_s[0], durations.values_s[-1]
    return {"min": shown_seconds(first), "max": shown_seconds(last), "step": shown_seconds(durations.step_s)}


def shown_seconds(seconds: Decimal) -> int | float:
    """A duration as a JSON number for display; prices are never computed from it."""
    return int(seconds) if seconds == seconds.to_integral_value() else float(seconds)


def _price(price: MediaPrice) -> dict[str, str]:
    if price.per_second is not None:
        return {"unit": "second", "price": price.per_second}
    listed = {"unit": "asset", "price": price.per_asset or ""}
    return listed | ({"price_from_prompt": price.per_asset_from_prompt} if price.per_asset_from_prompt else {})
