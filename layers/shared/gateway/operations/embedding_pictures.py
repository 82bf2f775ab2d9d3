"""Reads the pictures that a request for embeddings names, each judged by its whole content."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.canonical.embeddings import Compound, EmbeddingsRequest, Input, Shown
from gateway.errors import RequestTooLarge
from gateway.operations.media_inputs import Inputs
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
