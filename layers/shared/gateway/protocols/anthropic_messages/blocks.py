"""Orders content blocks: each opens, grows and closes before the next opens, for every order of the events.

Clients of this wire read a block under its index and act when it closes, so blocks never overlap here (field case B11).
Providers of other wires may interleave parallel calls: a call that has not come to the end of its JSON keeps the next
block waiting, and what waits is written in order as soon as it may. Where a provider sends one call after the other,
which nearly all do, nothing waits.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from msgspec import Struct, field

from gateway.canonical.arguments import written_object
from gateway.framing.json_values import reread

Key = tuple[int, int]

# In so few pieces a call's JSON has begun; blanks that go on longer are no reason to hold it back.
_OPENING = 8


class Block(Struct):
    """One block to write: `opening` is its JSON at the start, `closing` a last delta that only the end brings.

    `arguments` are the pieces of a call's JSON so far; `None` where any piece may be the last one. What does not open
    as an object is held back until the end, and written as the object that it comes to.
    """

    opening: bytes
    arguments: list[str] | None = None
    closing: bytes = b""
    waiting: list[bytes] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """True if the arguments so far must be held back."""
        return self.arguments is not None and not "".join(self.arguments[:_OPENING]).lstrip().startswith("{")

    def last(self) -> bytes:
        """The delta that the block closes with, if any."""
        if self.closing or not self.arguments or not self.is_held:
            return self.closing
        said = "".join(self.arguments)
        return json_delta(written_object(said) or orjson.dumps({"arguments": said}).decode())

    def may_close(self) -> bool:
        """True if only blanks can follow: a complete object does not continue."""
        if self.arguments is None:
            return True
        try:
            return isinstance(reread("".join(self.arguments)), dict)
        except orjson.JSONDecodeError:
            return False


class Blocks:
    """The blocks of one message. A key names one part of one choice."""

    def __init__(self) -> None:
        self._index = -1
        self._key: Key | None = None
        self._open: Block | None = None
        self._waiting: dict[Key, Block] = {}

    def find(self, key: Key) -> Block | None:
        """The block under `key`, while more of it can come."""
        return self._open if key == self._key else self._waiting.get(key)

    def start(self, key: Key, block: Block) -> bytes:
        """Opens a block, or has it wait for the calls that are still coming in."""
        if self._waiting or (self._open is not None and not self._open.may_close()):
            self._waiting[key] = block
            return b""
        return self._close() + self._begin(key, block)

    def grow(self, key: Key, block: Block, deltas: Sequence[bytes]) -> bytes:
        """Writes deltas of the block that `find` returned for `key`, or keeps them while that block waits."""
        if key != self._key:
            block.waiting += deltas
            return b""
        return self._written(deltas) + self._proceed()

    def close(self) -> bytes:
        """The end of every block, those that waited included."""
        out = self._close()
        for key, block in self._waiting.items():
            out += self._begin(key, block) + self._close()
        self._waiting = {}
        return out

    def _proceed(self) -> bytes:
        """The blocks whose turn has come."""
        out = b""
        while self._waiting and self._open is not None and self._open.may_close():
            key = next(iter(self._waiting))
            out += self._close() + self._begin(key, self._waiting.pop(key))
        return out

    def _begin(self, key: Key, block: Block) -> bytes:
        self._index += 1
        self._key, self._open = key, block
        out = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n' % (
            self._index,
            block.opening,
        )
        return out + self._written(block.waiting)

    def _close(self) -> bytes:
        block, self._open, self._key = self._open, None, None
        if block is None:
            return b""
        last = block.last()
        return (self._written((last,)) if last else b"") + stopped(self._index)

    def _written(self, deltas: Sequence[bytes]) -> bytes:
        return b"".join(
            [
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}\n\n'
                % (self._index, delta)
                for delta in deltas
            ]
        )


def json_delta(text: str) -> bytes:
    """Writes a delta that adds text to a call's JSON."""
    return b'{"type":"input_json_delta","partial_json":%b}' % orjson.dumps(text)


def stopped(index: int) -> bytes:
    """The event that closes a block."""
    return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index
