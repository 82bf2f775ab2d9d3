"""Reads the documents of all rerank wires, each with the bytes in which it came."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from gateway.canonical.rerank import DOCUMENTS_MAX, Document
from gateway.protocols.shared.document import Node

TEXT = "text"


class _Sent(Struct):
    documents: list[Raw]


_SENT = msgspec.json.Decoder(_Sent)


def documents_in(root: Node, body: bytes) -> tuple[Document, ...]:
    """The documents, each a text or an object with one in `text`; `body` is the document's bytes."""
    given = root.required("documents").elements(1, DOCUMENTS_MAX)
    return tuple(Document(_text(node), sent) for node, sent in zip(given, _SENT.decode(body).documents, strict=True))


def _text(document: Node) -> str:
    if isinstance(document.value, str):
        return document.as_string(minimum=1)
    if not isinstance(document.value, dict):
        raise document.wrong_type("a string or an object with 'text'")
    return document.required(TEXT).as_string(minimum=1)
