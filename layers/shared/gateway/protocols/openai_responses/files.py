"""Says where a Responses request names files: `input_image` and `input_file` by `file_id` or address.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from gateway.canonical.file_ids import may_name_own_file
from gateway.canonical.parts import InlineMedia
from gateway.protocols.openai_responses.decode_items import AUDIO_TYPES
from gateway.protocols.shared.files import FileMembers, Named, PartJson
from gateway.protocols.shared.openai_members import data_url

_FORMATS = {media_type: name for name, media_type in AUDIO_TYPES.items()}
_MEMBERS = {"input_image": ("file_id", "image_url"), "input_file": ("file_id", "file_url")}
_REPLACED = frozenset({"type", "file_id", "image_url", "file_url", "filename"})


def _named(part: PartJson) -> Named | None:
    kind = part.get("type")
    for name in _MEMBERS.get(kind, ()) if isinstance(kind, str) else ():
        if may_name_own_file(part.get(name)):
            return Named(name, part[name], is_image=kind == "input_image")
    return None


def _inlined(part: PartJson, media: InlineMedia, file_name: str) -> PartJson:
    kept = {name: value for name, value in part.items() if name not in _REPLACED}
    kind = media.media_type
    if kind.startswith("image/"):
        return {"detail": "auto", **kept, "type": "input_image", "image_url": data_url(media)}
    if kind in _FORMATS:
        sound = {"data": media.data_base64, "format": _FORMATS[kind]}
        return {**kept, "type": "input_audio", "input_audio": sound}
    name = part.get("filename") or file_name
    return {**kept, "type": "input_file", "filename": name, "file_data": data_url(media)}


FILES = FileMembers(("input", "content", "output"), _named, _inlined)
