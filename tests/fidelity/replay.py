"""Serves HTTP on 127.0.0.1 and gives every request the answer that was set last.

Connections stay open, so that thousands of readings cost one handshake for each SDK.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer on any wire, with their status and content type."""

    body: bytes
    content_type: str
    status: int = 200


class Replay(ThreadingHTTPServer):
    """The server. `answer` is its next answer."""

    daemon_threads = True
    answer = Answer(b"{}", "application/json")

    @property
    def url(self) -> str:
        """Returns the server's address for an SDK."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Replay

    def do_POST(self) -> None:
        """Reads the request to its end, so that the connection can be used again, and sends the answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Logs nothing, because there would be thousands of lines."""


@contextmanager
def replaying() -> Iterator[Replay]:
    """Runs a server while the context lasts."""
    server = Replay(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
