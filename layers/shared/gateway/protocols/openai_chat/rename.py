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
from gateway.framing import json_values
from gateway.framing.json_edit import ObjectText, edit, edit_objects, scan
from gateway.protocols.openai_chat.decode_answer import is_empty_call, reported_usage
from gateway.protocols.shared.provider_json import load

_NULL = b"null"
# Names to be edited, and the escapes that names spelt with escapes begin with.
_EDITED = (b'"id"', b'"model"', b"\\u006", b"\\u007")
# `null` usage where only scalar members follow up to the end: surely a member of the chunk itself.
_NULL_USAGE = b',"usage":null'
_ONLY_SCALARS = re.compile(rb'(?:,"[^"\\]*+":(?:"[^"\\]*+"|[^"{\[,}]++))*+\}\s*+')


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    answer = ObjectText(body)
    choices = edit_objects(answer.get("choices"), partial(_choice, CallIds(stamp.answer_id)))
    put = {**_names(stamp), "choices": choices, "nexevo": orjson.dumps(extension.as_json())}
    if answer.get("usage") == _NULL and (usage := reported_usage(load(body))):
        put["usage"] = orjson.dumps(usage)
    return answer.edited(put)


def _choice(ids: CallIds, text: bytes) -> bytes:
    choice = ObjectText(text)
    if not choice.get("message").startswith(b"{"):
        return text
    message = ObjectText(choice.get("message"))
    calls = edit_objects(_said(message.get("tool_calls")), partial(_call, ids))
    return choice.edited({"message": message.edited({"tool_calls": calls})})


def _said(calls: bytes) -> bytes:
    """The calls without those that say nothing; null where none is left."""
    if calls == _NULL:
        return calls
    listed = json_values.loads(calls)
    kept = [call for call in listed if not is_empty_call(call)] if isinstance(listed, list) else listed
    if kept == listed:
        return calls
    return orjson.dumps(kept) if kept else _NULL


def _call(ids: CallIds, text: bytes) -> bytes:
    call = ObjectText(text)
    given = orjson.loads(call.get("id"))
    identity = ids.of(given if isinstance(given, str) else "")
    named = {} if identity == given else {"id": orjson.dumps(identity)}
    return call.edited(named | _arguments(call.get("function")))


def _arguments(text: bytes) -> dict[str, bytes]:
    """The function with arguments as text, where they are JSON."""
    if not text.startswith(b"{"):
        return {}
    function = ObjectText(text)
    written = function.get("arguments")
    if written == _NULL or written.startswith(b'"'):
        return {}
    return {"function": function.edited({"arguments": orjson.dumps(written.decode())})}


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
        return edit(chunk, self._names, self._remove)

    def _plain_rest(self, rest: bytes) -> bytes:
        """Returns the rest after the opening, without unasked usage; empty if a name to be edited may be in it."""
        if max(map(rest.find, _EDITED)) >= 0:
            return b""
        if not self._remove or rest.find(b'"usage"') < 0:
            return rest
        usage = rest.find(_NULL_USAGE)
        after = usage + len(_NULL_USAGE)
        is_only_one = rest.count(b'"usage"') == 1
        if usage < 0 or not is_only_one or _ONLY_SCALARS.fullmatch(rest, after) is None:
            return b""
        return rest[:usage] + rest[after:]

    def _learn(self, chunk: bytes) -> None:
        """Takes the bytes up to the later of id and model as the stream's opening, where both are there."""
        ends = [member.value_end for member in scan(chunk) if member.name in self._names]
        self._opening = b""
        if len(ends) == len(self._names):
            self._opening = chunk[: max(ends)]
            self._renamed_opening = edit(self._opening + b"}", self._names, self._remove)[:-1]


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {"id": orjson.dumps(stamp.response_id), "model": orjson.dumps(stamp.model)}
