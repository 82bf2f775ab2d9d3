"""Says where a Gemini request names files: `fileData`, in either spelling of its members.

https://ai.google.dev/api/caching#FileData
"""

from __future__ import annotations

from gateway.canonical.file_ids import may_name_own_file
from gateway.canonical.parts import InlineMedia
from gateway.protocols.shared.files import FileMembers, Named, PartJson, member

_SPELLINGS = (("fileData", "fileUri"), ("file_data", "file_uri"), ("fileData", "file_uri"), ("file_data", "fileUri"))


def _named(part: PartJson) -> Named | None:
    for holder, name in _SPELLINGS:
        given = member(part, holder).get(name)
        if may_name_own_file(given):
            return Named(f"{holder}.{name}", given)
    return None


def _inlined(part: PartJson, media: InlineMedia, file_name: str) -> PartJson:
    del file_name  # Few models read the name of a blob, and Vertex alone takes one.
    kept = {name: value for name, value in part.items() if name not in {"fileData", "file_data"}}
    return {**kept, "inlineData": {"mimeType": media.media_type, "data": media.data_base64}}


FILES = FileMembers(
    (
        "generateContentRequest",
        "generate_content_request",
        "contents",
        "parts",
        "systemInstruction",
        "system_instruction",
        "functionResponse",
        "function_response",
    ),
    _named,
    _inlined,
)
