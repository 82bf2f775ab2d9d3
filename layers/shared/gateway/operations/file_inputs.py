"""Writes the uploaded files that a chat request names into it, in the shape that its wire has for bytes.

From then on the request is as if its caller had sent them: it is planned, held for, forwarded and translated as such,
and nothing of them is kept at a provider.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from gateway.canonical.codec import ClientCodec
from gateway.canonical.parts import InlineMedia
from gateway.errors import RequestTooLarge
from gateway.framing.json_values import reread
from gateway.protocols.shared.files import FileMembers, places, put
from gateway.untrusted.file_types import IMAGES, READABLE

if TYPE_CHECKING:
    from gateway.operations.media_inputs import Inputs
    from gateway.untrusted.fetch import Fetched

# Of all files in one request: a function of 256 MB holds their base64 several times.
FILES_BYTES_MAX = 10 * 1024 * 1024
TOO_MUCH = f"The files that one request names may have {FILES_BYTES_MAX} bytes together."


async def with_files(body: bytes, wire: ClientCodec, account_id: str, inputs: Inputs) -> bytes | None:
    """The body with the files in the place of their names; nothing where it names none.

    Raises the refusal of a file at its place.
    """
    members: FileMembers | None = wire.file_members()
    document = reread(body)
    found = [] if members is None else places(document, members)
    if members is None or not found:
        return None
    left = FILES_BYTES_MAX
    read: dict[tuple[str, bool], Fetched] = {}
    for place in found:
        name = place.name
        file = read.get((name.given, name.is_image))
        if file is None:
            accepted = IMAGES if name.is_image else READABLE
            file = await inputs.read(account_id, name.given, place.param, accepted, FILES_BYTES_MAX)
            read[name.given, name.is_image] = file
        left -= len(file.content)
        if left < 0:
            raise RequestTooLarge(TOO_MUCH, param=place.param)
        media = InlineMedia(base64.b64encode(file.content).decode(), file.file_type.value)
        put(place, members, media, f"file.{file.file_type.extension}")
    return orjson.dumps(document)
