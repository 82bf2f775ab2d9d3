"""Encodes a request as the gateway sends it: shaped to fit if its wire is another, then encoded."""

from gateway.canonical.codec import UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.providers.constraints import constraints_of, shape


def encoded(codec: UpstreamCodec, request: ChatRequest, target: Target) -> bytes:
    """Returns the body for `target`."""
    if request.protocol != codec.protocol:
        request = shape(request, target, constraints_of(codec.protocol, target.profile.name))
    return codec.encode_request(request, target)
