"""The gateway's names over the provider's, in an answer's own bytes: id, model, and the extension."""

from __future__ import annotations

import orjson

from gateway.canonical.call_ids import CallIds
from gateway.canonical.response import Extension, Stamp
from gateway.framing import json_edit, json_values
from gateway.protocols.anthropic_messages import answer

_NULL = b"null"
# An answer that came whole has ended: clients act on the reason.
_WORDLESS = frozenset({_NULL, b'""'})


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names, with ids for calls and a reason where it came without."""
    members = json_edit.members(body)
    named = {**_names(stamp), "nexevo": orjson.dumps(extension.as_json())}
    content, ids = json_values.loads(members["content"]), CallIds(stamp.answer_id)
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    if ids.complete(calls):
        named["content"] = orjson.dumps(content)
    if members.get("stop_reason", _NULL) in _WORDLESS:
        reason = answer.decode_finish_reason(None, called=bool(calls))
        named["stop_reason"] = orjson.dumps(answer.encode_finish_reason(reason))
    return json_edit.edit(body, named)


def forward_start(data: bytes, stamp: Stamp) -> bytes:
    """A `message_start` under the gateway's names, which stand inside its message."""
    message = json_edit.edit(json_edit.members(data)["message"], _names(stamp))
    return json_edit.edit(data, {"message": message})


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {"id": orjson.dumps(stamp.response_id), "model": orjson.dumps(stamp.model)}
