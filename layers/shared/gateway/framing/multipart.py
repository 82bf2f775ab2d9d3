"""A multipart/form-data body, whole, as its parts: RFC 7578 with the delimiters of RFC 2046. Strict: what is cut short,
or has two readings, is refused. Pure, and of the standard library, so that any door may read one.

https://www.rfc-editor.org/rfc/rfc7578 and https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import InvalidRequest, UnsupportedMediaType

FORM_TYPE = "multipart/form-data"
PARTS_MAX = 100
HEAD_BYTES_MAX = 8 * 1024

# RFC 2046: 1 to 70 characters, the last not a space; quoted where it holds what a token may not.
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70}))""", re.IGNORECASE)
# Browsers write a quote as %22, others as \".  https://html.spec.whatwg.org/#multipart-form-data
_PARAMETER = re.compile(r';\s*([a-z*]+)=(?:"((?:\\.|[^"\\])*)"|([^\s";]+))', re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class FormPart:
    """One field. A file has a `filename`, `None` otherwise; `mime_type` is what the client declares, if anything."""

    name: str
    content: bytes
    filename: str | None = None
    mime_type: str | None = None

    @property
    def text(self) -> str:
        """The content as text; raises `InvalidRequest` where it is none."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(f"The field '{self.name}' must be UTF-8 text.", param=self.name) from None


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form with files."""
    return content_type.partition(";")[0].strip().lower() == FORM_TYPE


def parts_of(content_type: str, body: bytes) -> tuple[FormPart, ...]:
    """The body's fields in their order; raises `InvalidRequest` for a body that is no whole form."""
    if not is_form(content_type):
        raise UnsupportedMediaType(f"The body should be {FORM_TYPE}.")
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise _broken("its Content-Type names no boundary")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode()
    # The first delimiter may stand at the very beginning, without a line before it.
    pieces = (b"\r\n" + body).split(delimiter)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _broken("its last boundary is missing")
    if len(pieces) - 2 > PARTS_MAX:
        raise _broken(f"it has more than {PARTS_MAX} parts")
    return tuple(_part(piece) for piece in pieces[1:-1])


def _part(piece: bytes) -> FormPart:
    padding, line_end, rest = piece.partition(b"\r\n")
    head, blank, content = rest.partition(b"\r\n\r\n")
    if padding.strip(b" \t") or not line_end or not blank or len(head) > HEAD_BYTES_MAX:
        raise _broken("a part has no readable headers")
    headers = _headers(head)
    kind, _, _ = headers.get("content-disposition", "").partition(";")
    named = _parameters(headers.get("content-disposition", ""))
    if kind.strip().lower() != "form-data" or "name" not in named:
        raise _broken("a part has no name")
    return FormPart(named["name"], content, named.get("filename"), headers.get("content-type"))


def _headers(head: bytes) -> dict[str, str]:
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise _broken("a part's headers are not UTF-8") from None
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _parameters(disposition: str) -> dict[str, str]:
    return {
        match[1].lower(): (match[3] or _ESCAPE.sub(r"\1", match[2] or "")).replace("%22", '"')
        for match in _PARAMETER.finditer(disposition)
    }


def _broken(reason: str) -> InvalidRequest:
    return InvalidRequest(f"The form could not be read: {reason}.", code="invalid_body")
