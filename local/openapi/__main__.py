"""Writes the document where it is served, and the table of SDK methods: `make openapi`."""

from __future__ import annotations

from typing import Any

import orjson

from local.openapi.document import ROOT, document, methods

WRITTEN = {
    "functions/models/openapi.json": document,
    "sdks/operations.json": methods,
}


def text_of(value: Any, depth: int = 3) -> bytes:
    """Writes JSON that differs by lines: members stand on their own lines down to this depth."""
    return _lines(value, depth, b"") + b"\n"


def _lines(value: Any, depth: int, indent: bytes) -> bytes:
    if not depth or not isinstance(value, dict) or not value:
        return orjson.dumps(value)
    deeper = indent + b"  "
    members = (deeper + orjson.dumps(name) + b": " + _lines(one, depth - 1, deeper) for name, one in value.items())
    return b"{\n" + b",\n".join(members) + b"\n" + indent + b"}"


def main() -> None:
    """Writes every file."""
    for name, made in WRITTEN.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text_of(made()))


if __name__ == "__main__":
    main()
