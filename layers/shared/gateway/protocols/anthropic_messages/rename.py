"""The gateway's names over the provider's, in an answer's own bytes: id, model, and the extension."""

from __future__ import annotations

import orjson

from gateway.canonical.response import Extension, Stamp
from gateway.framing import splice


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    return splice.edit(body, {**_names(stamp), "nexevo": orjson.dumps(extension.as_json())})


def forward_start(data: bytes, stamp: Stamp) -> bytes:
    """A `message_start` under the gateway's names, which stand inside its message."""
    message = splice.edit(splice.members(data)["message"], _names(stamp))
    return splice.edit(data, {"message": message})


def _names(stamp: Stamp) -> dict[str, bytes]:
    return {"id": orjson.dumps(stamp.response_id), "model": orjson.dumps(stamp.model)}
