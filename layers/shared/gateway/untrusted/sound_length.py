"""Measures a file of sound by what can be decoded of it, which is what a customer pays by. Pure.

A length that a file states is not believed: its frames and packets are counted (ADR 0045).
"""

from __future__ import annotations

from gateway.errors import InvalidRequest
from gateway.untrusted.file_types import FileType
from gateway.untrusted.sound import flac, matroska, mp4, mpeg, ogg, wave
from gateway.untrusted.sound.steps import Length, Steps, Unreadable

UNKNOWN = (
    "The length of the sound cannot be counted. These are taken: MP3, AAC in ADTS, FLAC without an ID3 tag, WAV of "
    "plain samples, M4A or MP4 with AAC or Opus, and OGG or WEBM with Opus or Vorbis."
)
# A tag before the sound (https://id3.org/id3v2.4.0-structure, 3.1) may hold a picture.
_TAG, _TAG_HEAD_BYTES, _TAG_HAS_FOOT = b"ID3", 10, 0x10
# Other containers behind a tag, which decoders that pass over it would open.
_HIDDEN = (b"fLaC", b"OggS", b"RIFF", b"\x1aE\xdf\xa3")
SECONDS_MAX = 24 * 3_600


def sound_seconds(content: bytes, file_type: FileType, param: str, steps: Steps | None = None) -> float:
    """The seconds of sound in a file; raises `InvalidRequest` at `param` where they cannot be counted.

    Files of one request share their `steps`.
    """
    try:
        seconds = _COUNTS[file_type](content, Steps() if steps is None else steps).seconds
    except Unreadable:
        seconds = 0.0
    if not 0 < seconds <= SECONDS_MAX:
        raise InvalidRequest(UNKNOWN, param=param, code="unknown_duration")
    return seconds


def _frames(content: bytes, steps: Steps) -> Length:
    """The length of sound without a container, behind tags."""
    start = 0
    while content.startswith(_TAG, start) and len(content) >= start + _TAG_HEAD_BYTES:
        start += _tag_bytes(content, start)
    if content.startswith(_HIDDEN, start) or content.startswith(b"ftyp", start + 4):
        raise Unreadable
    return mpeg.length(content, steps, start)


def _tag_bytes(content: bytes, start: int) -> int:
    """The bytes of a tag: seven bits of each of four bytes tell them. Decoders read another tag in different ways."""
    head = content[start : start + _TAG_HEAD_BYTES]
    if head[3] not in (2, 3, 4) or head[4] == 0xFF or any(byte > 0x7F for byte in head[6:]):
        raise Unreadable
    size = 0
    for byte in head[6:]:
        size = size << 7 | byte
    return size + _TAG_HEAD_BYTES + (_TAG_HEAD_BYTES if head[5] & _TAG_HAS_FOOT else 0)


_COUNTS = {
    FileType.WAV: wave.length,
    FileType.MP3: _frames,
    FileType.AAC: _frames,
    FileType.FLAC: flac.length,
    FileType.OGG: ogg.length,
    FileType.M4A: mp4.length,
    FileType.MP4: mp4.length,
    FileType.WEBM: matroska.length,
}
