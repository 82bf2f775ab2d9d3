"""Refuses pictures that a model does not embed, and reads those that it does, each judged by its whole content."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.canonical.embeddings import Compound, EmbeddingModel, EmbeddingsRequest, Input, Shown
from gateway.errors import InvalidRequest, RequestTooLarge
from gateway.operations.fitting import cannot
from gateway.operations.media_inputs import Inputs
from gateway.providers.embeddings.vendor import Embedder
from gateway.untrusted.file_types import FileType

# Of all pictures of a request: their base64 is held several times while it is sent.
PICTURES_BYTES_MAX = 10 * 1024 * 1024
TOO_MUCH = f"The pictures of one request may have {PICTURES_BYTES_MAX} bytes together."
# What every vendor reads.
PICTURES = frozenset({FileType.PNG, FileType.JPEG})


async def with_pictures(request: EmbeddingsRequest, account_id: str, inputs: Inputs) -> EmbeddingsRequest:
    """The request with the content of its pictures; raises the refusal of one at its place."""
    left = PICTURES_BYTES_MAX
    read: list[Input] = []
    for one in request.inputs:
        if not isinstance(one, Compound):
            read.append(one)
            continue
        parts: list[str | Shown] = []
        for part in one.parts:
            if isinstance(part, Shown):
                found = await inputs.read(account_id, part.reference, part.place, PICTURES)
                left -= len(found.content)
                if left < 0:
                    raise RequestTooLarge(TOO_MUCH, param=part.place)
                parts.append(replace(part, reference="", content=found.content, mime_type=found.file_type.value))
            else:
                parts.append(part)
        read.append(Compound(tuple(parts)))
    return replace(request, inputs=tuple(read))


def refusal(request: EmbeddingsRequest, model: EmbeddingModel, vendor: Embedder) -> InvalidRequest | None:
    """The refusal of the first input whose pictures the model or its vendor does not take."""
    compounds = (one for one in request.inputs if isinstance(one, Compound))
    return next((said for one in compounds if (said := _refusal(one, model, vendor)) is not None), None)


def _refusal(compound: Compound, model: EmbeddingModel, vendor: Embedder) -> InvalidRequest | None:
    """The refusal of an input whose pictures the model or its vendor does not take."""
    each = vendor.pictures_each if model.image_units_max else 0
    if each == 0:
        return cannot(compound.pictures[0].place, f"The model '{model.id}' takes no pictures.")
    if len(compound.pictures) > each:
        return cannot(compound.pictures[each].place, f"An input of '{model.id}' has at most {each} picture(s).")
    if compound.texts and not vendor.mixes:
        return cannot(compound.pictures[0].place, f"An input of '{model.id}' is a text or a picture, and not both.")
    return None
