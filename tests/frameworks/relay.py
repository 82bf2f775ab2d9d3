"""Relays requests to the stack and keeps them, by the first part of their path, which is the name of who asks."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.hangs import HANGS_AFTER_S

# What belongs to a connection alone.
_HOPS = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"})


@dataclass(frozen=True)
class Relay:
    """A running relay: its address, and the requests that it has passed on."""

    address: str
    requests: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def relaying(root_url: str) -> Iterator[Relay]:
    """Runs a relay to a stack."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    relay = Relay(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = _handler(root_url, relay)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(root_url: str, relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, name, path = self.path.split("/", 2)
            body = self.rfile.read(int(self.headers["content-length"]))
            relay.requests.append({"class": name, "path": f"/{path}", "body": orjson.loads(body)})
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOPS}
            connection = http.client.HTTPConnection(urlsplit(root_url).netloc, timeout=HANGS_AFTER_S)
            connection.request("POST", f"/{path}", body, headers)
            answer = connection.getresponse()
            told = answer.read()
            connection.close()
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in _HOPS:
                    self.send_header(key, value)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
            """Says nothing."""

    return Handler
