"""Lists image models with their inputs, outputs and prices, so that a client can build a valid request."""

from __future__ import annotations

from typing import Any

from gateway.canonical.images import HD, ImageModel, ImagePrice
from gateway.canonical.models import Offer
from gateway.catalog.rows import listed_row
from gateway.ports.catalog import Catalog


def image_row(offer: Offer, catalog: Catalog[ImageModel], simulated_providers: frozenset[str]) -> dict[str, Any]:
    """One name for sale, with the facts of its first model and target."""
    model = catalog.models_behind(offer)[0]
    facts: dict[str, Any] = {
        "context_window": None,
        "max_output_tokens": None,
        "modalities": {"input": ["text", "image"] if model.inputs_max else ["text"], "output": ["image"]},
        "capabilities": _capabilities(model),
        "parameters": {
            "n_max": model.images_max,
            "size": list(model.sizes),
            "quality": list(model.qualities),
            "output_format": list(model.formats),
            "images_max": model.inputs_max,
            "prompt_characters_max": model.prompt_characters_max,
        },
        "pricing": {"currency": "USD", **_price(model, model.targets[0].price)},
    }
    return listed_row(offer, model, "image", simulated_providers, facts)


def _capabilities(model: ImageModel) -> list[str]:
    can = {
        "edits": bool(model.inputs_max),
        "mask": model.mask,
        "variations": model.variations,
        "negative_prompt": model.negative_prompt,
        "seed": model.seed,
        "transparent_background": model.transparent,
        "stream": any(target.streams for target in model.targets),
    }
    return [name for name, does in can.items() if does]


def _price(model: ImageModel, price: ImagePrice) -> dict[str, Any]:
    if price.image is None:
        return {"unit": "1M tokens", "input": price.input, "image_input": price.image_input, "output": price.output}
    listed: dict[str, Any] = {"unit": "image", "price": price.image}
    if price.sizes:
        listed["sizes"] = dict(price.sizes)
    return listed | ({"hd": "twice"} if HD in model.qualities.values() else {})
