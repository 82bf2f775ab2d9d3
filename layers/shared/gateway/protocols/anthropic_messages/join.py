"""A stream of this wire as the whole message that it amounts to.

The API answers long requests whole too, but the line is silent until it does, and on its way are those who take silence
for an end: https://docs.claude.com/en/api/errors#long-requests. So they are asked for as streams, and joined here as
https://docs.claude.com/en/api/messages-streaming has it: the texts of a delta are appended, all else replaces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from gateway.canonical.json_bounds import ExceedsBounds
from gateway.framing import json_values
from gateway.framing.sse import SSEDecoder
from gateway.protocols.shared.provider_json import as_array, as_object, as_position, as_text, dumped, load

Json = dict[str, Any]

_ARGUMENTS = "partial_json"


def join(frames: Iterable[bytes]) -> bytes:
    """The body that the same request would have been answered with whole; the frames are those of a whole stream."""
    builder, decoder = _MessageBuilder(), SSEDecoder()
    for frame in (found for raw in frames for found in decoder.feed(raw)):
        value = load(frame.data)
        reader = _READERS.get(as_text(value.get("type")))
        if reader is not None:
            reader(builder, value)
    return dumped(builder.message | {"content": [block.whole() for block in builder.blocks.values()]}).encode()


class _Block:
    """One block of content, growing."""

    def __init__(self, value: Json) -> None:
        self._value = value
        self._pieces: defaultdict[str, list[str]] = defaultdict(list)

    def grow(self, delta: Json) -> None:
        """Adds one delta of any type: the names of its members are those of the block's."""
        for name, more in delta.items():
            if name == "citation":
                self._value["citations"] = [*as_array(self._value.get("citations")), more]
            elif name != "type" and isinstance(more, str):
                self._pieces[name].append(more)
            elif name != "type":
                self._value[name] = more

    def whole(self) -> Json:
        """The block as a whole answer has it."""
        pieces = {name: "".join(parts) for name, parts in self._pieces.items()}
        arguments = pieces.pop(_ARGUMENTS, "")
        grown = {name: as_text(self._value.get(name)) + text for name, text in pieces.items()}
        return self._value | grown | ({"input": _input(arguments)} if arguments else {})


class _MessageBuilder:
    """The message so far."""

    def __init__(self) -> None:
        self.message: Json = {}
        self.blocks: dict[int, _Block] = {}

    def start(self, value: Json) -> None:
        """The preamble is the message, with nothing in it yet."""
        self.message = as_object(value.get("message"))

    def open_block(self, value: Json) -> None:
        """A block opens."""
        self.blocks[as_position(value.get("index"))] = _Block(as_object(value.get("content_block")))

    def grow_block(self, value: Json) -> None:
        """Adds a delta to its block."""
        self.blocks[as_position(value.get("index"))].grow(as_object(value.get("delta")))

    def end(self, value: Json) -> None:
        """Records the end. Counts replace those of the start; one that is missing or null stays as it was."""
        counts = {name: count for name, count in as_object(value.pop("usage", None)).items() if count is not None}
        ended = as_object(value.pop("delta", None))
        beside = {name: told for name, told in value.items() if name != "type"}
        self.message |= ended | beside
        if counts:
            self.message["usage"] = as_object(self.message.get("usage")) | counts


def _input(arguments: str) -> Json:
    """A call that the bound cut short has no readable input, and a whole answer shows none."""
    try:
        value = json_values.loads(arguments.encode())
    except (orjson.JSONDecodeError, ExceedsBounds):
        return {}
    return value if isinstance(value, dict) else {}


_READERS: Mapping[str, Callable[[_MessageBuilder, Json], None]] = {
    "message_start": _MessageBuilder.start,
    "content_block_start": _MessageBuilder.open_block,
    "content_block_delta": _MessageBuilder.grow_block,
    "message_delta": _MessageBuilder.end,
}
