"""The gateway's names over the provider's, in an answer's own bytes: id and model set, unasked usage removed.

A whole answer without calls says so (`tool_calls: null`). A call without an id gets one, and its arguments are text.
Usage that stands elsewhere stands in its place too.

Chunks of one stream open with the same bytes, id and model among them. After the first one was edited member
by member, a chunk that opens alike gets the edited opening and keeps its rest; one that is not plainly alike
is edited member by member again.
"""

from __future__ import annotations

import re
from functools import partial

import orjson

from gateway.canonical.call_ids import CallIds
from gateway.canonical.response import Extension, Stamp
from gateway.framing import json_edit, json_values
from gateway.protocols.openai_chat.decode_answer import is_empty_call, reported_usage
from gateway.protocols.shared.provider_json import load

_NULL = b"null"
# `null` usage where only scalar members follow up to the end: surely a member of the chunk itself.
_NULL_USAGE = b',"usage":null'
_ONLY_SCALARS = re.compile(rb'(?:,"[^"\\]*+":(?:"[^"\\]*+"|[^"{\[,}]++))*+\}\s*+')


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    choices = json_edit.edit_objects(json_edit.members(body)["choices"], partial(_choice, CallIds(stamp.answer_id)))
    put = {**_names(stamp), "choices": choices, "nexevo": orjson.dumps(extension.as_json())}
    if json_edit.members(body).get("usage", _NULL) == _NULL and (usage := reported_usage(load(body))):
        put["usage"] = orjson.dumps(usage)
    return json_edit.edit(body, put)


def _choice(ids: CallIds, choice: bytes) -> bytes:
    message = json_edit.members(choice).get("message", _NULL)
    if not message.startswith(b"{"):
        return choice
    said = _said(json_edit.members(message).get("tool_calls", _NULL))
    calls = json_edit.edit_objects(said, partial(_call, ids))
    return json_edit.edit(choice, {"message": json_edit.edit(message, {"tool_calls": calls})})


def _said(calls: bytes) -> bytes:
    """The calls without those that say nothing; null where none is left."""
    listed = json_values.loads(calls)
    kept = [call for call in listed if not is_empty_call(call)] if isinstance(listed, list) else listed
    if kept == listed:
        return calls
    return orjson.dumps(kept) if kept else _NULL


def _call(ids: CallIds, call: bytes) -> bytes:
    given = orjson.loads(json_edit.members(call).get("id", _NULL))
    identity = ids.of(given if isinstance(given, str) else "")
    named = {} if identity == given else {"id": orjson.dumps(identity)}
    return json_edit.edit(call, named | _arguments(json_edit.members(call).get("function", _NULL)))


def _arguments(function: bytes) -> dict[str, bytes]:
    """The function with arguments as text, where they are JSON."""
    written = json_edit.members(function).get("arguments", _NULL) if function.startswith(b"{") else _NULL
    if written == _NULL or written.startswith(b'"'):
        return {}
    return {"function": json_edit.edit(function, {"arguments": orjson.dumps(written.decode())})}


class Renamer:
    """The edit of one stream's chunks."""

    def __init__(self, stamp: Stamp, keep_usage: bool) -> None:
        self._names = _names(stamp)
        self._remove = () if keep_usage else ("usage",)
        self._opening = b""
        self._renamed_opening = b""

    def rename(self, chunk: bytes) -> bytes:
        """The chunk under the gateway's names."""
        if self._opening and chunk.startswith(self._opening):
            rest = self._plain_rest(chunk[len(self._opening) :])
            if rest:
                return self._renamed_opening + rest
        self._learn(chunk)
        return json_edit.edit(chunk, self._names, self._remove)

    def _plain_rest(self, rest: bytes) -> bytes:
        """Returns the rest after the opening, without unasked usage; empty if a name to be edited may be in it.

        Names may be spelt with escapes; theirs all begin with these.
        """
        if b'"id"' in rest or b'"model"' in rest or b"\\u006" in rest or b"\\u007" in rest:
            return b""
        if not self._remove or b'"usage"' not in rest:
            return rest
        usage = rest.find(_NULL_USAGE)
        after = usage + len(_NULL_USAGE)
        is_only_one = rest.count(b'"usage"') == 1
        if usage < 0 or not is_only_one or _ONLY_SCALARS.fullmatch(rest, after) is None:
            return b""
        return rest[:usage] + rest[after:]

    def _learn(self, chunk: bytes) -> None:
        """Takes the bytes up to the later of id and model as the stream's opening, where both are there."""
        ends = [member.value_end for member in json_edit.scan(chunk) if member.name in self._names]
        self._opening = b""
        if len(ends) == len(self._names):
            self._opening = chunk[: max(ends)]
            self._renamed_opening = json_edit.edit(self._opening + b"}", self._names, self._remove)[:-1]


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {"id": orjson.dumps(stamp.response_id), "model": orjson.dumps(stamp.model)}
