"""Provides a task's output as a download, whole or in ranges, without holding all of it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from local.providers import media_models, media_mp4

MIME_TYPES = {
    "mp4": media_mp4.MIME_TYPE,
    "glb": "model/gltf-binary",
    "obj": "model/obj",
    "stl": "model/stl",
    "usdz": "model/vnd.usdz+zip",
    "fbx": "application/octet-stream",
}
_PIECE_BYTES = 65_536
_FREE_HEAD_BYTES = 8


@dataclass(frozen=True, slots=True)
class File:
    """A file of some bytes followed by zeros."""

    mime_type: str
    head: bytes
    zeros: int = 0

    @property
    def size_bytes(self) -> int:
        """The length of the download in bytes."""
        return len(self.head) + self.zeros

    def pieces(self, first: int, last: int) -> Iterator[bytes]:
        """Yields the bytes from `first` to `last`, both included."""
        while first <= last:
            end = min(first + _PIECE_BYTES, last + 1)
            piece = self.head[first:end]
            yield piece + bytes(end - first - len(piece))
            first = end


def video(duration_ms: int, size_bytes: int | None = None) -> File:
    """Builds a video of that length, filled up to `size_bytes` if given."""
    movie = media_mp4.movie(duration_ms)
    zeros = (size_bytes or 0) - len(movie) - _FREE_HEAD_BYTES
    if zeros < 0:
        return File(MIME_TYPES["mp4"], movie)
    return File(MIME_TYPES["mp4"], movie + media_mp4.free(_FREE_HEAD_BYTES + zeros), zeros)


def model(form: str, size_bytes: int | None = None) -> File:
    """Builds a cube. Only a GLB can be filled up, to the next multiple of four."""
    if form != "glb" or size_bytes is None:
        return File(MIME_TYPES[form], media_models.MODELS[form]())
    missing = size_bytes - len(media_models.glb(size_bytes))
    zeros = max(0, missing + -missing % 4)
    return File(MIME_TYPES[form], media_models.glb(zeros), zeros)
