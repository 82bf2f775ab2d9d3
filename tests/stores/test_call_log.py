"""Tests of the log of AWS calls: function, action and names, in whole lines, and never the calls' content."""

import secrets
from pathlib import Path

import orjson
import pytest

from gateway.stores.aws.call_log import LoggedClient
from gateway.transport import parse_url
from tests.stores.conftest import StoppedClock, api, boto
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

CANARY = f"canary-{secrets.token_hex(8)}"


async def test_a_call_is_written_down_without_its_content(
    endpoints: Endpoints, clock: StoppedClock, tmp_path: Path
) -> None:
    file = tmp_path / "calls.jsonl"
    url = boto("sqs", endpoints.moto).create_queue(QueueName=f"q-{secrets.token_hex(4)}")["QueueUrl"]
    async with LoggedClient(str(file), "chat", {endpoints.moto}) as client:
        aws = api(client, clock, "sqs", endpoints.moto)
        await aws.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": CANARY})
        origin, base = parse_url(endpoints.moto)
        await (await client.request("GET", origin, f"{base}/bucket/key?partNumber=1")).aclose()
    assert CANARY not in file.read_text()
    assert [orjson.loads(line) for line in file.read_bytes().splitlines()] == [
        {
            "function": "chat",
            "method": "POST",
            "target": "/",
            "operation": "AmazonSQS.SendMessage",
            "names": {"QueueUrl": url},
        },
        {"function": "chat", "method": "GET", "target": "/bucket/key?partNumber=1", "operation": ""},
    ]


async def test_other_hosts_are_not_written_down(endpoints: Endpoints, clock: StoppedClock, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    async with LoggedClient(str(file), "chat", set()) as client:
        await api(client, clock, "sqs", endpoints.moto).call("sqs", "ListQueues", {})
    assert not file.exists()
