"""Opens providers' WebSockets with the `websockets` package, which nothing else of the gateway loads.

https://websockets.readthedocs.io/en/stable/reference/asyncio/client.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from secrets import token_bytes
from struct import Struct
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidState,
    InvalidStatus,
    WebSocketException,
)
from websockets.protocol import State
from websockets.speedups import apply_mask

from gateway.ports.sockets import ProviderClosed, ProviderSocket

OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 2.0
PING_EVERY_S = 20.0
# A provider that is behind answers a ping after all that it was sent before. The ping itself waits until that is taken.
BEHIND_S_MAX = 60.0
# An event of a provider holds at most some minutes of sound.
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
# A turn of the loop that says more than this has it written before its end, and sees whether the provider takes it.
WRITTEN_AT_ONCE = 64 * 1024
ABNORMAL = 1006
# A text of one frame with a mask, by its length: https://www.rfc-editor.org/rfc/rfc6455#section-5.2
TEXT, MASKED = 0x81, 0x80
SHORT_MAX, MEDIUM_MAX = 125, 0xFFFF
SHORT, MEDIUM, LONG = Struct(">BB"), Struct(">BBH"), Struct(">BBQ")
MASK = Struct("4s")
MASKS_AT_ONCE = 256


class WebSockets:
    """`ProviderSockets` of this process."""

    async def open(self, url: str, headers: Sequence[tuple[str, str]]) -> ProviderSocket:
        try:
            connection = await connect(
                url,
                additional_headers=list(headers),
                compression=None,
                max_size=MESSAGE_BYTES_MAX,
                open_timeout=OPEN_WITHIN_S,
                close_timeout=CLOSE_WITHIN_S,
                ping_interval=PING_EVERY_S,
                ping_timeout=BEHIND_S_MAX,
                create_connection=_Connection,
                user_agent_header=None,
                proxy=None,
            )
        except InvalidStatus as refused:
            raise ProviderClosed(ABNORMAL, refused.response.status_code) from refused
        except (InvalidHandshake, WebSocketException, OSError, TimeoutError) as error:
            raise ProviderClosed(ABNORMAL) from error
        return _Socket(cast("_Connection", connection))


class _Connection(ClientConnection):
    """A connection that writes the frames of one turn of the loop with one call of the system.

    `send` of the package writes each by itself, behind a lock and a look at what has come, and asks the system for each
    mask: most of what a frame of sound costs.
    """

    _put_bytes = 0

    @cached_property
    def _masks(self) -> Iterator[bytes]:
        return masks()

    def put(self, text: bytes) -> None:
        """Sends a text frame in this turn of the loop; raises `InvalidState` where the socket has closed."""
        if self.protocol.state is not State.OPEN:
            raise InvalidState
        self.protocol.writes.append(framed(text, next(self._masks)))
        if self._put_bytes == 0:
            self.loop.call_soon(self._write)
        self._put_bytes += len(text)
        if self._put_bytes >= WRITTEN_AT_ONCE:
            self._write()

    def _write(self) -> None:
        self._put_bytes = 0
        # What is to end the connection is written where that is said, with what was put before: nothing is left here
        # then, and the transport takes no more. `writelines` of Python 3.13.0 does not tell a writer that it is ahead.
        if data := b"".join(self.protocol.data_to_send()):
            self.transport.write(data)


class _Socket:
    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        try:
            self._connection.put(data)
        except InvalidState as closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._connection.wait_closed()
            raise ProviderClosed(self._connection.close_code or ABNORMAL) from closing
        if self._connection.paused:
            # The provider takes less than it is sent.
            try:
                async with asyncio.timeout(BEHIND_S_MAX):
                    await self._connection.drain()
            except OSError as broken:
                self._connection.transport.abort()
                raise ProviderClosed(ABNORMAL) from broken
            if self._connection.state is State.CLOSED:
                # What waited to be taken is gone with the connection.
                raise ProviderClosed(self._connection.close_code or ABNORMAL)

    async def receive(self) -> bytes:
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise _ended(closed) from closed

    async def close(self) -> None:
        try:
            # The package bounds the provider's answer, but not the time until it takes what was sent before.
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._connection.close()
        except (WebSocketException, OSError, TimeoutError):
            self._connection.transport.abort()


def _ended(closed: ConnectionClosed) -> ProviderClosed:
    return ProviderClosed(ABNORMAL if closed.rcvd is None else closed.rcvd.code)


def masks() -> Iterator[bytes]:
    """Masks that no one can foresee: https://www.rfc-editor.org/rfc/rfc6455#section-5.3."""
    while True:
        for (mask,) in MASK.iter_unpack(token_bytes(MASK.size * MASKS_AT_ONCE)):
            yield mask


def framed(text: bytes, mask: bytes) -> bytes:
    """A client's frame with a whole text."""
    length = len(text)
    if length <= SHORT_MAX:
        head = SHORT.pack(TEXT, MASKED | length)
    elif length <= MEDIUM_MAX:
        head = MEDIUM.pack(TEXT, MASKED | 126, length)
    else:
        head = LONG.pack(TEXT, MASKED | 127, length)
    return b"".join((head, mask, apply_mask(text, mask)))
