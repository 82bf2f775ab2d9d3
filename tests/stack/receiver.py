"""A server on this machine that receives webhooks, with an address for each test, and the log of their deliveries."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.hangs import HANGS_AFTER_S, comes_true


@dataclass
class Receiver:
    """The webhooks that came to one address, headers in lower case. `statuses` are its first answers, then 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    arrived: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        with self.more:
            self.arrived.append((headers, body))
            self.more.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self.more:
            assert self.more.wait_for(lambda: len(self.arrived) >= count, timeout=HANGS_AFTER_S), self.arrived
            return list(self.arrived)


@dataclass(frozen=True)
class Receivers:
    """The server, and the receivers by the path of their address."""

    host: str
    by_path: dict[str, Receiver] = field(default_factory=dict)

    def new(self) -> Receiver:
        path = f"/{uuid.uuid4().hex}"
        receiver = self.by_path[path] = Receiver(f"http://{self.host}{path}")
        return receiver


@contextmanager
def receiving() -> Iterator[Receivers]:
    """Runs the server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receivers.by_path[self.path].take(headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receivers = Receivers(f"127.0.0.1:{server.server_port}")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield receivers
        finally:
            server.shutdown()
            serving.join()


def logged(client: httpx.Client, count: int, job_id: str | None = None) -> list[dict[str, Any]]:
    """Returns the account's log of deliveries, or those of one job, oldest first, once it has `count`; a try is logged
    just after it was answered.
    """
    found: list[dict[str, Any]] = []

    def has_enough() -> bool:
        log = client.get("/webhooks/deliveries").raise_for_status().json()["data"]
        found[:] = [delivery for delivery in log if job_id in {None, delivery["job_id"]}]
        return len(found) >= count

    assert comes_true(has_enough), found
    return found[::-1]
