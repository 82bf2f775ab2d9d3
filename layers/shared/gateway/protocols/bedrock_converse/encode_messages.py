"""A canonical conversation as Converse's `system` and `messages`.

The wire knows two roles that take turns, so neighbours of one role are joined: tools' results, and what the caller says
with them, are one turn of the user's (field case E4). Instructions go to `system` from any place. A cache marker
is a block of its own behind the block it marks, also behind a tool's result that holds it (G1, G2). Left out, each with
a test: thoughts that this wire did not sign, or whose model does not think; an image's `detail`; a speaker's name. A
failed result says so in words where the model has no mark for it. The rest of what the wire cannot say is refused by
name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.canonical.arguments import written_object
from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.canonical.target import Profile
from gateway.errors import InvalidRequest
from gateway.framing.json_values import reread
from gateway.protocols.bedrock_converse.answer import PROTOCOL
from gateway.protocols.bedrock_converse.encode_media import Media
from gateway.protocols.bedrock_converse.encode_thinking import is_returnable
from gateway.protocols.bedrock_converse.families import Family
from gateway.protocols.shared.inexpressible import inexpressible_part

Encoded = dict[str, Any]


def encode_messages(
    messages: tuple[Message, ...], profile: Profile, family: Family
) -> tuple[list[Encoded], list[Encoded]]:
    """The instructions and the turns; raises `InvalidRequest` for what the wire cannot say."""
    encoder = _Encoder(family, thinks=profile.thinking != "none")
    system: list[Encoded] = []
    turns: list[Encoded] = []
    for position, message in enumerate(messages):
        path = f"messages[{position}]"
        if message.role == "system":
            system += encoder.instruction(message, path)
            continue
        role = "assistant" if message.role == "assistant" else "user"
        content = list(encoder.content(message.parts, path))
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        elif content:
            turns.append({"role": role, "content": content})
    if not turns:
        raise InvalidRequest("This model's provider takes no conversation without content.", param="messages")
    return system, turns


def encode_cache_point(lifetime: CacheLifetime, family: Family) -> Encoded:
    """The marker; five minutes is what the wire means where it does not say."""
    named = family.lifetimes and lifetime is not CacheLifetime.FIVE_MINUTES
    return {"cachePoint": {"type": "default"} | ({"ttl": lifetime.value} if named else {})}


class _Encoder:
    """One conversation on its way."""

    def __init__(self, family: Family, *, thinks: bool) -> None:
        self._family = family
        self._thinks = thinks
        self._media = Media()

    def instruction(self, message: Message, path: str) -> Iterator[Encoded]:
        """Blocks of `system`, which holds text only."""
        for position, part in enumerate(message.parts):
            if not isinstance(part, Text):
                raise inexpressible_part(part, f"{path}.content[{position}]")
            yield from self.content((part,), path)

    def content(self, parts: tuple[Part, ...], path: str) -> Iterator[Encoded]:
        """A turn's blocks, each with the marker that it bears."""
        for position, part in enumerate(parts):
            block = self._block(part, f"{path}.content[{position}]")
            if block is None:
                continue
            yield block
            lifetime = _lifetime(part)
            if lifetime is not None and self._family.caches:
                yield encode_cache_point(lifetime, self._family)

    def _block(self, part: Part, path: str) -> Encoded | None:
        """The part's block, nothing where it is to be left out."""
        match part:
            case Text(text) | Refusal(text):
                return {"text": text}
            case Image() | Document() | Audio():
                return self._media.encode(part, path)
            case Thinking() | RedactedThinking():
                return _reasoning(part) if self._thinks and is_returnable(part) else None
            case ToolCall():
                return {"toolUse": _tool_use(part)}
            case ToolResult():
                return {"toolResult": self._tool_result(part, path)}
            case Opaque(protocol, json_text) if protocol == PROTOCOL:
                own: Encoded = reread(json_text)
                return own
            case Opaque():
                raise inexpressible_part(part, path)

    def _tool_result(self, result: ToolResult, path: str) -> Encoded:
        """A result may be empty."""
        content = [
            {"text": part.text} if isinstance(part, Text) else self._media.encode(part, path) for part in result.parts
        ]
        encoded: Encoded = {"toolUseId": result.call_id, "content": content}
        if result.is_error and self._family.failed_results:
            encoded["status"] = "error"
        elif result.is_error:
            encoded["content"] = [{"text": "Error:"}, *content]
        return encoded


def _lifetime(part: Part) -> CacheLifetime | None:
    """The marker that a part bears; the longest of those that stand inside a tool's result."""
    match part:
        case ToolResult(parts=inner):
            marks = [part.cache, *(piece.cache for piece in inner)]
            return max((mark for mark in marks if mark is not None), key=_SECONDS.__getitem__, default=None)
        case Text() | Image() | Document() | Audio() | ToolCall():
            return part.cache
        case _:
            return None


_SECONDS: Mapping[CacheLifetime, int] = {CacheLifetime.FIVE_MINUTES: 300, CacheLifetime.ONE_HOUR: 3600}


def _reasoning(part: Thinking | RedactedThinking) -> Encoded:
    match part:
        case Thinking(text, signature):
            return {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
        case RedactedThinking(data):
            return {"reasoningContent": {"redactedContent": data}}


def _tool_use(call: ToolCall) -> Encoded:
    return {"toolUseId": call.id, "name": call.name, "input": _input(call)}


def _input(call: ToolCall) -> Any:
    """The arguments as they were written where they are an object, which the wire insists on.

    What a model wrote that is not one goes under a name that its vendor made for it:
    https://docs.claude.com/en/docs/agents-and-tools/tool-use/fine-grained-tool-streaming.
    """
    if call.custom:
        return {"input": call.arguments}
    written = written_object(call.arguments)
    return {"INVALID_JSON": call.arguments} if written is None else orjson.Fragment(written)
