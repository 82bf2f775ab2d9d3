"""The gateway's names over the provider's, in an answer's own bytes: `responseId` and `modelVersion` set.

Chunks of one stream close with the same bytes, both names among them. After the first one was edited member by member,
a chunk that closes alike gets the edited closing and keeps what stands before it: of duplicate names the last one
counts. A chunk that closes otherwise is edited member by member again.
"""

from __future__ import annotations

import orjson

from gateway.canonical.call_ids import CallIds
from gateway.canonical.response import Extension, Stamp
from gateway.framing import json_edit
from gateway.protocols.gemini.decode_answer import parts_of
from gateway.protocols.shared.provider_json import as_object, as_objects, load

_PIECES = ("partialArgs", "willContinue")
_MODEL, _ID = "modelVersion", "responseId"


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    own = _own_ids(body, CallIds(stamp.answer_id))
    return json_edit.edit(body, {**_names(stamp), **own, "nexevo": orjson.dumps(extension.as_json())})


class Renamer:
    """The edit of one stream's chunks."""

    def __init__(self, stamp: Stamp) -> None:
        self._names = _names(stamp)
        self._ids = CallIds(stamp.answer_id)
        self._closing = b""
        self._renamed_closing = b""

    def rename(self, chunk: bytes) -> bytes:
        """The chunk under the gateway's names."""
        if own := _own_ids(chunk, self._ids):
            chunk = json_edit.edit(chunk, own)
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


def _own_ids(chunk: bytes, ids: CallIds) -> dict[str, bytes]:
    """The candidates with an id for each call of its own, where the provider gave one id to several; else nothing.

    A call without an id stays so, and the pieces of one call share theirs.
    """
    if chunk.find(b'"functionCall"') < 0:
        return {}
    candidates = as_objects(load(chunk).get("candidates"))
    calls = [as_object(part.get("functionCall")) for candidate in candidates for part in parts_of(candidate)]
    whole = (call for call in calls if call.get("id") and call.get("name") and call.keys().isdisjoint(_PIECES))
    has_changed = ids.complete(whole)
    return {"candidates": orjson.dumps(candidates)} if has_changed else {}


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {_MODEL: orjson.dumps(stamp.model), _ID: orjson.dumps(stamp.response_id)}
