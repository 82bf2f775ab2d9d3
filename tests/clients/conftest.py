"""The local stack, once for all clients: the real template, each function a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stack:
    """A running stack, as it describes itself."""

    root_url: str
    base_url: str
    api_key: str
    account_id: str
    data: Path
    pid: int
    moto_url: str

    def processes(self, family: str) -> list[int]:
        """The ids of the live processes of one family."""
        command = [sys.executable, "-m", "local", "processes", "--data", str(self.data), "--json"]
        told = orjson.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        return [process["pid"] for process in told["processes"] if process["family"] == family]

    def ledger(self) -> dict[str, Any]:
        """The account's books, as the operator sees them."""
        command = [sys.executable, "-m", "local", "ledger", self.account_id, "--data", str(self.data), "--json"]
        told: dict[str, Any] = orjson.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        return told


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    data: Path,
    *,
    balance_usd: int = 100,
    port: int | None = None,
    own_hosts: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """A stack of its own in `data`; it and all its children end with the block.

    `environment` is added to this process's, for providers that are not the stack's own simulator's.
    """
    command = [sys.executable, "-m", "local", "--port", str(port or free_port()), "--data", str(data)]
    command += [word for host in own_hosts for word in ("--own-host", host)]
    with (data / "stack.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--balance", str(balance_usd), "--json"],
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (data / "stack.log").read_text()
        told = orjson.loads(line)
        yield Stack(
            told["root_url"],
            told["base_url"],
            told["api_key"],
            told["account_id"],
            data,
            process.pid,
            told["s3_endpoint"],
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        process.stdout.close()


def run(command: list[str], place: Path, **environment: str) -> bytes:
    """What a command says on stdout; one that fails shows all it said."""
    done = subprocess.run(command, cwd=place, env=os.environ | environment, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.fail(
            f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr).decode()}", pytrace=False
        )
    return done.stdout


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        lift_limit(started)
        yield started


def lift_limit(stack: Stack) -> None:
    """The tests ask more than 60 times a minute; as any customer would, they set their key's limit."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30, trust_env=False) as client:
        (key,) = client.get("/keys").raise_for_status().json()["data"]
        client.patch(f"/keys/{key['key_id']}", json={"rpm_limit": 1000}).raise_for_status()
