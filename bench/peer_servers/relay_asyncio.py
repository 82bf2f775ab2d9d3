"""A raw asyncio relay: two protocols, a head that is looked at once, and bytes that are passed on as they come.

python relay_asyncio.py PORT PROVIDER_HOST PROVIDER_PORT
"""

import asyncio
import re
import sys
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Provider(asyncio.Protocol):
    """The provider's side: what comes from it goes to the client."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        """Passes bytes on."""
        self._client.write(data)


class Client(asyncio.Protocol):
    """The client's side: a whole request goes to the provider."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connects to the provider, once for each client."""
        self._data = b""
        self._connecting = asyncio.ensure_future(self._connect(cast("asyncio.Transport", transport)))

    async def _connect(self, client: asyncio.Transport) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: Provider(client), sys.argv[2], int(sys.argv[3]))
        return transport

    def data_received(self, data: bytes) -> None:
        """Collects a request."""
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            request, self._data = self._data, b""
            self._connecting.add_done_callback(lambda connected: connected.result().write(request))


async def main() -> None:
    """Serves."""
    server = await asyncio.get_running_loop().create_server(Client, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
