"""Tests of webhooks of the whole stack, with a receiver on this machine that checks signatures by hand."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import orjson

from gateway.webhooks.posting import PAUSES_S
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.receiver import Receiver, logged


@contextmanager
def caller(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as client:
        yield client


def ordered(client: httpx.Client, webhook_url: str) -> str:
    """Creates a video whose end must be announced, and returns its id."""
    body = {"model": "wan-2.6", "prompt": "a cat [[sim: media_s=0]]", "webhook_url": webhook_url}
    job_id: str = client.post("/videos/generations", json=body).raise_for_status().json()["job_id"]
    return job_id


def check_signature(client: httpx.Client, headers: dict[str, str], body: bytes, since_s: float) -> None:
    """Checks the signature by the specification: HMAC-SHA256 over id, time and body, with the account's secret.

    The time is one since the job was created.
    """
    secret = client.get("/webhooks/secret").raise_for_status().json()["secret"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert int(since_s) <= int(headers["webhook-timestamp"]) <= time.time()


def test_the_owner_of_a_key_is_told_that_its_spend_has_come_to_its_cap(stack: Stack, receiver: Receiver) -> None:
    # The stack's simulated providers charge some thousandths of a cent.
    with caller(stack.with_new_account("10")) as client:
        settings = {"name": "capped", "monthly_spend_cap_usd": "0.0005", "alert_webhook_url": receiver.url}
        made = client.post("/keys", json=settings).raise_for_status().json()
        asked = {"model": "gpt-4o-mini", "max_tokens": 16, "messages": [{"role": "user", "content": "Hi"}]}
        spender, since_s = {"Authorization": f"Bearer {made['full_key']}"}, time.time()
        while client.post("/chat/completions", json=asked, headers=spender).status_code == 200:
            pass
        told = [orjson.loads(body) for _, body in receiver.wait(2)]
        assert [one["type"] for one in told] == ["key.spend_alert"] * 2
        assert sorted(one["data"]["threshold_percent"] for one in told) == [80, 100]
        check_signature(client, *receiver.wait(2)[0], since_s)


def test_a_webhook_is_told_again_after_it_has_failed(stack: Stack, receiver: Receiver) -> None:
    receiver.statuses = [500]
    # The log of deliveries is an account's.
    with caller(stack.with_new_account("10")) as client:
        since_s, job_id = time.time(), ordered(client, receiver.url)
        (first, _), (headers, body) = receiver.wait(2)
        check_signature(client, headers, body, since_s)
        told = orjson.loads(body)
        assert (told["type"], told["data"]["id"]) == ("job.succeeded", job_id)
        assert headers["webhook-id"] == first["webhook-id"]
        assert int(headers["webhook-timestamp"]) >= int(first["webhook-timestamp"]) + PAUSES_S[0]
        log = logged(client, 2)
        tries = [(row["job_id"], row["attempt"], row["status_code"], row["delivered"]) for row in log]
        assert tries == [(job_id, 1, 500, False), (job_id, 2, 200, True)]
        # The address in the message is valid, for every reader.
        with httpx.Client(timeout=HANGS_AFTER_S, trust_env=False) as stranger:
            assert stranger.get(told["data"]["results"][0]["url"]).content[4:8] == b"ftyp"
