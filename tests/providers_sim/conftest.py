"""The simulator's process, called over its socket as any client would."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.conftest import Rows
from tests.hangs import HANGS_AFTER_S


class Control:
    """A client of the control API, and of any other raw request."""

    def __init__(self, root: str) -> None:
        self.root = root

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.root).netloc, timeout=HANGS_AFTER_S)
        raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        try:
            connection.request(method, path, raw, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return orjson.loads(self.send(method, path, body)[2])

    def last(self) -> Any:
        return self.call("GET", "/_sim/requests")["requests"][-1]


@pytest.fixture(scope="session")
def rows(provider_rows: Rows) -> Rows:
    return provider_rows


@pytest.fixture
def control(rows: Rows) -> Iterator[Control]:
    parts = urlsplit(rows["openai"]["base_url"])
    control = Control(f"{parts.scheme}://{parts.netloc}")
    yield control
    control.call("DELETE", "/_sim/faults")
    control.call("DELETE", "/_sim/requests")


def size_at(control: Control, url: str) -> tuple[int, str, int]:
    """Returns status, type and size of a download of the simulator."""
    status, headers, body = control.send("GET", urlsplit(url).path)
    return status, headers["content-type"], len(body)


def image_at(control: Control) -> str:
    """Returns the address of the simulator's sample image."""
    return f"{control.root}/files/image.png"
