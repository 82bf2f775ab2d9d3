"""Says where a Messages request names files: images and documents whose source is a file or an address.

https://docs.claude.com/en/docs/build-with-claude/files
"""

from __future__ import annotations

from gateway.canonical.file_ids import may_name_own_file
from gateway.canonical.parts import InlineMedia
from gateway.protocols.shared.files import FileMembers, Named, PartJson, member, plain_text

_SOURCES = {"file": "file_id", "url": "url"}
_BLOCKS = frozenset({"image", "document"})


def _named(part: PartJson) -> Named | None:
    source, kind = member(part, "source"), part.get("type")
    name = _SOURCES.get(source.get("type", ""))
    if kind not in _BLOCKS or name is None or not may_name_own_file(source.get(name)):
        return None
    return Named(f"source.{name}", source[name], is_image=kind == "image")


def _inlined(part: PartJson, media: InlineMedia, file_name: str) -> PartJson:
    del file_name  # A document has a title where the caller gives it one.
    kind = media.media_type
    if kind == "text/plain":
        source = {"type": "text", "media_type": kind, "data": plain_text(media)}
    else:
        source = {"type": "base64", "media_type": kind, "data": media.data_base64}
    if kind.startswith("image/"):
        kept = {name: value for name, value in part.items() if name not in {"title", "context", "citations"}}
        return {**kept, "type": "image", "source": source}
    return {**part, "type": "document", "source": source}


FILES = FileMembers(("messages", "content", "source"), _named, _inlined)
