"""Puts signed parts back into a request whose own wire could not carry them.

Only the provider's protocol gets its signatures back, only where the caller sent none, and each in its old place: a
signed thought must return unchanged and in order (https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
https://ai.google.dev/gemini-api/docs/thought-signatures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from gateway.canonical.parts import Message, Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile
from gateway.ports.signatures import SignedCall, SignedThought

# The wires whose providers sign. A read for any other wire would be in vain.
SIGNING = frozenset({"anthropic_messages", "bedrock_converse", "gemini", "openai_responses"})
# The newest calls of a conversation that are looked up, in three parallel reads.
RECALLED_CALLS_MAX = 300


def lacking(request: ChatRequest, targets: Iterable[tuple[str, Profile]]) -> tuple[str, ...]:
    """The ids of the calls in the conversation for which `targets` (protocol and profile) may require signatures.

    Empty if no target signs, if none thinks, or if the caller uses the only wire that signs: its bytes are forwarded
    unchanged.
    """
    if not any(_may_sign(request, protocol, profile) for protocol, profile in targets):
        return ()
    calls = [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    ids = dict.fromkeys(call.id for call in calls if call.signature is None)
    return tuple(ids)[-RECALLED_CALLS_MAX:]


def restored(request: ChatRequest, kept: Mapping[str, SignedCall], protocol: str) -> ChatRequest:
    """Adds the parts signed by providers of `protocol` to the request, for an attempt at one of them."""
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
        said_characters += sum(len(part.text) for part in before_call if isinstance(part, Text))
        before_call = []
    return replace(message, parts=(*parts, *before_call))


def _is_signed(part: Part, protocol: str) -> bool:
    """True if the caller sent the signed part itself."""
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
    """Inserts the thoughts into the parts before a call; unsigned copies of their text are removed."""
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
    """Splits a text at the thoughts that came before or inside it, taking them from `left`; blanks
    alone are no text.
    """
    start = 0
    while left and left[0].said_characters < said_characters + len(text.text):
        place = max(left[0].said_characters - said_characters, start)
        if text.text[start:place].strip():
            yield Text(text.text[start:place])
            start = place
        yield left.pop(0).part
    yield replace(text, text=text.text[start:]) if start else text
