"""Serves a relay of WebSockets that passes every message on and does nothing else: the floor of `make realtime`.

python -m bench.realtime_relay ws://HOST:PORT     (prints its own address as a JSON line)
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import orjson
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

OPENS_S = 300.0


async def main(provider: str) -> None:
    """Serves until SIGTERM."""

    async def relay(client: ServerConnection) -> None:
        asked = client.request
        if asked is None:
            return
        key = {"Authorization": asked.headers["Authorization"]}
        given: dict[str, Any] = {"compression": None, "ping_interval": None, "open_timeout": OPENS_S}
        async with connect(provider + asked.path, additional_headers=key, **given) as upstream:
            ways = [asyncio.create_task(_passed(client, upstream)), asyncio.create_task(_passed(upstream, client))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    given: dict[str, Any] = {"compression": None, "ping_interval": None, "open_timeout": OPENS_S}
    async with serve(relay, "127.0.0.1", 0, max_size=None, **given) as server:
        print(
            orjson.dumps({"url": f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"}).decode(), flush=True
        )
        await ended.wait()


async def _passed(source: Any, target: Any) -> None:
    try:
        async for message in source:
            await target.send(message)
    except ConnectionClosed:
        pass


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
