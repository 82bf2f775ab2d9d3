"""Decodes compressed bodies (RFC 9110 section 8.4) piece by piece, in bounded memory. Pure."""

from __future__ import annotations

import zlib

# The supported codings: https://www.iana.org/assignments/http-parameters/http-parameters.xhtml#content-coding
CODINGS = ("gzip", "deflate")
_NONE = frozenset({"", "identity"})
_NAMES = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_GZIP_MAGIC = b"\x1f\x8b"
# JSON in deflate never begins with these: their bits would name a compression of text that begins otherwise.
_JSON_OPENINGS = (b"{", b"[")
_WINDOW_GZIP = zlib.MAX_WBITS | 16
_PIECE_BYTES_MAX = 1024 * 1024


class UnknownCoding(ValueError):
    """Reports a coding that is not supported."""


class Damaged(ValueError):
    """Reports bytes that do not follow their coding."""


class TooLarge(ValueError):
    """Reports a body over the reader's bound."""


def coding_of(header: str | None) -> str | None:
    """The coding that a `content-encoding` names, `None` for none; raises `UnknownCoding`."""
    word = (header or "").strip().lower()
    if word in _NONE:
        return None
    if word not in _NAMES:
        raise UnknownCoding(word)
    return _NAMES[word]


class Uncoding:
    """Decodes one body. Plain bytes stay plain even if a header names a coding, as where a proxy has decoded them."""

    def __init__(self, coding: str | None) -> None:
        self._coding = coding
        self._inflate: zlib._Decompress | None = None
        self._begun = coding is None

    def feed(self, data: bytes) -> bytes:
        """The plain bytes of `data`; raises `Damaged`."""
        if not self._begun and data:
            self._begun = True
            self._inflate = self._reader(data)
        if self._inflate is None:
            return data
        try:
            return self._inflated(self._inflate, data)
        except zlib.error:
            raise Damaged(self._coding) from None

    def _inflated(self, inflate: zlib._Decompress, data: bytes) -> bytes:
        """The plain bytes, of all members that a gzip body has (RFC 1952 section 2.2); what follows them is ignored."""
        parts: list[bytes] = []
        while data:
            if inflate.eof:
                if self._coding != "gzip" or not _GZIP_MAGIC.startswith(data[: len(_GZIP_MAGIC)]):
                    break
                inflate = self._inflate = zlib.decompressobj(_WINDOW_GZIP)
            parts.append(inflate.decompress(data))
            data = inflate.unused_data
        return b"".join(parts)

    def _reader(self, data: bytes) -> zlib._Decompress | None:
        if self._coding == "gzip":
            return zlib.decompressobj(_WINDOW_GZIP) if data.startswith(_GZIP_MAGIC[: len(data)]) else None
        if data[:1] in _JSON_OPENINGS:
            return None
        # A deflate body has zlib's frame, as the standard requires, or none.
        has_frame = len(data) > 1 and (data[0] & 0x0F) == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
        return zlib.decompressobj() if has_frame else zlib.decompressobj(-zlib.MAX_WBITS)

    def end(self) -> None:
        """Ends the body; raises `Damaged` if the coding is incomplete."""
        if self._inflate is not None and not self._inflate.eof:
            raise Damaged(self._coding)


def plain(body: bytes, coding: str | None, bytes_max: int) -> bytes:
    """The whole decoded body; raises `Damaged`, or `TooLarge` before more than the bound is decoded."""
    if coding is None:
        return body
    reader, parts, total = Uncoding(coding), [], 0
    # Coded bytes expand to about a thousand times their size at most.
    for start in range(0, len(body), _PIECE_BYTES_MAX // 1024):
        part = reader.feed(body[start : start + _PIECE_BYTES_MAX // 1024])
        total += len(part)
        if total > bytes_max:
            raise TooLarge(total)
        parts.append(part)
    reader.end()
    return b"".join(parts)
