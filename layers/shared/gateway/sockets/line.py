"""The way to one client: messages in order, each once, in pieces that API Gateway carries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import orjson

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.sockets import Connections, Gone

# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
MESSAGE_BYTES_MAX = 128 * 1024
# The sound of one delta, where an event has to be split: a multiple of four characters of base64.
DELTA_CHARACTERS = 96 * 1024
# A connection is not there until `$connect` has been answered and the client has been told.
OPENS_WITHIN_S = 10.0
RETRY_S = 0.05

log = logging.getLogger(__name__)


class Line:
    """A client's connection. `gone` is set once it is not there any more."""

    def __init__(self, connections: Connections, clock: Clock, stage: str, connection_id: str) -> None:
        self._connections = connections
        self._clock = clock
        self._stage = stage
        self._connection_id = connection_id
        self._opens_until_s = clock.monotonic_s() + OPENS_WITHIN_S
        self._turn = asyncio.Lock()
        self.gone = asyncio.Event()

    async def say(self, data: bytes) -> bool:
        """Sends an event; one for a client that has gone is dropped. False for one that does not fit into a message."""
        async with self._turn:
            pieces = list(fitting(data))
            for piece in pieces:
                await self._send(piece)
        return bool(pieces)

    async def hang_up(self) -> None:
        """Closes the connection, once what was said has left."""
        async with self._turn:
            await self._connections.close(self._stage, self._connection_id)

    async def look(self) -> None:
        """Finds out whether the client is still there: API Gateway may not tell of its end."""
        try:
            if not await self._connections.is_open(self._stage, self._connection_id):
                self.gone.set()
        except ServiceUnavailable:
            log.warning("a client was not looked for")

    async def _send(self, data: bytes) -> None:
        while not self.gone.is_set():
            try:
                await self._connections.send(self._stage, self._connection_id, data)
            except Gone:
                if self._clock.monotonic_s() > self._opens_until_s:
                    self.gone.set()
                await asyncio.sleep(RETRY_S)
            else:
                self._opens_until_s = 0
                return


def fitting(data: bytes) -> Iterator[bytes]:
    """The event in messages that fit: sound is split into several deltas; what cannot be split is left out."""
    if len(data) <= MESSAGE_BYTES_MAX:
        yield data
        return
    event = orjson.loads(data)
    delta = event.get("delta")
    if not isinstance(delta, str):
        log.error("an event of %d bytes is too large to be sent: %s", len(data), event.get("type"))
        return
    for at in range(0, len(delta), DELTA_CHARACTERS):
        yield orjson.dumps(event | {"delta": delta[at : at + DELTA_CHARACTERS]})
