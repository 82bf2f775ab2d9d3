"""The gateway's names over the provider's, in an answer's own bytes: id, model, and the extension."""

from __future__ import annotations

import orjson

from gateway.canonical.response import Extension, Stamp
from gateway.framing import splice


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    return splice.edit(body, {**_names(stamp), "nexevo": orjson.dumps(extension.as_json())})


def forward_event(data: bytes, stamp: Stamp) -> bytes:
    """An event that holds the response, under the gateway's names."""
    response = splice.members(data).get("response")
    return data if response is None else splice.edit(data, {"response": splice.edit(response, _names(stamp))})


def _names(stamp: Stamp) -> dict[str, bytes]:
    names = {"id": orjson.dumps(stamp.response_id), "model": orjson.dumps(stamp.model)}
    # The provider was asked for a stream; the caller asked in the background.
    return names | {"background": b"true"} if stamp.echo.get("background") else names
