"""AWS Bedrock's Converse wire. Only providers speak it: there is no client side."""

from gateway.protocols.bedrock_converse.codec import ConverseUpstream

UPSTREAM = ConverseUpstream()

__all__ = ["UPSTREAM"]
