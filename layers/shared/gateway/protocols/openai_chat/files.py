"""Says where a chat request names files: `file` parts by `file_id`, pictures by `image_url`.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from gateway.canonical.file_ids import may_name_own_file
from gateway.canonical.parts import InlineMedia
from gateway.protocols.openai_chat.decode_messages import AUDIO_TYPES
from gateway.protocols.shared.files import FileMembers, Named, PartJson, member
from gateway.protocols.shared.openai_members import data_url

_FORMATS = {media_type: name for name, media_type in AUDIO_TYPES.items()}


def _named(part: PartJson) -> Named | None:
    if part.get("type") == "image_url":
        url = member(part, "image_url").get("url")
        return Named("image_url.url", url, is_image=True) if may_name_own_file(url) else None
    if part.get("type") == "file":
        file = member(part, "file")
        for name in ("file_id", "file_data"):
            if may_name_own_file(file.get(name)):
                return Named(f"file.{name}", file[name])
    return None


def _inlined(part: PartJson, media: InlineMedia, file_name: str) -> PartJson:
    kept = {name: value for name, value in part.items() if name not in {"type", "file", "image_url"}}
    kind = media.media_type
    if kind.startswith("image/"):
        return {**kept, "type": "image_url", "image_url": {**member(part, "image_url"), "url": data_url(media)}}
    if kind in _FORMATS:
        sound = {"data": media.data_base64, "format": _FORMATS[kind]}
        return {**kept, "type": "input_audio", "input_audio": sound}
    name = member(part, "file").get("filename") or file_name
    return {**kept, "type": "file", "file": {"filename": name, "file_data": data_url(media)}}


FILES = FileMembers(("messages", "content"), _named, _inlined)
