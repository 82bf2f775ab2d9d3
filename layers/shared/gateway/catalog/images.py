"""Defines image models as a kind: the members of a row of `models/images.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.images import BASE64, OPTIONS, PROMPT_CHARACTERS_MAX, URL, ImageModel, ImagePrice, sides
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, distinct, flag, one_of, read, text, usd, whole

FORMATS = ("png", "jpeg", "webp")


def _words(each: Callable[[Any], Any]) -> Callable[[Any], Mapping[str, Any]]:
    """Builds the reader of an object with something in it, whose members `each` reads."""

    def reader(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict) or not value:
            raise CatalogError(f"must be an object with something in it, not {value!r}")
        return {text(name): each(one) for name, one in value.items()}

    return reader


def _size(value: Any) -> str:
    if sides(text(value)) is None:
        raise CatalogError(f"must be a size like '1024x1024' or a ratio like '16:9', not {value!r}")
    return str(value)


# USD for a picture, or per million tokens.
PRICE = {
    "image": Member(usd, None),
    "sizes": Member(_words(usd), {}),
    "input": Member(usd, None),
    "image_input": Member(usd, None),
    "output": Member(usd, None),
    "text_output": Member(usd, None),
}


def _price(value: Any) -> ImagePrice:
    price = ImagePrice(**read(value, PRICE))
    tokens = (price.input, price.image_input, price.output)
    if (price.image is None) is (price.output is None):
        raise CatalogError("needs 'image' or 'output', and not both")
    if price.image is None and (price.sizes or None in tokens):
        raise CatalogError("of tokens needs 'input', 'image_input' and 'output', and no 'sizes'")
    if price.image is not None and (*tokens, price.text_output) != (None,) * 4:
        raise CatalogError("of a picture has no price of tokens")
    return price


def _check(model: ImageModel) -> None:
    for target in model.targets:
        if unknown := target.price.sizes.keys() - set(model.sizes):
            raise CatalogError(f"price: sizes: {min(unknown)!r} is none of the row's sizes")
        if target.price.output is not None and (not model.image_tokens or not model.input_tokens):
            raise CatalogError("image_tokens: a price of tokens needs it, and 'input_tokens'")
    if model.image_tokens and set(model.qualities.values()) - model.image_tokens.keys() - {"auto"}:
        raise CatalogError("image_tokens: must bound each of the provider's qualities")


IMAGE_MODELS = Kind(
    file="images.json",
    make=ImageModel,
    model={
        **MODEL,
        "images_max": Member(whole),
        "sizes": Member(distinct(_size)),
        "prompt_characters_max": Member(whole, PROMPT_CHARACTERS_MAX),
        "qualities": Member(_words(text), {}),
        "image_tokens": Member(_words(whole), {}),
        "input_tokens": Member(whole, 0),
        "inputs_max": Member(whole, 0),
        "mask": Member(flag, False),
        "variations": Member(flag, False),
        "formats": Member(distinct(one_of(FORMATS)), ()),
        "transparent": Member(flag, False),
        "negative_prompt": Member(flag, False),
        "seed": Member(flag, False),
        "form": Member(one_of((URL, BASE64)), URL),
        "options": Member(distinct(one_of(OPTIONS)), ()),
    },
    target={**TARGET, "price": Member(_price), "region": Member(text, None), "streams": Member(flag, False)},
    check=_check,
)
