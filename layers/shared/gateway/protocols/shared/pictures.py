"""Reads a picture that a model has made out of the wire's own words, for wires that show it in theirs.

Gemini's models send it as `inlineData` among their texts, and OpenAI's Responses as an item of a tool:
https://ai.google.dev/gemini-api/docs/image-generation, https://platform.openai.com/docs/guides/tools-image-generation.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.framing.json_values import reread

_GEMINI, _ITEM = '"inlineData"', '"image_generation_call"'
_HEAD_CHARACTERS = 200
# The text that costs about what a picture does: 1,290 tokens (https://ai.google.dev/gemini-api/docs/pricing).
PICTURE_BYTES = 3 * 1_290


class MadePicture(NamedTuple):
    """A picture of an answer, in base64."""

    base64: str
    media_type: str

    @property
    def data_url(self) -> str:
        """The picture as a data: URL."""
        return f"data:{self.media_type};base64,{self.base64}"

    @property
    def markdown(self) -> str:
        """The picture in a text, for a wire whose answers have no other place for one."""
        return f"![picture]({self.data_url})"


def picture_in(json_text: str) -> MadePicture | None:
    """The picture that an opaque part of an answer holds, if it does."""
    if _GEMINI not in json_text[:_HEAD_CHARACTERS] and _ITEM not in json_text:
        return None
    value = reread(json_text)
    inline, item = value.get("inlineData"), value.get("result")
    if isinstance(inline, dict):
        data, kind = inline.get("data"), inline.get("mimeType")
        if not isinstance(kind, str) or not kind.startswith("image/") or not isinstance(data, str):
            return None
        return MadePicture(data, kind)
    if not isinstance(item, str) or not item:
        return None
    return MadePicture(item, f"image/{value.get('output_format') or 'png'}")
