"""Reasoning keeps its provider's signature on this wire: inside `encrypted_content`, which clients return unread.

What this wire's own providers encrypted goes through as it came. What another protocol issued is marked with its name,
`nxn:<protocol>:<signature>`, so that only the issuer gets it back; OpenAI's own is base64 and cannot begin so.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.canonical.parts import RedactedThinking, Thinking
from gateway.protocols.openai_responses.answer import PROTOCOL

_SIGNED = "nxn:"
_REDACTED = "nxn-redacted:"


def encode_signature(signature: str, signed_by: str | None) -> str:
    """The `encrypted_content` of reasoning whose text can be read."""
    return signature if signed_by == PROTOCOL else f"{_SIGNED}{signed_by or ''}:{signature}"


def encode_redacted(data: str, signed_by: str | None) -> str:
    """The `encrypted_content` of reasoning that only its provider can read."""
    return data if signed_by == PROTOCOL else f"{_REDACTED}{signed_by or ''}:{data}"


def is_foreign(encrypted: str) -> bool:
    """True if another protocol issued it, so that providers of this wire would refuse it."""
    return encrypted.startswith((_SIGNED, _REDACTED))


def decode_reasoning(texts: Sequence[str], encrypted: str) -> list[Thinking | RedactedThinking]:
    """The thoughts of one reasoning item; the last one bears the item's signature."""
    if encrypted.startswith(_REDACTED):
        issuer, data = _issued(encrypted.removeprefix(_REDACTED))
        return [*_unsigned(texts), RedactedThinking(data, issuer)]
    if encrypted.startswith(_SIGNED):
        issuer, signature = _issued(encrypted.removeprefix(_SIGNED))
        return [*_unsigned(texts[:-1]), Thinking("".join(texts[-1:]), signature, issuer)]
    if not encrypted:
        return _unsigned(texts)
    if not texts:
        return [RedactedThinking(encrypted, PROTOCOL)]
    return [*_unsigned(texts[:-1]), Thinking(texts[-1], encrypted, PROTOCOL)]


def _unsigned(texts: Sequence[str]) -> list[Thinking | RedactedThinking]:
    return [Thinking(text) for text in texts]


def _issued(marked: str) -> tuple[str | None, str]:
    issuer, _, signature = marked.partition(":")
    return issuer or None, signature
