"""Compaction of a conversation: https://platform.openai.com/docs/api-reference/responses/compact.

The request is a response's without what keeps or draws an answer; the answer holds the items to send instead of the
conversation. Its last item is encrypted, so that only the provider that made it can read it.
"""

from __future__ import annotations

from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.target import Target
from gateway.framing.json_edit import edit
from gateway.protocols.openai_responses.codec import ResponsesClient
from gateway.protocols.openai_responses.decode import decode_request
from gateway.protocols.openai_responses.encode import encode_request
from gateway.protocols.openai_responses.rename import forward_compaction
from gateway.protocols.shared.document import parse

# A compaction is answered at once and whole.
_UNKNOWN = ("background", "stream")
# What a response's request has, and this endpoint does not know.
_OF_A_RESPONSE = frozenset({"include", "store"})


class CompactionClient(ResponsesClient):
    """The codec of callers who compact a conversation."""

    def decode_request(self, body: bytes) -> ChatRequest:
        root = parse(body)
        for name in _UNKNOWN:
            member = root.member(name)
            if member is not None:
                raise member.error(f"Unknown parameter: '{name}'.", "unknown_parameter")
        return decode_request(body)

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        return forward_compaction(body, stamp, extension)


CLIENT = CompactionClient()


def encode_compact_request(request: ChatRequest, target: Target) -> bytes:
    """The body that asks a provider of this wire for a compaction."""
    return edit(encode_request(request, target), remove=_OF_A_RESPONSE)
