"""Tells a file's type by its content; a declared type or name counts only if it contradicts the content. Pure.

`detected_type` reads a file's beginning, for files that stream by. `judge_file` reads a whole one: an image's structure
is walked from its first byte to its last (`pictures`). A file that is two things at once, or not of its declared type,
is refused. Text that is a page or a script is plain text where that is accepted, and else no type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from enum import StrEnum

from gateway.errors import InvalidRequest
from gateway.untrusted import containers, pictures
from gateway.untrusted.containers import Malformed

# The number of bytes that `detected_type` needs.
HEAD_BYTES = 4096


class FileType(StrEnum):
    """The recognised types, by their media types: https://www.iana.org/assignments/media-types/."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    WEBP = "image/webp"
    MP4 = "video/mp4"
    QUICKTIME = "video/quicktime"
    WEBM = "video/webm"
    GLB = "model/gltf-binary"
    GLTF = "model/gltf+json"
    OBJ = "model/obj"
    STL = "model/stl"
    FBX = "model/vnd.fbx"
    USDZ = "model/vnd.usdz+zip"
    PDF = "application/pdf"
    ZIP = "application/zip"
    WAV = "audio/wav"
    MP3 = "audio/mpeg"
    M4A = "audio/mp4"
    OGG = "audio/ogg"
    FLAC = "audio/flac"
    AAC = "audio/aac"
    TEXT = "text/plain"

    @property
    def extension(self) -> str:
        """The usual ending of such a file's name, without the dot."""
        return _EXTENSIONS[self]

    @property
    def family(self) -> str:
        """The media type's first half: image, video, model, audio, application."""
        return self.partition("/")[0]


_KINDS = frozenset(FileType)
_EXTENSIONS = {
    FileType.PNG: "png",
    FileType.JPEG: "jpg",
    FileType.GIF: "gif",
    FileType.WEBP: "webp",
    FileType.MP4: "mp4",
    FileType.QUICKTIME: "mov",
    FileType.WEBM: "webm",
    FileType.GLB: "glb",
    FileType.GLTF: "gltf",
    FileType.OBJ: "obj",
    FileType.STL: "stl",
    FileType.FBX: "fbx",
    FileType.USDZ: "usdz",
    FileType.PDF: "pdf",
    FileType.ZIP: "zip",
    FileType.WAV: "wav",
    FileType.MP3: "mp3",
    FileType.M4A: "m4a",
    FileType.OGG: "ogg",
    FileType.FLAC: "flac",
    FileType.AAC: "aac",
    FileType.TEXT: "txt",
}
IMAGES = frozenset({FileType.PNG, FileType.JPEG, FileType.GIF, FileType.WEBP})
# Files that hold sound; a film holds it too, and is taken where its sound is meant.
AUDIO = frozenset(
    {
        FileType.WAV, FileType.MP3, FileType.M4A, FileType.OGG, FileType.FLAC, FileType.AAC,
        FileType.MP4, FileType.WEBM,
    }
)  # fmt: skip
# All that models see or hear.
MEDIA = IMAGES | AUDIO | {FileType.QUICKTIME, FileType.PDF}
READABLE = MEDIA | {FileType.TEXT}
# Other names in use for the same type.
ALIASES = {
    "image/jpg": FileType.JPEG,
    "image/pjpeg": FileType.JPEG,
    "image/apng": FileType.PNG,
    "image/x-png": FileType.PNG,
    "video/x-m4v": FileType.MP4,
    "audio/x-wav": FileType.WAV,
    "audio/wave": FileType.WAV,
    "audio/vnd.wave": FileType.WAV,
    "audio/mp3": FileType.MP3,
    "audio/mpga": FileType.MP3,
    "audio/m4a": FileType.M4A,
    "audio/x-m4a": FileType.M4A,
    "audio/opus": FileType.OGG,
    "application/ogg": FileType.OGG,
    "audio/x-flac": FileType.FLAC,
    "audio/x-aac": FileType.AAC,
    "audio/aacp": FileType.AAC,
    "audio/webm": FileType.WEBM,
    "application/x-zip-compressed": FileType.ZIP,
    "model/x-stl-binary": FileType.STL,
    "application/sla": FileType.STL,
    "model/vnd.pixar.usd": FileType.USDZ,
}
# A file with sound alone may be declared as its container is, and the other way round.
CONTAINERS = {FileType.M4A: FileType.MP4, FileType.MP4: FileType.M4A}
# Declarations that claim nothing.
UNCLAIMED = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"})

