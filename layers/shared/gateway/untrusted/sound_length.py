"""Measures a file of sound by its own container, which is what a customer pays by. Pure.

The reader is `tinytag` (ADR 0031), imported with the first file. A container may state less than it holds, so no file
is taken for shorter than its bytes at the highest rate of its coding. WAV may state any length, where it was written
while it was made: it is as long as its bytes are.
"""

from __future__ import annotations

from io import BytesIO

from gateway.errors import InvalidRequest
from gateway.untrusted.containers import WAVE_OPEN
from gateway.untrusted.file_types import FileType

# The highest rates that the codings have, in bits a second; what is not named has none, or holds pictures too.
_RATES_MAX = {FileType.MP3: 320_000, FileType.OGG: 512_000, FileType.AAC: 576_000}
_ENDINGS = {FileType.MP4: "m4a", FileType.WEBM: "webm"}
UNKNOWN = "The length of the sound cannot be read from its container. Send it as WAV, MP3, M4A, OGG or FLAC."
# A tag before the sound (https://id3.org/id3v2.4.0-structure) may hold a picture.
_TAG, _TAG_HEAD_BYTES = b"ID3", 10
# RIFF, a length, and WAVE; chunks follow.
_WAVE_HEAD_BYTES = 12
SECONDS_MAX = 24 * 3_600
# A file that is what it says is measured by a few reads; one that is made to be searched would take many seconds.
READS_MAX = 1_000_000


class _Bounded(BytesIO):
    """Raises `OverflowError` after so many reads."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > READS_MAX:
            raise OverflowError
        return super().read(size)


def sound_seconds(content: bytes, file_type: FileType, param: str) -> float:
    """The seconds of sound in a file; raises `InvalidRequest` at `param` where its container tells none."""
    stated = _stated(content, file_type)
    if not 0 < stated <= SECONDS_MAX:
        raise InvalidRequest(UNKNOWN, param=param, code="unknown_duration")
    rate = _RATES_MAX.get(file_type)
    return stated if rate is None else max(stated, 8 * (len(content) - _tag_bytes(content)) / rate)


def _stated(content: bytes, file_type: FileType) -> float:
    from tinytag import TinyTag  # noqa: PLC0415  # loaded with the first file

    name = f"sound.{_ENDINGS.get(file_type, file_type.extension)}"
    try:
        found = TinyTag.get(filename=name, file_obj=_Bounded(content), tags=False)
    except Exception:  # noqa: BLE001  # strangers' bytes: the reader's failures of any kind mean that it cannot read them
        return 0.0
    if file_type is FileType.WAV and found.samplerate and found.channels and found.bitdepth:
        return 8 * _wave_bytes(content) / (found.samplerate * found.channels * found.bitdepth)
    return float(found.duration or 0)


def _wave_bytes(content: bytes) -> int:
    """The bytes of sound in a WAV file; a chunk of sound whose length is open goes on to the end.

    The reader of `_stated` has walked the same chunks before, so that there are at most `READS_MAX`.
    """
    at, found = _WAVE_HEAD_BYTES, 0
    while (begun := at + 8) <= len(content):
        size = int.from_bytes(content[at + 4 : begun], "little")
        if content[at : at + 4] == b"data":
            if size in WAVE_OPEN:
                return found + len(content) - begun
            found += min(size, len(content) - begun)
        at = begun + size + size % 2
    return found


def _tag_bytes(content: bytes) -> int:
    """The bytes of the tag before the sound: seven bits of each of four bytes tell them."""
    if not content.startswith(_TAG) or len(content) < _TAG_HEAD_BYTES:
        return 0
    size = 0
    for byte in content[6:_TAG_HEAD_BYTES]:
        size = size << 7 | byte & 0x7F
    return min(len(content), size + _TAG_HEAD_BYTES)
