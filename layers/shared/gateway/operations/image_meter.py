"""The money of pictures: by the piece, or by tokens, as each candidate has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.estimate import estimated_tokens
from gateway.canonical.images import HD, IMAGE, IMAGE_TOKEN, PARTIAL, TEXT_TOKEN, ImageModel, ImageRequest, fitted_size
from gateway.canonical.money import NanoUsd
from gateway.canonical.usage import Usage, Uses, counted, uses_of
from gateway.ledger.bounds import FRAME_TOKENS
from gateway.ledger.image_prices import image_cost
from gateway.ledger.prices import share_of_list
from gateway.operations.input_meter import InputMeter, tier_of
from gateway.routing.plan import Candidate

ImageCandidate = Candidate[ImageModel]

# https://platform.openai.com/docs/guides/image-generation#partial-images
PARTIAL_TOKENS = 100


def size_of(request: ImageRequest, model: ImageModel) -> str | None:
    """The word of the model's row for the request's size; nothing where it makes none that is near. A model without a
    square makes the first of its sizes where none is asked for.
    """
    if (wanted := request.wanted_size) is None:
        return model.sizes[0]
    return fitted_size(wanted, model.sizes) or (None if request.size else model.sizes[0])


def quality_of(request: ImageRequest, model: ImageModel) -> str | None:
    """The provider's word for the request's quality; nothing where the provider decides, or has one alone."""
    return None if request.quality is None else model.qualities.get(request.quality)


class ImageBounds(Struct, frozen=True):
    """The bounds of a request's pictures and tokens: a token of text is at least a byte."""

    request: ImageRequest

    def at_most(self, candidate: ImageCandidate) -> Usage:
        """All pictures, and for each of them the most tokens of its quality."""
        model, request = candidate.model, self.request
        count, given = request.n, len(request.pictures)
        if not model.image_tokens:
            return Usage(uses=uses_of({IMAGE: count}))
        each = model.image_tokens.get(quality_of(request, model) or "") or max(model.image_tokens.values())
        text = len(request.prompt.encode()) + FRAME_TOKENS
        output = count * (each + PARTIAL_TOKENS * request.partial_images)
        # A vendor may read the prompt for each picture, and words cost no more than pictures.
        read = count * given * model.input_tokens
        uses = uses_of({IMAGE: count, IMAGE_TOKEN: read})
        return Usage(input=count * text + read, output=output, uses=uses)

    def likely(self) -> Usage:
        """The pictures, and the tokens of the prompt by its length."""
        return Usage(input=estimated_tokens(len(self.request.prompt.encode())), uses=uses_of({IMAGE: self.request.n}))


class ImageMeter(InputMeter, frozen=True):
    """The money of one request over its candidates."""

    def bounded(self, served_by: ImageCandidate, usage: Usage) -> Usage:
        """The part of the usage that the request can have caused; words are a part of the bounded output."""
        within = InputMeter.bounded(self, served_by, usage)
        words = min(dict(usage.uses).get(TEXT_TOKEN, 0), within.output)
        return replace(within, uses=uses_of({**dict(within.uses), TEXT_TOKEN: words}))

    def estimate(self, delivered_bytes: int, reported: Usage | None, seen: Uses = ()) -> Usage:
        """The reported usage, or of a stream that was cut the pictures that were delivered, whole and in part."""
        del delivered_bytes
        if reported is not None:
            return reported
        counts = dict(seen)
        return counted(uses_of({IMAGE: counts.get(IMAGE, 0)}), output=counts.get(PARTIAL, 0) * PARTIAL_TOKENS)


def meter_of(request: ImageRequest, candidates: tuple[Candidate[Any], ...]) -> ImageMeter:
    """The meter of a request."""
    return ImageMeter(candidates, ImageBounds(request), pricing(request))


def pricing(request: ImageRequest) -> Callable[[ImageCandidate, Usage], NanoUsd]:
    """The cost of a usage at a candidate, for the request's size and quality there."""

    def price(candidate: ImageCandidate, usage: Usage) -> NanoUsd:
        model = candidate.model
        share = share_of_list(tier_of(candidate), model.sale)
        size, hd = size_of(request, model) or "", quality_of(request, model) == HD
        return image_cost(candidate.target.price, usage, size, share, hd=hd)

    return price
