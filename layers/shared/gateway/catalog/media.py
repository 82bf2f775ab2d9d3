"""Defines video and 3D models as a kind: the members of a row of `models/media.json` for a model and its providers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any

from gateway.canonical.jobs import JobKind
from gateway.canonical.media_models import Durations, MediaModel, MediaPrice, Use
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, distinct, flag, one_of, read, several, usd, whole
from gateway.ledger.media_prices import SECONDS_MAX

RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
IMAGES = ("png", "jpeg", "webp")
FORMATS = ("glb", "obj", "stl", "usdz", "fbx")
# The price classes of `MediaPrice`.
PRICE = {
    "per_second": Member(usd, None),
    "per_asset": Member(usd, None),
    "per_asset_from_prompt": Member(usd, None),
}


def _price(value: Any) -> MediaPrice:
    price = MediaPrice(**read(value, PRICE))
    if price.per_second is None and price.per_asset is None:
        raise CatalogError("needs 'per_second' or 'per_asset'")
    if price.per_second is not None and (price.per_asset or price.per_asset_from_prompt) is not None:
        raise CatalogError("has 'per_second' beside a price of an asset; a result has one of them")
    return price


def _kind(value: Any) -> JobKind:
    return JobKind(one_of((JobKind.VIDEO, JobKind.MODEL_3D))(value))


def _use(value: Any) -> Use:
    return Use(one_of(tuple(Use))(value))


def _or_none(value: Any) -> int | None:
    return None if value is None else whole(value)


def _image(value: Any) -> str:
    return f"image/{one_of(IMAGES)(value)}"


def _seconds(value: Any) -> Decimal:
    """Decimal text as an exact number; a float would not be exact."""
    return Decimal(usd(value))


RANGE = {"from": Member(_seconds), "to": Member(_seconds), "step": Member(_seconds)}


def _durations(value: Any) -> Durations:
    """Reads a list of lengths, or a range of them."""
    durations = _listed_or_range(value)
    if not 0 < durations.values_s[0] <= durations.values_s[-1] <= SECONDS_MAX:
        raise CatalogError(f"must be above 0 and at most {SECONDS_MAX} seconds")
    return durations


def _listed_or_range(value: Any) -> Durations:
    if isinstance(value, list):
        values_s = several(_seconds)(value)
        if any(after <= before for before, after in pairwise(values_s)):
            raise CatalogError("must go up, each once")
        return Durations(values_s)
    low, high, step = read(value, RANGE).values()
    if not step or high < low:
        raise CatalogError("must go up from 'from' to 'to' by a 'step' above 0")
    return Durations(tuple(low + step * number for number in range(int((high - low) / step) + 1)), step)


def _check(model: MediaModel) -> None:
    """Checks that the row's members fit its kind and each other."""
    if (model.reference is Use.NONE) != (not model.reference_types):
        raise CatalogError("reference_types: must be given unless reference is none")
    if model.reference is Use.NONE and model.prompt_characters_max is None:
        raise CatalogError("takes neither a prompt nor a reference")
    if model.kind is JobKind.VIDEO:
        _check_members(model, required=("durations", "aspect_ratios"), foreign=("output_formats",))
    else:
        _check_members(model, required=(), foreign=("durations", "aspect_ratios", "ratio_of_reference"))
    for target in model.targets:
        if target.price.per_second is not None and model.durations is None:
            raise CatalogError("price: per_second: the row has no durations_s")
        if target.price.per_second is None and model.durations is not None:
            raise CatalogError("price: must be 'per_second', as the row has durations_s")


def _check_members(model: MediaModel, *, required: Iterable[str], foreign: Iterable[str]) -> None:
    members = {member.field or name: name for name, member in MEDIA_MODELS.model.items()}
    for field in required:
        if not getattr(model, field):
            raise CatalogError(f"member {members[field]!r} is missing; a {model.kind.value} needs it")
    for field in foreign:
        if getattr(model, field):
            raise CatalogError(f"{members[field]}: a {model.kind.value} has none")


MEDIA_MODELS = Kind(
    file="media.json",
    make=MediaModel,
    model={
        **MODEL,
        "kind": Member(_kind),
        "deadline_s": Member(whole),
        "prompt_characters_max": Member(_or_none),
        "reference": Member(_use),
        "reference_types": Member(distinct(_image), ()),
        "durations_s": Member(_durations, None, field="durations"),
        "aspect_ratios": Member(distinct(one_of(RATIOS)), ()),
        "ratio_of_reference": Member(flag, False),
        "negative_prompt_characters_max": Member(_or_none, None),
        "seed_max": Member(_or_none, None),
        "output_formats": Member(distinct(one_of(FORMATS)), ()),
    },
    target={**TARGET, "price": Member(_price)},
    check=_check,
    alike=lambda model: model.kind,
)
