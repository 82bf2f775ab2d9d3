"""Brings pictures where they are wanted: a caller's to the provider, a provider's to the caller.

A provider's address ends within the hour and is the operator's to see alone: its picture is stored in the media
bucket, and its caller gets an address of that for a day (section 7 of the public contract), or base64.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec.structs import replace

from gateway.canonical.images import AUTO, BASE64, URL, Drawing, Drawn, Given, ImageRequest, Picture, agreed
from gateway.errors import InvalidRequest, UnreadableAnswer, UpstreamError
from gateway.ledger.hold_ids import hold_id_at
from gateway.operations.media_inputs import Inputs
from gateway.ports.clock import Clock
from gateway.ports.media import MediaObjects
from gateway.untrusted.fetch import Opened
from gateway.untrusted.file_types import HEAD_BYTES, IMAGES, FileType, detected_type, judge_file
from gateway.untrusted.picture_facts import FACTS_BYTES, facts_of

# The largest picture of any vendor, 4096x4096 as PNG.
FILE_BYTES_MAX = 40 * 1024 * 1024
AT_ONCE = 4
# What vendors read: https://platform.openai.com/docs/api-reference/images/createEdit.
PICTURES = frozenset({FileType.PNG, FileType.JPEG, FileType.WEBP})
NO_PICTURE = "The provider's file is not the picture that it is declared to be."


class Source(Protocol):
    """A provider's file, such as `gateway.untrusted.fetch.Download`."""

    def opened(self, first_byte: int = 0) -> AbstractAsyncContextManager[Opened]: ...


Download = Callable[[str], Source]


class ImageFiles:
    """Pictures on their way. `inputs` reads those that requests name, `download` opens a provider's address."""

    def __init__(self, objects: MediaObjects, inputs: Inputs, download: Download, clock: Clock) -> None:
        self._objects = objects
        self._inputs = inputs
        self._download = download
        self._clock = clock

    async def completed(self, request: ImageRequest) -> ImageRequest:
        """The request with all its pictures, each judged by its whole content."""
        found = await asyncio.gather(*(self._given(request.account_id, one) for one in request.pictures))
        if request.mask is None:
            return replace(request, images=tuple(found))
        return replace(request, images=tuple(found[:-1]), mask=found[-1])

    async def _given(self, account_id: str, given: Given) -> Given:
        if given.picture is None:
            found = await self._inputs.read(account_id, given.reference, given.place, PICTURES)
            return replace(given, picture=Picture(found.content, found.file_type.value))
        kind = judge_file(given.picture.content, given.place, PICTURES)
        return replace(given, picture=replace(given.picture, mime_type=kind.value))

    async def in_form(self, drawn: Drawn, account_id: str, form: str) -> Drawn:
        """The answer with its pictures as base64, or at addresses of the media bucket, and what the pictures say of
        themselves where the provider says nothing.
        """
        turns = asyncio.Semaphore(AT_ONCE)

        async def shown(drawing: Drawing) -> tuple[Drawing, Mapping[str, str]]:
            async with turns:
                return await self._shown(drawing, account_id, form)

        found: Sequence[tuple[Drawing, Mapping[str, str]]] = await asyncio.gather(*map(shown, drawn.drawings))
        told = {**agreed([facts for _, facts in found]), **drawn.told}
        return replace(drawn, drawings=tuple(drawing for drawing, _ in found), told=told)

    async def _shown(self, drawing: Drawing, account_id: str, form: str) -> tuple[Drawing, Mapping[str, str]]:
        if form == BASE64 and drawing.base64:
            return drawing, told_by(drawing.base64)
        content = _decoded(drawing.base64) if drawing.base64 else await self._downloaded(drawing.url)
        kind = detected_type(content[:HEAD_BYTES], len(content))
        if kind not in IMAGES or kind is None:
            raise UpstreamError(NO_PICTURE)
        if form == BASE64:
            return replace(drawing, base64=base64.b64encode(content).decode(), url=""), _told(content)
        stored = await self._stored(drawing, content, account_id, kind)
        if form == URL:
            stored = replace(stored, url=await self._objects.url(stored.object_name, self._clock.now_s()))
        return stored, _told(content)

    async def _stored(self, drawing: Drawing, content: bytes, account_id: str, kind: FileType) -> Drawing:
        identity = hold_id_at(self._clock.now_s(), secrets.randbits(40))
        name, facts = f"media/{account_id}/img_{identity}.{kind.extension}", facts_of(content[:FACTS_BYTES])
        await self._objects.put(name, content, kind.value)
        return replace(
            drawing,
            base64="",
            url="",
            mime_type=kind.value,
            object_name=name,
            size_bytes=len(content),
            width=facts and facts.width,
            height=facts and facts.height,
        )

    async def _downloaded(self, url: str) -> bytes:
        """A provider's file; an address that may not be asked is the provider's failure, and not the caller's."""
        content = bytearray()
        try:
            async with self._download(url).opened() as opened:
                async for piece in opened.pieces:
                    content += piece
                    if len(content) > FILE_BYTES_MAX:
                        raise UpstreamError("The provider's picture is too large.", retryable=False)
        except InvalidRequest as refused:
            raise UpstreamError(NO_PICTURE) from refused
        return bytes(content)


def told_by(picture: str) -> dict[str, str]:
    """Reads what the picture of this base64 says of itself, in OpenAI's members, from its beginning alone."""
    try:
        return _told(base64.b64decode(picture[: FACTS_BYTES // 3 * 4]))
    except binascii.Error:
        return {}


def _told(content: bytes) -> dict[str, str]:
    facts = facts_of(content[:FACTS_BYTES])
    if facts is None:
        return {}
    # What can be transparent need not be.
    background = AUTO if facts.alpha else "opaque"
    return {"background": background, "output_format": facts.form, "size": f"{facts.width}x{facts.height}"}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise UnreadableAnswer("a picture of it is no base64") from None
