"""Law: an HTTP server on 127.0.0.1 that gives the next caller the answer it was last told, whatever is asked.

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
    """What is sent: bytes of any wire, with the status and content type they need."""

    body: bytes
    content_type: str
    status: int = 200


class Replay(ThreadingHTTPServer):
    """The server; `answer` is what it gives next."""

    daemon_threads = True
    answer = Answer(b"{}", "application/json")

    @property
    def url(self) -> str:
        """Where an SDK is to look."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Replay

    def do_POST(self) -> None:
        """Reads the question to its end, so that the connection can be used again, and gives the answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Thousands of lines would say nothing."""


@contextmanager
def replaying() -> Iterator[Replay]:
    """A server while the context lasts."""
    server = Replay(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
