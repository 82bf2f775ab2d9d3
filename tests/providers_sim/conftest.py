"""One simulator process for the whole folder, reached over its socket as any client would."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

ROOT = Path(__file__).resolve().parents[2]

SDKS = ROOT / ".cache" / "media-sdks"

Rows = dict[str, dict[str, str]]


class Control:
    """The control API, and any other raw request."""

    def __init__(self, root: str) -> None:
        self.root = root

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.root).netloc, timeout=10)
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
def rows() -> Iterator[Rows]:
    command = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield orjson.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture
def control(rows: Rows) -> Iterator[Control]:
    parts = urlsplit(rows["openai"]["base_url"])
    control = Control(f"{parts.scheme}://{parts.netloc}")
    yield control
    control.call("DELETE", "/_sim/faults")
    control.call("DELETE", "/_sim/requests")


@pytest.fixture(scope="session")
def python() -> str:
    """The Python of the media vendors' SDKs."""
    subprocess.run(["sh", "requirements/install", str(SDKS), "requirements/media-sdks.txt"], cwd=ROOT, check=True)
    return str(SDKS / "bin" / "python")


def seen(python: str, script: str, *given: Any) -> Any:
    """What the driver script saw, given these values."""
    told = [orjson.dumps(one).decode() for one in given]
    done = subprocess.run(
        [python, str(ROOT / "tests" / "providers_sim" / script), *told],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout)


def size_at(control: Control, url: str) -> tuple[int, str, int]:
    """What a download of the simulator answers: status, type, and how many bytes."""
    status, headers, body = control.send("GET", urlsplit(url).path)
    return status, headers["content-type"], len(body)


def image_at(control: Control) -> str:
    """Where the simulator has an image to start from."""
    return f"{control.root}/files/image.png"
