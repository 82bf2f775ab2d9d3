"""Reads one client's socket of the WebSocket API, and hands each message on in the turn of the loop in which it came.

The package queues frames for a task that waits for them, which would be half of what a message costs here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event

OF_MESSAGES = frozenset({Opcode.CONT, Opcode.TEXT, Opcode.BINARY})

# Takes a message, and whether it is text.
Hears = Callable[[bytes, bool], None]


class Client(ServerConnection):
    """A client's socket. What it sends before `begin` waits for it."""

    _hears: Hears | None = None
    _early: Sequence[Frame] = ()
    _pieces: Sequence[bytes] = ()
    _is_text = True

    def begin(self, hears: Hears) -> None:
        """Has each message handed on from now on."""
        self._hears = hears
        for frame in self._early:
            self._take(frame, hears)

    def process_event(self, event: Event) -> None:
        """Takes frames of messages; all else is the package's."""
        if not isinstance(event, Frame) or event.opcode not in OF_MESSAGES:
            super().process_event(event)
        elif self._hears is None:
            self._early = [*self._early, event]
        else:
            self._take(event, self._hears)

    def _take(self, frame: Frame, hears: Hears) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        data = bytes(frame.data)
        if self._pieces or not frame.fin:
            data, self._pieces = b"", (*self._pieces, data)
        if not frame.fin:
            return
        if self._pieces:
            data, self._pieces = b"".join(self._pieces), ()
        try:
            hears(data, self._is_text)
        except UnicodeDecodeError as error:
            self.protocol.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
            self.send_data()

    async def put(self, frames: Sequence[bytes]) -> bool:
        """Sends a text in these frames, and waits while the client takes none; false where it has closed."""
        last = len(frames) - 1
        try:
            for number, frame in enumerate(frames):
                send = self.protocol.send_continuation if number else self.protocol.send_text
                send(frame, fin=number == last)
        except InvalidState:
            return False
        self.send_data()
        if self.paused:
            await self.drain()
        return True
