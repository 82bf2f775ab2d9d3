"""The local stack, started once for all clients: the real template, with each function in its own process."""

import asyncio
import contextlib
import functools
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import openai
import orjson
import pytest

from gateway.admin import accounts
from gateway.canonical.money import Act
from gateway.ledger.money import parse_usd
from gateway.wiring.operator import Operator, operator
from gateway.wiring.settings import from_environment
from local.aws_services import ServiceName, Services
from local.operator_commands import running_environment
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.roles.judge import CALLS, recorded, refused
from tests.stack.receiver import Receiver, Receivers, receiving

ROOT = Path(__file__).parents[2]
# More than any test sends in a minute.
RPM_LIMIT = 1000
# The person whom the console shows the deployment.
OPERATOR = "operator@example.com"
ACT = Act("tests", "a test needs it")
# What takes longest, or installs an environment first, in the order in which it begins: so neither worker ends alone.
BEGIN = (
    *("test_jobs_under_fire", "test_media_sdks", "test_langchain", "test_node_sdks", "test_other_openai_sdks"),
    *("test_money", "test_bench"),
)
# Each HTTP client makes a TLS context, 30 ms of a core for the list of authorities, and no test here speaks TLS.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]  # same calls
T = TypeVar("T")


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
    realtime_url: str = ""

    def processes(self, family: str) -> list[int]:
        """Lists the ids of the live processes of one family."""
        command = [sys.executable, "-m", "local", "processes", "--data", str(self.data), "--json"]
        told = orjson.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        return [process["pid"] for process in told["processes"] if process["family"] == family]

    def ledger(self) -> dict[str, Any]:
        """Returns the account's books, as the operator sees them."""
        return self.operate(lambda services: accounts.read_ledger(services, self.account_id))

    def settled(self, held: int = 0) -> dict[str, Any]:
        """Returns the books once no more than `held` holds are open: a queue ends what a busy store does not."""
        assert comes_true(lambda: len(self.ledger()["holds"]) <= held), self.ledger()["holds"]
        return self.ledger()

    def charges(self, held: int = 0) -> list[dict[str, Any]]:
        """Returns the account's charges once no more than `held` holds are open."""
        return [entry for entry in self.settled(held)["entries"] if entry["kind"] == "charge"]

    def ends(self, count: int = 1, **members: str) -> list[str]:
        """Returns the kinds of the entries with these members once there are `count`, for an account of all tests."""
        found: list[str] = []

        def has_all() -> bool:
            entries = self.ledger()["entries"]
            found[:] = [entry["kind"] for entry in entries if members.items() <= entry.items()]
            return len(found) >= count

        assert comes_true(has_all), found
        return found

    def credit(self, usd: str) -> None:
        """Adds money to the account, as the operator does."""
        amount, once = parse_usd(usd), uuid.uuid4().hex
        self.operate(lambda services: accounts.credit(services, self.account_id, amount, ACT, once=once))

    def with_new_account(self, balance_usd: str = "0") -> "Stack":
        """Opens an account that no other test has, and returns the stack as its owner sees it."""
        balance = parse_usd(balance_usd)
        account_id, api_key = self.operate(
            lambda services: accounts.create_account(services, balance, ACT, rpm_limit=RPM_LIMIT)
        )
        return self.seen_by(account_id, api_key)

    def seen_by(self, account_id: str, api_key: str) -> "Stack":
        """Returns the stack as the owner of that account sees it."""
        return replace(self, account_id=account_id, api_key=api_key)

    def aws(self, service: ServiceName) -> Any:
        """Returns AWS's own client of the stack's moto."""
        return Services(self.moto_url, self.moto_url).client(service)

    def hurry_streams(self) -> None:
        """Has the simulated providers bring the streams that run to their end at once."""
        httpx.post(f"{self._simulator}/hurry", timeout=HANGS_AFTER_S, trust_env=False).raise_for_status()

    @contextlib.contextmanager
    def faulty_sockets(self, fault: Mapping[str, Any], provider: str, times: int | None = None) -> Iterator[None]:
        """Has each socket that is opened at a simulated provider, or so many, meet a fault before its first event."""
        asked = {"match": {"provider": provider}, "fault": fault, "times": times}
        with httpx.Client(timeout=HANGS_AFTER_S, trust_env=False) as client:
            client.post(f"{self._simulator}/faults", json=asked).raise_for_status()
            try:
                yield
            finally:
                client.delete(f"{self._simulator}/faults").raise_for_status()

    @property
    def _simulator(self) -> str:
        """The address of the control API of the simulated providers."""
        secrets = self.aws("secretsmanager")
        values = [secrets.get_secret_value(SecretId=row["ARN"]) for row in secrets.list_secrets()["SecretList"]]
        rows = [orjson.loads(value["SecretString"]) for value in values if value["SecretString"].startswith("{")]
        (simulator,) = {urlsplit(row["openai"]["base_url"]).netloc for row in rows if "openai" in row}
        return f"http://{simulator}/_sim"

    def operate(self, work: Callable[[Operator], Coroutine[Any, Any, T]]) -> T:
        """Does the operator's work on the running stack's tables; in a thread, since the test may be on a loop.

        A command of `python -m local` does the same, and takes two seconds of a core to start.
        """

        async def done() -> T:
            async with operator(from_environment(running_environment(self.data))) as services:
                return await work(services)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, done()).result()


