"""The whole stack as other tools start it: one JSON line, one data directory, nothing left behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws_services import ServiceName, Services
from tests.local.harness import TEMPLATE, ask

ROOT = Path(__file__).resolve().parents[2]
HAS_JAVA = shutil.which("java") is not None and shutil.which("npm") is not None


@dataclass
class Started:
    """A stack in a process of its own, and what it printed."""

    process: "subprocess.Popen[str]"
    told: dict[str, Any]

    def event(self) -> Any:
        """The buffered function's own account of a request."""
        port = int(self.told["root_url"].rsplit(":", 1)[1])
        return ask(port, "/v1/things/a/b").json()

    def client(self, service: ServiceName) -> Any:
        return Services(self.told["dynamodb_endpoint"], self.told["s3_endpoint"]).client(service)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def started(data: Path, **environment: str) -> Iterator[Started]:
    """Runs the small stack; ended in any case."""
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
        process.wait(20)
        process.stdout.close()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", *arguments]


def descendants(pid: int) -> set[int]:
    """Every process below one."""
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


def within(limit_s: float, holds: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and not holds():
        time.sleep(0.05)
    return holds()


@pytest.mark.skipif(not HAS_JAVA, reason="DynamoDB Local needs Java 17 and npm")
def test_the_same_directory_brings_back_key_balance_and_items_even_after_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with started(data) as first:
        item = {"key_hash": {"S": "mine"}}
        first.client("dynamodb").put_item(TableName="nexgate-local-KeysTable", Item=item)
        first.event()
        below = descendants(first.process.pid)
        first.end(signal.SIGKILL)
        assert within(5, lambda: not alive(below)), "a process outlived its stack"
    with started(data) as second:
        found = second.client("dynamodb").get_item(TableName="nexgate-local-KeysTable", Key=item)
        account = second.client("dynamodb").get_item(
            TableName="nexgate-local-AccountsTable", Key={"account_id": {"S": first.told["account_id"]}}
        )
    assert found["Item"] == item
    assert account["Item"]["free"] == {"N": "12500000000"}
    assert [first.told[name] for name in ("api_key", "account_id")] == [
        second.told[name] for name in ("api_key", "account_id")
    ]


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


@dataclass
class Shared:
    """One stack for the tests that only look."""

    stack: Started
    data: Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    data = tmp_path_factory.mktemp("stack") / "data"
    with started(data, OPENAI_API_KEY="sk-real", DEEPSEEK_BASE_URL="https://deepseek.test/v1") as stack:
        yield Shared(stack, data)


def test_the_line_names_everything_a_client_needs(shared: Shared) -> None:
    told = shared.stack.told
    assert sorted(told) == [
        "account_id",
        "api_key",
        "base_url",
        "dynamodb_endpoint",
        "providers",
        "root_url",
        "s3_endpoint",
    ]
    assert told["base_url"] == told["root_url"] + "/v1"
    assert told["api_key"].startswith("sk-xc-")
    assert len(told["api_key"]) == len("sk-xc-") + 43


def test_the_key_file_is_its_owners_alone(shared: Shared) -> None:
    assert (shared.data / "stack.json").stat().st_mode & 0o777 == 0o600


def test_a_configured_provider_is_not_simulated(shared: Shared) -> None:
    assert shared.stack.told["providers"]["openai"] == "configured"
    assert "openai" not in shared.stack.event()["environment"]["SIMULATED_PROVIDERS"].split(",")


def test_the_providers_secret_has_configured_and_simulated_rows(shared: Shared) -> None:
    secret = shared.stack.client("secretsmanager").get_secret_value(SecretId="test/providers")
    rows = json.loads(secret["SecretString"])
    assert rows["openai"] == {"api_key": "sk-real"}
    assert rows["deepseek"] == {"api_key": "none", "base_url": "https://deepseek.test/v1"}


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

    assert within(10, is_empty)


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
        timeout=20,
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
            timeout=20,
        )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"python -m local: port {port} of 127.0.0.1 cannot be used: Address already in use\n"


def test_a_termination_ends_every_child(tmp_path: Path) -> None:
    with started(tmp_path / "data") as stack:
        stack.event()
        below = descendants(stack.process.pid)
        assert stack.end() == 0
        assert (len(below) >= 4, alive(below)) == (True, set())
        assert not (tmp_path / "data" / "processes.json").exists()
