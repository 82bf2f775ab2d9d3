"""A provider with a fixed answer, to read its bytes with an official SDK over a socket."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
import pytest

from tests.hangs import HANGS_AFTER_S


class Canned:
    """The provider's next answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.body = b""
        self.content_type = ""

    def set(self, body: bytes, content_type: str) -> None:
        self.body, self.content_type = body, content_type


@pytest.fixture(scope="session")
def provider() -> Iterator[Canned]:
    """Yields the provider's answer, and the address that gives it to any POST."""

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", canned.content_type)
            self.send_header("content-length", str(len(canned.body)))
            self.end_headers()
            self.wfile.write(canned.body)

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        canned = Canned(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield canned
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def served(provider: Canned) -> Iterator[Callable[[bytes, str], anthropic.Anthropic]]:
    """Yields a function that returns the SDK's client of a provider with the given answer."""
    with anthropic.Anthropic(base_url=provider.url, api_key="k", max_retries=0, timeout=HANGS_AFTER_S) as client:

        def serve(body: bytes, content_type: str) -> anthropic.Anthropic:
            provider.set(body, content_type)
            return client

        yield serve
