"""The gateway's names over the provider's, in an answer's own bytes: id, model, and the extension."""

from __future__ import annotations

import orjson

from gateway.canonical.call_ids import CallIds
from gateway.canonical.response import Extension, Stamp
from gateway.framing import json_edit, json_values


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names, with ids for calls that came without one."""
    named = {**_names(stamp), "nexevo": orjson.dumps(extension.as_json())}
    content, ids = json_values.loads(json_edit.members(body)["content"]), CallIds(stamp.answer_id)
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    if ids.complete(block for block in blocks if block.get("type") == "tool_use"):
        named["content"] = orjson.dumps(content)
    return json_edit.edit(body, named)


def forward_start(data: bytes, stamp: Stamp) -> bytes:
    """A `message_start` under the gateway's names, which stand inside its message."""
    message = json_edit.edit(json_edit.members(data)["message"], _names(stamp))
    return json_edit.edit(data, {"message": message})


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {"id": orjson.dumps(stamp.response_id), "model": orjson.dumps(stamp.model)}
