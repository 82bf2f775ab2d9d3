"""What a media model for sale is, as values: what it takes, in which lengths, and what it costs. Every row is data."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from gateway.canonical.jobs import JobKind
from gateway.canonical.models import Alias, Retired


class Use(StrEnum):
    """Whether a model takes a reference image; `INSTEAD` is in place of the prompt: exactly one of the two."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"
    INSTEAD = "instead_of_prompt"


@dataclass(frozen=True, slots=True)
class MediaPrice:
    """The provider's list price in USD, decimal text: for a second of output, or for an asset.

    `per_asset_from_prompt` is set where an asset made of text alone costs another price than one of an image.
    """

    per_second: str | None = None
    per_asset: str | None = None
    per_asset_from_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Durations:
    """The lengths that a model makes, in seconds, ascending; `step_s` where they are all that a range has."""

    values_s: tuple[Decimal, ...]
    step_s: Decimal | None = None

    @property
    def whole(self) -> bool:
        """Whether the model makes whole seconds only."""
        return all(value == value.to_integral_value() for value in self.values_s)

    def holding(self, asked_s: Decimal) -> Decimal | None:
        """The shortest length that the model makes and that is not shorter; nothing where it makes none so long."""
        return next((value for value in self.values_s if value >= asked_s), None)


@dataclass(frozen=True, slots=True)
class MediaModel:
    """One model for sale. `provider` is the row of `providers/media`, `upstream_model` that provider's name of it.

    What has no maximum is not taken: a prompt, a negative prompt, a seed (from 0 on). Only a video has `durations` and
    `aspect_ratios`; with `ratio_of_reference` one that starts from an image has the image's. `deadline_s` is how long a
    job may take before it is late. `fallbacks` are ids that serve the same at no higher price. Resolution and quality
    are the row's, and so its price.
    """

    id: str
    owned_by: str
    provider: str
    upstream_model: str
    created_s: int
    kind: JobKind
    price: MediaPrice
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
    fallbacks: tuple[str, ...] = ()


MediaOffer = MediaModel | Alias | Retired
