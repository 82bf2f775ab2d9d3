"""Tests of the whole stack as other tools start it: one JSON line, one data directory, no leftovers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local.aws_services import ServiceName, Services
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.local.harness import TEMPLATE, ask

ROOT = Path(__file__).resolve().parents[2]
HAS_JAVA = shutil.which("java") is not None and shutil.which("npm") is not None


@dataclass
class Started:
    """A stack in its own process, and its printed output."""

    process: "subprocess.Popen[str]"
    told: dict[str, Any]

    def event(self) -> Any:
        """Returns the buffered function's own description of a request."""
        port = int(self.told["root_url"].rsplit(":", 1)[1])
        return ask(port, "/v1/things/a/b").json()

    def client(self, service: ServiceName) -> Any:
        return Services(self.told["dynamodb_endpoint"], self.told["s3_endpoint"]).client(service)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(HANGS_AFTER_S)


@contextmanager
def started(data: Path, **environment: str) -> Iterator[Started]:
    """Runs the small stack, and ends it in any case."""
    with (data.parent / "stderr").open("a") as stderr:
        process = subprocess.Popen(
            command("--template", str(TEMPLATE), "--port", "0", "--data", str(data), "--balance", "12.5", "--json"),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (data.parent / "stderr").read_text()
        yield Started(process, json.loads(line))
    finally:
        process.terminate()
        process.wait(HANGS_AFTER_S)
        process.stdout.close()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", *arguments]


def descendants(pid: int) -> set[int]:
    """Lists every process below one."""
    rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout.split()
    parents = dict(zip(map(int, rows[::2]), map(int, rows[1::2]), strict=True))
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    states = subprocess.run(
        ["ps", "-o", "pid=,stat=", "-p", ",".join(map(str, pids))], check=False, capture_output=True, text=True
    ).stdout.splitlines()
    return {int(pid) for pid, stat in map(str.split, states) if not stat.startswith("Z")}


def test_without_java_moto_keeps_items_and_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data, PATH="") as first:
        item = {"key_hash": {"S": "mine"}, "count": {"N": "1"}}
        first.client("dynamodb").put_item(TableName="nexgate-local-KeysTable", Item=item)
        first.client("s3").put_object(Bucket="nexgate-local-files", Key="a/é.png", Body=b"png", ContentType="image/png")
        assert first.end() == 0
    with started(data, PATH="") as second:
        found = second.client("dynamodb").get_item(TableName="nexgate-local-KeysTable", Key={"key_hash": {"S": "mine"}})
        file = second.client("s3").get_object(Bucket="nexgate-local-files", Key="a/é.png")
        assert (found["Item"], file["Body"].read(), file["ContentType"]) == (item, b"png", "image/png")
    assert "there is no Java" in (tmp_path / "stderr").read_text()


ITEM = {"key_hash": {"S": "mine"}}


@dataclass
class Shared:
    """One stack for the tests that only read: the second one of its directory, after the first one was killed.

    The file's last test ends it.
    """

    stack: Started
    data: Path
    killed: dict[str, Any]
    outlived: set[int]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    data = tmp_path_factory.mktemp("stack") / "data"
    with started(data) as first:
        first.client("dynamodb").put_item(TableName="nexgate-local-KeysTable", Item=ITEM)
        first.event()
        below = descendants(first.process.pid)
        first.end(signal.SIGKILL)
        comes_true(lambda: not alive(below))
        outlived = alive(below)
    with started(data, OPENAI_API_KEY="sk-real", DEEPSEEK_BASE_URL="https://deepseek.test/v1") as stack:
        yield Shared(stack, data, first.told, outlived)


def test_no_process_outlives_a_stack_that_is_killed(shared: Shared) -> None:
    assert shared.outlived == set()


def test_the_same_directory_brings_back_key_and_balance_even_after_a_kill(shared: Shared) -> None:
    account = shared.stack.client("dynamodb").get_item(
        TableName="nexgate-local-AccountsTable", Key={"account_id": {"S": shared.killed["account_id"]}}
    )
    assert account["Item"]["free"] == {"N": "12500000000"}
    assert [shared.killed[name] for name in ("api_key", "account_id")] == [
        shared.stack.told[name] for name in ("api_key", "account_id")
    ]


@pytest.mark.skipif(not HAS_JAVA, reason="DynamoDB Local needs Java 17 and npm")
def test_the_same_directory_brings_back_items_even_after_a_kill(shared: Shared) -> None:
    found = shared.stack.client("dynamodb").get_item(TableName="nexgate-local-KeysTable", Key=ITEM)
    assert found["Item"] == ITEM


