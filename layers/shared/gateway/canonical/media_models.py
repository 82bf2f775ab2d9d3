"""Media models for sale as values: the inputs they take, their durations and their prices. Every row is data."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from gateway.canonical.jobs import JobKind
from gateway.canonical.models import Model


class Use(StrEnum):
    """Use of a reference image by a model; `INSTEAD` requires exactly one of image and prompt."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"
    INSTEAD = "instead_of_prompt"


class MediaPrice(Struct, frozen=True):
    """The provider's list price in USD, decimal text, for a second of output or for an asset.

    `per_asset_from_prompt` is set where an asset made of text alone costs another price than one of an image.
    """

    per_second: str | None = None
    per_asset: str | None = None
    per_asset_from_prompt: str | None = None


class Durations(Struct, frozen=True):
    """The durations that a model makes, in seconds, ascending; `step_s` is set if they are a complete range."""

    values_s: tuple[Decimal, ...]
    step_s: Decimal | None = None

    @property
    def whole(self) -> bool:
        """True if the model makes whole seconds only."""
        return all(value == value.to_integral_value() for value in self.values_s)

    def holding(self, requested_s: Decimal) -> Decimal | None:
        """The shortest duration that is not shorter than `requested_s`; `None` if the model makes none that long."""
        return next((value for value in self.values_s if value >= requested_s), None)


class MediaModel(Model[MediaPrice], frozen=True, kw_only=True):
    """One video or 3D model for sale.

    An input without a maximum is not taken: a prompt, a negative prompt, a seed (from 0 on). Only a video has
    `durations` and `aspect_ratios`; with `ratio_of_reference`, a video that starts from an image has the image's ratio.
    A job is late after `deadline_s`. `fallbacks` serve the same at no higher price. Resolution and quality are fixed by
    the model, and so is its price.
    """

    kind: JobKind
    deadline_s: int
    prompt_characters_max: int | None
    reference: Use
    reference_types: tuple[str, ...] = ()
    durations: Durations | None = None
    aspect_ratios: tuple[str, ...] = ()
    ratio_of_reference: bool = False
    negative_prompt_characters_max: int | None = None
    seed_max: int | None = None
    output_formats: tuple[str, ...] = ()