def local(*words: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a command of the local stack to its end."""
    return subprocess.run([sys.executable, "-m", "local", *words], cwd=ROOT, capture_output=True, check=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the files, which the workers take in this order."""
    items.sort(key=lambda item: BEGIN.index(item.path.stem) if item.path.stem in BEGIN else len(BEGIN))


def kept_port() -> int:
    """Finds a port of 127.0.0.1 that stays free between two lives of a stack.

    It lies outside the ranges of which Linux and macOS give ports to clients and to servers that ask for any port.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def running(
    data: Path,
    *,
    balance_usd: int = 100,
    port: int = 0,
    own_hosts: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Runs a separate stack in `data`. It and all its children end with the block.

    `environment` is added to this process's, for providers that are not the stack's own simulator.
    """
    command = [sys.executable, "-m", "local", "--port", str(port), "--data", str(data)]
    command += [word for host in own_hosts for word in ("--own-host", host)]
    command += [word for name, value in (parameters or {}).items() for word in ("--parameter", f"{name}={value}")]
    CALLS.mkdir(parents=True, exist_ok=True)
    calls = CALLS / f"{uuid.uuid4().hex}.jsonl"
    with (data / "stack.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--balance", str(balance_usd), "--json"],
            cwd=ROOT,
            env=os.environ | {"AWS_CALLS_LOG": str(calls)} | dict(environment or {}),
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
            told["realtime_url"],
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(HANGS_AFTER_S)
        process.stdout.close()
    assert refused(recorded([calls])) == []


@pytest.fixture(scope="session")
def receivers() -> Iterator[Receivers]:
    """Starts one server for the webhooks of all tests, before the stack, which must know its address."""
    with receiving() as server:
        yield server


@pytest.fixture
def receiver(receivers: Receivers) -> Receiver:
    """Returns an address of that server which no other test has."""
    return receivers.new()


@pytest.fixture(scope="session")
def mcp_port() -> int:
    """Chooses the port of an account's own MCP server, which the stack must know."""
    return kept_port()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, receivers: Receivers, mcp_port: int) -> Iterator[Stack]:
    hosts = [receivers.host, f"127.0.0.1:{mcp_port}"]
    # Sessions over sockets are handed over every few seconds, not every quarter of an hour.
    chosen = {"SocketRunSeconds": "12", "Operators": OPERATOR}
    with running(tmp_path_factory.mktemp("stack"), own_hosts=hosts, parameters=chosen) as started:
        lift_limit(started)
        yield started


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Starts an HTTP client without a credential. Files whose tests ask by an SDK or with a key have their own."""
    with httpx.Client(base_url=f"{stack.base_url}/", timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    """Starts an HTTP client of the root URL with the account's key."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


@pytest.fixture
def sdk(stack: Stack) -> Iterator[openai.OpenAI]:
    """Starts OpenAI's SDK with the account's key."""
    with openai.OpenAI(api_key=stack.api_key, base_url=stack.base_url, timeout=HANGS_AFTER_S, max_retries=0) as made:
        yield made


def lift_limit(stack: Stack) -> None:
    """Sets the key's limit, as any customer would, because the tests send more than 60 requests a minute."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as client:
        (key,) = client.get("/keys").raise_for_status().json()["data"]
        client.patch(f"/keys/{key['key_id']}", json={"rpm_limit": RPM_LIMIT}).raise_for_status()