def test_the_line_names_everything_a_client_needs(shared: Shared) -> None:
    told = shared.stack.told
    assert sorted(told) == [
        "account_id",
        "api_key",
        "base_url",
        "dynamodb_endpoint",
        "providers",
        "realtime_url",
        "root_url",
        "s3_endpoint",
    ]
    assert told["base_url"] == told["root_url"] + "/v1"
    assert told["api_key"].startswith("sk-xc-")
    assert len(told["api_key"]) == len("sk-xc-") + 43


def test_the_key_file_is_its_owners_alone(shared: Shared) -> None:
    assert (shared.data / "stack.json").stat().st_mode & 0o777 == 0o600


def test_the_directory_is_its_owners_alone(shared: Shared) -> None:
    assert shared.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("endpoint", ["dynamodb_endpoint", "s3_endpoint"])
def test_the_services_answer_no_one_who_knows_only_their_port(shared: Shared, endpoint: str) -> None:
    place = urlsplit(shared.stack.told[endpoint])
    assert len(place.path) > 30
    table = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    for path in ("/", "/moto-api/data.json", "/shell/"):
        answer = httpx.post(f"http://{place.netloc}{path}", headers=table, content="{}", trust_env=False, timeout=60)
        assert (answer.status_code, "TableNames" in answer.text) == (404, False)


def test_a_configured_provider_is_not_simulated(shared: Shared) -> None:
    assert shared.stack.told["providers"]["openai"] == "configured"
    assert "openai" not in shared.stack.event()["environment"]["SIMULATED_PROVIDERS"].split(",")


def test_the_providers_secret_has_configured_and_simulated_rows(shared: Shared) -> None:
    secret = shared.stack.client("secretsmanager").get_secret_value(SecretId="test/providers")
    rows = json.loads(secret["SecretString"])
    assert rows["openai"] == {"api_key": "sk-real"}
    assert rows["deepseek"] == {"api_key": "none", "base_url": "https://deepseek.test/v1"}
    assert {"webhook_secret", "user_id", "jwks_url"} & {name for row in rows.values() for name in row} == set()


def test_functions_find_the_services_by_the_standard_variables(shared: Shared) -> None:
    environment = shared.stack.event()["environment"]
    told = shared.stack.told
    assert environment["AWS_ENDPOINT_URL_DYNAMODB"] == told["dynamodb_endpoint"]
    assert environment["AWS_ENDPOINT_URL_S3"] == told["s3_endpoint"]
    assert "OPENAI_API_KEY" not in environment


def test_processes_lists_the_functions_that_live(shared: Shared) -> None:
    pid = shared.stack.event()["pid"]
    listed = subprocess.run(
        command("processes", "--data", str(shared.data), "--json"), cwd=ROOT, check=True, capture_output=True
    )
    rows = json.loads(listed.stdout)["processes"]
    assert {"family": "buffered", "function": "nexgate-local-Buffered", "pid": pid} in rows


def test_a_queues_messages_reach_their_function_and_are_deleted(shared: Shared) -> None:
    client = shared.stack.client("sqs")
    url = client.get_queue_url(QueueName="nexgate-local-Later")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="later")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [attributes[name] for name in names] == ["0", "0"]

    assert comes_true(is_empty)


def test_every_port_is_on_127_0_0_1(shared: Shared) -> None:
    pids = {shared.stack.process.pid, *descendants(shared.stack.process.pid)}
    listening = subprocess.run(["ss", "-ltnpH"], check=True, capture_output=True, text=True).stdout
    ours = [line.split()[3] for line in listening.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    assert len(ours) >= 4
    assert [address for address in ours if not address.removeprefix("[::ffff:").startswith("127.0.0.1")] == []


def test_a_directory_in_use_is_refused(shared: Shared) -> None:
    refused = subprocess.run(
        command("--template", str(TEMPLATE), "--port", "0", "--data", str(shared.data)),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=HANGS_AFTER_S,
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"another stack runs on {shared.data}" in refused.stderr


def test_a_port_that_is_taken_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = subprocess.run(
            command("--port", str(port), "--data", str(tmp_path / "data")),
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=HANGS_AFTER_S,
        )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"python -m local: port {port} of 127.0.0.1 cannot be used: Address already in use\n"


def test_a_termination_ends_every_child(shared: Shared) -> None:
    shared.stack.event()
    below = descendants(shared.stack.process.pid)
    assert shared.stack.end() == 0
    assert (len(below) >= 4, alive(below)) == (True, set())
    assert not (shared.data / "processes.json").exists()
