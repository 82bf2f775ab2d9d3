"""The outer form of an endpoint's answers, which needs to know nothing of what they say."""

from __future__ import annotations

from typing import Protocol

from gateway.errors import GatewayError


class Wire(Protocol):
    """The outer form of an endpoint's answers, independent of their content.

    `id_prefix` starts the ids of its answers (`chatcmpl-`). `stream_type` is a stream's content type. `keep_alive` is
    sent while a stream is silent; it is empty for a wire whose readers accept nothing there.
    """

    protocol: str
    id_prefix: str
    stream_type: str = "text/event-stream; charset=utf-8"
    keep_alive: bytes = b": NX\n\n"

    def encode_error(self, error: GatewayError, request_id: str) -> bytes: ...
