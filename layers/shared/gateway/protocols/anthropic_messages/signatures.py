"""Signatures of other wires travel inside this one: marked with their issuer, so that only the issuer gets them back.

The wire has a place for a thought's signature, and its clients return it unread. What this wire's own providers signed
goes through as it came; what another signed is written `nxn:<protocol>:<signature>`, which no Anthropic signature can
be mistaken for, since those are base64.
"""

from __future__ import annotations

from gateway.protocols.anthropic_messages.answer import PROTOCOL

_MARK = "nxn:"


def encode_signature(signature: str | None, signed_by: str | None) -> str:
    """Encodes a signature for the client to keep; empty if there is none."""
    if not signature or signed_by == PROTOCOL:
        return signature or ""
    return f"{_MARK}{signed_by or ''}:{signature}"


def decode_signature(kept: str) -> tuple[str | None, str | None]:
    """The signature and the protocol that issued it, where they are known."""
    if not kept.startswith(_MARK):
        return (kept, PROTOCOL) if kept else (None, None)
    issuer, _, signature = kept.removeprefix(_MARK).partition(":")
    return signature, issuer or None
