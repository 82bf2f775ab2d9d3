"""Tests of the media vendors' own SDKs, in their own environment, each against its simulated vendor."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Rows
from tests.providers_sim.conftest import Control, image_at, size_at
from tests.stack.vendors.conftest import seen


class Receiver(http.server.ThreadingHTTPServer):
    """A server that takes webhooks, and counts down to the expected one."""

    def __init__(self, wanted: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deliveries: list[dict[str, Any]] = []
        self.wanted = wanted
        self.complete = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.deliveries.append({"path": self.path, "headers": headers, "body": body.decode()})
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
        if len(self.server.deliveries) == self.server.wanted:
            self.server.complete.set()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(wanted=2) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_replicates_sdk_reads_predictions_and_checks_webhooks(
    python: str, rows: Rows, control: Control, receiver: Receiver
) -> None:
    key = {"authorization": f"Bearer {rows['replicate']['api_key']}"}
    url = f"http://127.0.0.1:{receiver.server_port}/v1/callbacks/replicate/gen_1/1"
    order = {"input": {"prompt": "told twice [[sim: media_callback=2]]"}, "webhook": url}
    control.send("POST", "/replicate/v1/models/minimax/hailuo-02/predictions", order, key)
    assert receiver.complete.wait(10)

    told = seen(python, "sdk_replicate.py", rows["replicate"] | {"image": image_at(control)}, receiver.deliveries)
    assert told["statuses"] == ["starting", "succeeded", "succeeded", "canceled", "failed"]
    assert size_at(control, told["video"])[:2] == (200, "video/mp4")
    assert size_at(control, told["mesh"]["mesh"])[:2] == (200, "model/gltf-binary")
    assert "(E005)" in told["error"]
    assert told["bad_input"] == [422, "Input validation failed"]
    assert told["unknown_model"] == [404, "Not Found"]
    assert told["deliveries"] == ["succeeded", "succeeded"]


def test_fals_sdk_reads_the_queue(python: str, rows: Rows, control: Control) -> None:
    told = seen(python, "sdk_fal.py", rows["fal"])
    assert told["seen"] == ["Completed", "InProgress", "Queued"]
    assert (told["video"]["content_type"], told["video"]["duration"]) == ("video/mp4", 10.0)
    assert size_at(control, told["video"]["url"])[:2] == (200, "video/mp4")
    assert size_at(control, told["model"]["url"])[:2] == (200, "model/gltf-binary")
    assert told["canceled"] == "request_cancelled"
    assert told["flagged"] == [422, "content_policy_violation"]
    assert told["bad_input"] == [422, "missing"]
    assert told["unknown_app"] == [404, "Application 'fal-ai/else' not found"]
    assert told["bad_key"] == [401, "Authentication is required to access this application."]


def test_tencents_sdk_signs_and_reads_jobs(python: str, rows: Rows, control: Control) -> None:
    told = seen(python, "sdk_tencent.py", rows["tencent"])
    assert told["statuses"] == ["WAIT", "DONE", "FAIL"]
    assert sorted(told["files"]) == ["GLB", "OBJ", "STL"]
    assert [size_at(control, told["files"][kind])[0] for kind in ("GLB", "OBJ", "STL")] == [200, 200, 200]
    assert told["error"] == "OperationDenied.ImageIllegalDetected"
    assert told["bad_key"] == "AuthFailure.SignatureFailure"
    assert told["both"] == "InvalidParameterValue.Prompt"
    assert told["unknown_job"] == "ResourceNotFound"
    assert told["busy"] == "RequestLimitExceeded"
