"""Opens providers' WebSockets with the `websockets` package, which nothing else of the gateway loads.

https://websockets.readthedocs.io/en/stable/reference/asyncio/client.html
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from gateway.ports.sockets import ProviderClosed, ProviderSocket

OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 2.0
# An event of a provider holds at most some minutes of sound.
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
ABNORMAL = 1006


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
                ping_interval=20,
                ping_timeout=20,
                user_agent_header=None,
                proxy=None,
            )
        except InvalidStatus as refused:
            raise ProviderClosed(ABNORMAL, refused.response.status_code) from refused
        except (InvalidHandshake, WebSocketException, OSError, TimeoutError) as error:
            raise ProviderClosed(ABNORMAL) from error
        return _Socket(connection)


class _Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        try:
            await self._connection.send(data, text=True)
        except ConnectionClosed as closed:
            raise _ended(closed) from closed

    async def receive(self) -> bytes:
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise _ended(closed) from closed

    async def close(self) -> None:
        with suppress(WebSocketException, OSError, TimeoutError):
            await self._connection.close()


def _ended(closed: ConnectionClosed) -> ProviderClosed:
    return ProviderClosed(ABNORMAL if closed.rcvd is None else closed.rcvd.code)