_BEGINNINGS: tuple[tuple[re.Pattern[bytes], FileType], ...] = tuple(
    (re.compile(pattern, re.DOTALL), file_type)
    for pattern, file_type in (
        (rb"\x89PNG\r\n\x1a\n", FileType.PNG),
        (rb"\xff\xd8\xff", FileType.JPEG),
        (rb"GIF8[79]a", FileType.GIF),
        (rb"RIFF....WEBP", FileType.WEBP),
        (rb"RIFF....WAVE", FileType.WAV),
        # ISO/IEC 14496-12: the brand names the format; images and sound in the same boxes are not video.
        (rb"....ftypqt  ", FileType.QUICKTIME),
        (rb"....(?:moov|mdat|wide|free|skip)", FileType.QUICKTIME),
        (rb"....ftypM4[AB] ", FileType.M4A),
        (rb"....ftyp(?!avi[fs]|hei[cfmsx]|hev[cmsx]|mif1|msf1|jpeg|M4[ABP] )", FileType.MP4),
        # https://www.matroska.org/technical/elements.html: EBML, then DocType, of which WebM is one.
        (rb"\x1aE\xdf\xa3.{1,60}?B\x82.webm", FileType.WEBM),
        (rb"glTF\x02\x00\x00\x00", FileType.GLB),
        (rb"Kaydara FBX Binary  \x00\x1a\x00", FileType.FBX),
        (rb"; FBX [0-9.]+ project file", FileType.FBX),
        (rb"%PDF-[12]\.[0-9]", FileType.PDF),
        # USDZ is a zip whose first file is a stored USD layer: https://openusd.org/release/spec_usdz.html.
        (rb"PK\x03\x04.{4}\x00\x00.{16}[^/]{1,255}?\.usd[ac]?", FileType.USDZ),
        (rb"PK\x03\x04", FileType.ZIP),
        (rb"OggS\x00", FileType.OGG),
        (rb"fLaC[\x00\x80]\x00\x00\x22", FileType.FLAC),
        (rb"ID3[\x02-\x04]", FileType.MP3),
        (rb"\xff[\xf2\xf3\xfa\xfb][\x10-\xef]", FileType.MP3),
        (rb"\xff[\xf0\xf1\xf8\xf9]", FileType.AAC),
        (rb'\s*\{\s*".*?(?<=")(?:asset|accessors|buffers|bufferViews|extensionsUsed)"\s*:', FileType.GLTF),
        (rb"solid\b[^\n]{0,200}\n\s*(?:facet normal|endsolid)", FileType.STL),
        (rb"(?:#[^\n]*\n|[ \t\r]*\n|(?:mtllib|o|g|usemtl|s) [^\n]*\n)*v +-?[0-9.]+", FileType.OBJ),
    )
)


def detected_type(head: bytes, size_bytes: int | None) -> FileType | None:
    """The type of a file by its beginning; `head` is the first `HEAD_BYTES`, or the whole of a shorter file.

    `size_bytes` is the whole file's. A binary STL has no mark of its own, only a size that fits its number of
    triangles.
    """
    found = next((file_type for pattern, file_type in _BEGINNINGS if pattern.match(head[:HEAD_BYTES])), None)
    if found is None and size_bytes is not None and size_bytes == containers.stl_size_bytes(head):
        return FileType.STL
    return found


def claimed(declared: str | None) -> str | None:
    """The media type that a declaration claims, without parameters and by its usual name; `None` if it claims none."""
    plain = (declared or "").partition(";")[0].strip().lower()
    return None if plain in UNCLAIMED else str(ALIASES.get(plain, plain))


def judge_file(
    content: bytes, param: str | None, accepted: Collection[FileType], declared: str | None = None
) -> FileType:
    """The type of a whole file, one of `accepted`; raises `InvalidRequest` at `param` for anything else.

    `declared` is the media type sent with the file; `application/octet-stream` claims nothing and is allowed.
    """
    found = detected_type(content, len(content))
    if found not in accepted and FileType.TEXT in accepted and containers.is_text(content):
        # A model reads any text; it is kept and handed on as plain text, as which no browser runs it.
        found, declared = FileType.TEXT, declared if claimed(declared) in _KINDS else None
    if found is None or found not in accepted:
        names = ", ".join(sorted(file_type.extension.upper() for file_type in accepted))
        raise InvalidRequest(f"The file must be one of: {names}. Its content is something else.", param=param)
    claim = claimed(declared)
    if claim is not None and claim not in (found, CONTAINERS.get(found)):
        raise InvalidRequest(f"The file is declared as {claim[:100]}, but its content is {found}.", param=param)
    try:
        _WALKS[found](content)
    except Malformed as reason:
        raise InvalidRequest(f"The file is not a sound {found.extension.upper()}: {reason}", param=param) from None
    return found


_WALKS: dict[FileType, Callable[[bytes], None]] = {
    FileType.PNG: pictures.walk_png,
    FileType.JPEG: pictures.walk_jpeg,
    FileType.GIF: pictures.walk_gif,
    FileType.WEBP: pictures.walk_webp,
    FileType.MP4: containers.walk_boxes,
    FileType.QUICKTIME: containers.walk_boxes,
    FileType.WEBM: containers.no_archive,
    FileType.GLB: containers.walk_glb,
    FileType.GLTF: containers.no_markup,
    FileType.OBJ: containers.no_markup,
    FileType.STL: containers.no_archive,
    FileType.FBX: containers.no_archive,
    FileType.USDZ: containers.walk_zip,
    FileType.ZIP: containers.walk_zip,
    FileType.PDF: containers.walk_pdf,
    FileType.WAV: containers.walk_wave,
    FileType.MP3: containers.no_archive,
    FileType.M4A: containers.walk_boxes,
    FileType.OGG: containers.no_archive,
    FileType.FLAC: containers.no_archive,
    FileType.AAC: containers.no_archive,
    FileType.TEXT: containers.walk_text,
}
