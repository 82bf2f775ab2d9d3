"""Maps an order's members to the field names of each model on a host with many models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field

from gateway.canonical.media import MediaOrder
from gateway.errors import UpstreamError

Model = TypeVar("Model")


class FieldMap(Struct, frozen=True):
    """One model's words for an order's parts, and what goes with every order.

    A part without a word is one that the model does not take, or has only one value of. `seconds` makes the duration
    what the model wants it to be, a number or a text.
    """

    words: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seconds: Callable[[int], int | str] = int

    def input(self, order: MediaOrder) -> dict[str, Any]:
        """The model's input for an order."""
        parts = {
            "prompt": order.prompt,
            "duration": None if order.duration_s is None else self.seconds(int(order.duration_s)),
            # An image has a ratio of its own.
            "aspect_ratio": None if order.reference else order.aspect_ratio,
            "image": None if order.reference is None else order.reference.url,
            "negative_prompt": order.negative_prompt,
            "seed": order.seed,
        }
        said = {word: parts[part] for part, word in self.words.items() if parts[part] is not None}
        return {**self.fixed, **said}


def known(models: Mapping[str, Model], name: str) -> Model:
    """Finds a host's row for a model. Raises `UpstreamError` if there is none."""
    if name not in models:
        raise UpstreamError("The provider's words for this model are not known here.", retryable=False)
    return models[name]
