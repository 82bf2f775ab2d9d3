"""Fixtures for every test folder: the loop of asynchronous tests, and the servers, each started once per session."""

import gc
import logging
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import orjson
import pytest
from hypothesis import settings

from gateway.ports.upstream import Credential
from tests.stores.servers import Endpoints, serving

ROOT = Path(__file__).parents[1]

# An example may take as long as a busy machine makes it.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# The stores that parametrized tests have beside fakes.
SERVERS = ("dynamodb_local", "moto")
# In those folders alone: elsewhere they are names of services.
SERVERS_THERE = ("aws", "dynamodb", "s3")

Rows = dict[str, dict[str, str]]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out the files of the other half, where `HALF` is 1 or 2: `make test` runs both, side by side."""
    asked = os.environ.get("HALF")
    is_there = asked is None or collection_path.is_dir() or half(collection_path) == int(asked)
    return None if is_there else True


def half(path: Path) -> int:
    """Returns the half of the tests, 1 or 2, that a file belongs to on every machine."""
    return 1 + zlib.crc32(path.relative_to(ROOT).as_posix().encode()) % 2


def pytest_collection_finish() -> None:
    """Takes what collecting has made out of the garbage collector's rounds: it all lives until the end."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Marks what runs on DynamoDB Local or moto, which take seconds of each worker: `make test` leaves it out.

    A test of that kind outside the folders that `make test-stores` runs would run nowhere, so it is an error.
    """
    for item in items:
        backends = item.callspec.params.values() if hasattr(item, "callspec") else ()
        is_there = is_for_servers(item.path)
        names = (*SERVERS, *SERVERS_THERE) if is_there else SERVERS
        if "endpoints" in item.fixturenames or any(backend in names for backend in backends):
            if not is_there:
                raise pytest.UsageError(
                    f"{item.nodeid} runs on servers; name its folder in SERVER_TESTS of the Makefile"
                )
            item.add_marker("servers")


@cache
def is_for_servers(path: Path) -> bool:
    """Returns whether `make test-stores` runs a file of tests."""
    return any(path.is_relative_to(ROOT / place) for place in server_tests())


@cache
def server_tests() -> list[str]:
    """Lists the folders and files that the Makefile's `SERVER_TESTS` names."""
    found = re.search(r"^SERVER_TESTS := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].replace("\\\n", " ").split()


@pytest.fixture
def anyio_backend() -> str:
    """Selects asyncio, the only loop that Lambda has here."""
    return "asyncio"


@pytest.fixture(scope="session")
def provider_rows() -> Iterator[Rows]:
    """Starts one process of simulated providers and yields each row's key, address and other settings."""
    command = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield orjson.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture(scope="session")
def credentials(provider_rows: Rows) -> dict[str, Credential]:
    """Returns the simulated providers' rows, as the gateway reads them from its secret."""
    named = {"api_key", "base_url"}
    return {
        name: Credential(row["api_key"], row["base_url"], {key: row[key] for key in row.keys() - named})
        for name, row in provider_rows.items()
    }


@pytest.fixture(scope="session")
def endpoints(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Starts DynamoDB Local and moto. Each test creates its own tables, buckets and queues in them."""
    if request.config.option.markexpr == "not servers":
        pytest.fail("this test starts servers unmarked: name its parameter in SERVERS_THERE of tests/conftest.py")
    with serving(tmp_path_factory.mktemp("aws")) as servers:
        yield servers


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[logging.Logger]:
    """Yields the root logger and restores it, because a function that is invoked in this process configures it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
