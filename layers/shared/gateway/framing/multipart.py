"""Reads a whole multipart/form-data body into its parts, and writes one; refuses a body that is cut short. Pure.

https://www.rfc-editor.org/rfc/rfc7578. The parser is `multipart` in its strict mode (ADR 0012), imported with the first
form, so that a function without forms does not pay for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from msgspec import Struct

from gateway.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType

FORM_TYPE = "multipart/form-data"
_FIELDS_ALONE = "application/x-www-form-urlencoded"
# Lambda takes events of 6 MB, which hold a form as base64 (section 2 of the public contract).
INLINE_BYTES_MAX = 4_500_000
TOO_LARGE = "The body is larger than 4.5 MB; upload the file through /v1/files/presign."
PARTS_MAX = 100
HEADER_BYTES_MAX = 8 * 1024


class FormPart(Struct, frozen=True):
    """One field. Only a file has a `filename`; `mime_type` is the type that the client declares, if any."""

    name: str
    content: bytes
    filename: str | None = None
    mime_type: str | None = None

    @property
    def text(self) -> str:
        """The content as text; raises `InvalidRequest` if it is not UTF-8."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(f"The field '{self.name}' must be UTF-8 text.", param=self.name) from None


def is_form(content_type: str) -> bool:
    """Tells whether a body of this type is a form with files."""
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


def sends_form(content_type: str) -> bool:
    """True for a form with files, false for JSON; raises `UnsupportedMediaType` for a form of any other kind."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FIELDS_ALONE or (kind.startswith("multipart/") and kind != FORM_TYPE):
        raise UnsupportedMediaType(f"The body should be {FORM_TYPE} or application/json, not {kind[:80]}.")
    return kind == FORM_TYPE


def refuse_oversized(body: bytes) -> None:
    """Raises `RequestTooLarge` for a body over the platform's limit."""
    if len(body) > INLINE_BYTES_MAX:
        raise RequestTooLarge(TOO_LARGE)


def parts_of(content_type: str, body: bytes) -> tuple[FormPart, ...]:
    """The body's fields in their order; raises `InvalidRequest` for an incomplete form."""
    from multipart import MultipartError, parse_options_header

    if not is_form(content_type):
        raise UnsupportedMediaType(f"The body should be {FORM_TYPE}.")
    _, parameters = parse_options_header(content_type)
    try:
        return tuple(_parts(parameters.get("boundary", ""), body))
    except MultipartError as broken:
        message = f"The form could not be read: {broken}."
        raise InvalidRequest(message, code="invalid_body") from None


def _parts(boundary: str, body: bytes) -> Iterator[FormPart]:
    from multipart import MultipartSegment, PushMultipartParser

    limits = {"max_header_size": HEADER_BYTES_MAX, "max_segment_count": PARTS_MAX}
    with PushMultipartParser(boundary, len(body), strict=True, **limits) as parser:
        segment, content = None, bytearray()
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                segment, content = event, bytearray()
            elif event is not None:
                content += event
            elif segment is not None:
                yield FormPart(segment.name, bytes(content), segment.filename, segment.header("Content-Type"))


def form_of(parts: Sequence[FormPart]) -> tuple[str, bytes]:
    """The content type and the body of a form with these parts; equal parts make equal bytes.

    Names and types are the gateway's own words, and file names are not passed on.
    """
    seed = hashlib.sha256()
    for part in parts:
        seed.update(part.content)
    boundary = f"nexgate-{seed.hexdigest()}"
    pieces: list[bytes] = []
    for part in parts:
        file = "" if part.filename is None else f'; filename="{part.filename}"'
        kind = "" if part.mime_type is None else f"Content-Type: {part.mime_type}\r\n"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{file}\r\n{kind}\r\n'
        pieces += (head.encode(), part.content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"{FORM_TYPE}; boundary={boundary}", b"".join(pieces)
