"""Webhooks out of the whole stack, to a receiver on this machine that checks signatures by hand."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.webhooks.delivering import LOST_S, PAUSES_S
from tests.clients.conftest import Stack, running
from tests.clients.test_operator import local

ARRIVAL_S = 60.0


@dataclass
class Receiver:
    """What has arrived, headers in lower case; `statuses` are what it says to the first of them, then 200."""

    url: str = ""
    host: str = ""
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
            assert self.more.wait_for(lambda: len(self.arrived) >= count, timeout=ARRIVAL_S), self.arrived
            return list(self.arrived)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiving = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiving.take({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiving.host = f"127.0.0.1:{server.server_port}"
        receiving.url = f"http://{receiving.host}/hook"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        yield receiving
        server.shutdown()
        serving.join()


@contextmanager
def caller(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def ordered(client: httpx.Client, webhook_url: str) -> str:
    """A video whose end is to be told; its id."""
    body = {"model": "wan-2.6", "prompt": "a cat [[sim: media_s=0]]", "webhook_url": webhook_url}
    job_id: str = client.post("/videos/generations", json=body).raise_for_status().json()["job_id"]
    return job_id


def check_signature(client: httpx.Client, headers: dict[str, str], body: bytes) -> None:
    """By the specification: HMAC-SHA256 over id, time and body, by the bytes that the account's secret stands for."""
    secret = client.get("/webhooks/secret").raise_for_status().json()["secret"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def logged(client: httpx.Client, count: int) -> list[dict[str, Any]]:
    """The log of deliveries, oldest first, once it has so many; a try is logged just after it was answered."""
    deadline_s = time.monotonic() + ARRIVAL_S
    while True:
        found: list[dict[str, Any]] = client.get("/webhooks/deliveries").raise_for_status().json()["data"]
        if len(found) >= count:
            return found[::-1]
        assert time.monotonic() < deadline_s, found
        time.sleep(0.2)


def test_a_webhook_is_told_again_after_it_has_failed(tmp_path: Path, receiver: Receiver) -> None:
    receiver.statuses = [500]
    with running(tmp_path, own_hosts=[receiver.host]) as stack, caller(stack) as client:
        job_id = ordered(client, receiver.url)
        (first, _), (headers, body) = receiver.wait(2)
        check_signature(client, headers, body)
        told = orjson.loads(body)
        assert (told["type"], told["data"]["id"]) == ("job.succeeded", job_id)
        assert headers["webhook-id"] == first["webhook-id"]
        assert int(headers["webhook-timestamp"]) >= int(first["webhook-timestamp"]) + PAUSES_S[0]
        log = logged(client, 2)
        tries = [(row["job_id"], row["attempt"], row["status_code"], row["delivered"]) for row in log]
        assert tries == [(job_id, 1, 500, False), (job_id, 2, 200, True)]
        # The address in the message is good, and for anybody.
        with httpx.Client(trust_env=False) as anybody:
            assert anybody.get(told["data"]["results"][0]["url"]).content[4:8] == b"ftyp"


def test_a_notice_that_was_lost_with_the_stack_is_made_anew_from_the_job(tmp_path: Path, receiver: Receiver) -> None:
    receiver.statuses = [503]
    with running(tmp_path, own_hosts=[receiver.host]) as stack, caller(stack) as client:
        job_id = ordered(client, receiver.url)
        logged(client, 1)
    # The queue was moto's, in memory: nobody has the message any more.
    with running(tmp_path, own_hosts=[receiver.host]) as stack, caller(stack) as client:
        later_s = int(time.time()) + PAUSES_S[0] + LOST_S
        looked = local("reconcile", "--data", str(tmp_path), "--now", str(later_s))
        assert orjson.loads(looked.stdout) == {"restarted": 1, "withdrawn": 0, "left": 0}
        (first, _), (headers, body) = receiver.wait(2)
        check_signature(client, headers, body)
        assert headers["webhook-id"] == first["webhook-id"]
        log = logged(client, 2)
        assert [(row["job_id"], row["delivered"]) for row in log] == [(job_id, False), (job_id, True)]
