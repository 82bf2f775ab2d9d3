"""The gateway's names over the provider's, in an answer's own bytes: `responseId` and `modelVersion` set.

Chunks of one stream close with the same bytes, both names among them. After the first one was edited member by member,
a chunk that closes alike gets the edited closing and keeps what stands before it: of duplicate names the last one
counts. A chunk that closes otherwise is edited member by member again.
"""

from __future__ import annotations

import orjson

from gateway.canonical.response import Extension, Stamp
from gateway.framing import json_edit

_MODEL, _ID = "modelVersion", "responseId"


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    return json_edit.edit(body, {**_names(stamp), "nexevo": orjson.dumps(extension.as_json())})


class Renamer:
    """The edit of one stream's chunks."""

    def __init__(self, stamp: Stamp) -> None:
        self._names = _names(stamp)
        self._closing = b""
        self._renamed_closing = b""

    def rename(self, chunk: bytes) -> bytes:
        """The chunk under the gateway's names."""
        if self._closing and chunk.endswith(self._closing):
            return chunk[: -len(self._closing)] + self._renamed_closing
        self._learn(chunk)
        return json_edit.edit(chunk, self._names)

    def _learn(self, chunk: bytes) -> None:
        """Takes the bytes from the earlier of the two names as the stream's closing, where nothing else follows."""
        found = json_edit.scan(chunk)
        self._closing = b""
        if {member.name for member in found[-2:]} == set(self._names):
            self._closing = chunk[found[-2].start :]
            self._renamed_closing = json_edit.edit(b"{" + self._closing, self._names)[1:]


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {_MODEL: orjson.dumps(stamp.model), _ID: orjson.dumps(stamp.response_id)}
