"""Serves every simulated provider in one process on 127.0.0.1, and ends when its parent process ends.

`python -m local.providers --port 0 --json` prints one JSON line when it serves: a member for each provider
row, with `base_url` and `api_key` as that provider's SDK takes them. Logs go to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.payments.serving import Serving
from local.providers import rows
from local.providers.app import CONNECTION, App

_PARENT_CHECK_S = 0.5


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the app, so that a fault can break it in ways that HTTP does not allow."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][CONNECTION] = self.transport


class _Server(uvicorn.Server):
    """A server that leaves signals to this module, so that a terminated simulator ends with status 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(listener: socket.socket, announce: bool, events_url: str) -> None:
    app = App(rows.WIRES, lambda: time.time_ns() // 1_000_000_000, Serving(events_url))
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="websockets-sansio",
        ws_max_size=16 * 1024 * 1024,
        ws_ping_interval=None,
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True
        app.close()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    _end_with_parent(os.getppid(), stop)
    root = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if announce:
        print(orjson.dumps(rows.addresses(root)).decode(), flush=True)
    else:
        print(f"simulated providers at {root}", file=sys.stderr, flush=True)
    await server.serve(sockets=[listener])


def _end_with_parent(parent: int, stop: Callable[[], None]) -> None:
    """Polls for the parent process, since no portable signal tells a process that its parent ended."""
    loop = asyncio.get_running_loop()
    if os.getppid() == parent:
        loop.call_later(_PARENT_CHECK_S, _end_with_parent, parent, stop)
    else:
        stop()


def main() -> None:
    """Serves until a signal, or until the parent process ends."""
    parser = argparse.ArgumentParser(prog="python -m local.providers", description="Simulated AI providers.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--json", action="store_true", help="print one JSON line with every row's address")
    parser.add_argument("--events", default="", metavar="URL", help="where the simulated Stripe's events go")
    arguments = parser.parse_args()
    # asyncio turns Nagle's algorithm off only if the protocol is given. Otherwise chunks wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", arguments.port))
    listener.listen(1024)
    asyncio.run(_serve(listener, arguments.json, arguments.events))


if __name__ == "__main__":
    main()
