"""A canonical conversation as Cohere's messages.

Mappings, each with a test: reasoning before calls is the plan of these, other reasoning a block of its own, and its
signature stays with the gateway; text files become text; media in a tool's result follow in a user's message; a failed
tool's text says so; names of speakers and cache markers are left out. The rest of what the wire cannot say is refused
by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.canonical.parts import (
    Document,
    Image,
    InlineMedia,
    Message,
    Part,
    RedactedThinking,
    Refusal,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.protocols.shared.inexpressible import inexpressible_part, plain_text
from gateway.protocols.shared.openai_members import data_url, encode_content

Encoded = dict[str, Any]


def encode_messages(messages: tuple[Message, ...]) -> list[Encoded]:
    """The turns; raises `InvalidRequest` for what the wire cannot say."""
    return [
        turn for place, message in enumerate(messages) for turn in _ROLES[message.role](message, f"messages[{place}]")
    ]


def _instruction(message: Message, path: str) -> Iterator[Encoded]:
    yield {"role": "system", "content": encode_content(message.parts, path, _part)}


def _user(message: Message, path: str) -> Iterator[Encoded]:
    yield {"role": "user", "content": encode_content(message.parts, path, _part)}


def _assistant(message: Message, path: str) -> Iterator[Encoded]:
    blocks: list[Encoded] = []
    thoughts: list[str] = []
    calls: list[Encoded] = []
    for position, part in enumerate(message.parts):
        match part:
            case Text(text) | Refusal(text):
                blocks.append({"type": "text", "text": text})
            case Thinking(text):
                thoughts.append(text)
            case ToolCall(id=identity, name=name, arguments=arguments):
                function = {"name": name, "arguments": arguments or "{}"}
                calls.append({"id": identity, "type": "function", "function": function})
            case RedactedThinking():
                pass
            case _:
                raise inexpressible_part(part, f"{path}.content[{position}]")
    turn: Encoded = {"role": "assistant"}
    plan = "".join(thoughts)
    if calls:
        turn |= {"tool_calls": calls} | ({"tool_plan": plan} if plan else {})
    elif plan:
        blocks.insert(0, {"type": "thinking", "thinking": plan})
    if blocks:
        turn["content"] = blocks
    if len(turn) > 1:
        yield turn


def _tool(message: Message, path: str) -> Iterator[Encoded]:
    """A message for each result, and one more for the media among them, behind the last result."""
    media: list[Encoded] = []
    for position, part in enumerate(message.parts):
        here = f"{path}.content[{position}]"
        if not isinstance(part, ToolResult):
            raise inexpressible_part(part, here)
        text = "\n".join(piece.text for piece in part.parts if isinstance(piece, Text))
        yield {"role": "tool", "tool_call_id": part.call_id, "content": f"Error: {text}" if part.is_error else text}
        if shown := [piece for piece in part.parts if not isinstance(piece, Text)]:
            media.append({"type": "text", "text": f"Media returned by the tool call {part.call_id}:"})
            media += [_part(piece, here) for piece in shown]
    if media:
        yield {"role": "user", "content": media}


def _part(part: Part, path: str) -> Encoded:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(InlineMedia() as source):
            return _image(data_url(source), part)
        case Image(RemoteMedia(url)):
            return _image(url, part)
        case Document(InlineMedia(data, media_type)) if media_type.startswith("text/"):
            return {"type": "text", "text": plain_text(data, path)}
        case _:
            raise inexpressible_part(part, path)


def _image(url: str, image: Image) -> Encoded:
    detail = {} if image.detail is None else {"detail": image.detail}
    return {"type": "image_url", "image_url": {"url": url} | detail}


_ROLES = {"system": _instruction, "user": _user, "assistant": _assistant, "tool": _tool}
