"""Puts back what a provider signed, where its own wire is to carry it and the caller's could not.

Only the provider's protocol gets its signatures back, only where the caller sent none, and each in the place it had: a
signed thought must come back unchanged and in order (https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
https://ai.google.dev/gemini-api/docs/thought-signatures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.canonical.parts import Message, Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile
from gateway.ports import SignedCall, SignedThought

# The wires whose providers sign. On all others a read would be in vain.
SIGNING = frozenset({"anthropic_messages", "bedrock_converse", "gemini", "openai_responses"})
# The newest calls of a conversation that are asked for: three reads side by side.
RECALLED_CALLS_MAX = 300


def lacking(request: ChatRequest, targets: Iterable[tuple[str, Profile]]) -> tuple[str, ...]:
    """The ids of the calls in the conversation that `targets` (protocol and profile) may want signatures for.

    Nothing where no target signs, where none thinks, and where the caller speaks the only wire that does: its
    bytes are forwarded, with all that they hold.
    """
    if not any(_may_sign(request, protocol, profile) for protocol, profile in targets):
        return ()
    calls = [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    ids = dict.fromkeys(call.id for call in calls if call.signature is None)
    return tuple(ids)[-RECALLED_CALLS_MAX:]


def restored(request: ChatRequest, kept: Mapping[str, SignedCall], protocol: str) -> ChatRequest:
    """The request with what the providers of `protocol` signed, for an attempt at one of them."""
    own = {call_id: call for call_id, call in kept.items() if call.signed_by == protocol}
    if not own or protocol == request.protocol:
        return request
    return replace(request, messages=tuple(_turn(message, own, protocol) for message in request.messages))


def _may_sign(request: ChatRequest, protocol: str, profile: Profile) -> bool:
    thinks = profile.thinking != "none" or profile.thinks_always or profile.signed_calls or bool(profile.efforts)
    return thinks and protocol in SIGNING and protocol != request.protocol


def _turn(message: Message, own: Mapping[str, SignedCall], protocol: str) -> Message:
    calls = [part for part in message.parts if isinstance(part, ToolCall) and part.id in own]
    if not calls:
        return message
    thinks = any(_is_signed(part, protocol) for part in message.parts)
    parts: list[Part] = []
    before_call: list[Part] = []
    said_characters = 0
    for part in message.parts:
        if not isinstance(part, ToolCall):
            before_call.append(part)
            continue
        kept = own.get(part.id)
        thoughts = () if kept is None or thinks else kept.thoughts
        parts += _woven(before_call, thoughts, said_characters)
        parts.append(part if kept is None else _signed(part, kept))
        said_characters += sum(len(said.text) for said in before_call if isinstance(said, Text))
        before_call = []
    return replace(message, parts=(*parts, *before_call))


def _is_signed(part: Part, protocol: str) -> bool:
    """Whether the caller did keep what the provider thought."""
    match part:
        case Thinking(signature=str(), signed_by=author) | RedactedThinking(signed_by=author):
            return author == protocol
        case Text(signature=signature):
            return signature is not None
        case _:
            return False


def _signed(call: ToolCall, kept: SignedCall) -> ToolCall:
    return call if call.signature else replace(call, signature=kept.signature)


def _woven(parts: Sequence[Part], thoughts: Sequence[SignedThought], said_characters: int) -> list[Part]:
    """The parts before a call with its thoughts among them; what they said without a signature gives way to them."""
    if not thoughts:
        return list(parts)
    left = list(thoughts)
    woven: list[Part] = []
    for part in parts:
        if isinstance(part, Text):
            woven += _divided(part, left, said_characters)
            said_characters += len(part.text)
        elif not isinstance(part, Thinking):
            woven.append(part)
    return woven + [thought.part for thought in left]


def _divided(text: Text, left: list[SignedThought], said_characters: int) -> Iterator[Part]:
    """A text with the thoughts that came before it or amid it, taken from `left`; blanks alone are no text."""
    start = 0
    while left and left[0].said_characters < said_characters + len(text.text):
        place = max(left[0].said_characters - said_characters, start)
        if text.text[start:place].strip():
            yield Text(text.text[start:place])
            start = place
        yield left.pop(0).part
    yield replace(text, text=text.text[start:]) if start else text
