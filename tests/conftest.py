"""Fixtures for every test folder: the loop of asynchronous tests, and the servers, each started once per session."""

import gc
import itertools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import orjson
import pytest
from hypothesis import settings

from gateway.ports.upstream import Credential
from tests.drawn import SEED, drawn
from tests.stores.servers import Endpoints, serving

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
# The folders of `HALF=1`; the others are `HALF=2`'s. Those that import the vendors' SDKs are together, and so are those
# that parse all of our files: one process does it.
FIRST_HALF = {
    *("agent_runs", "arch", "bridging", "fidelity", "fuzz", "http", "local", "protocols", "providers", "providers_sim"),
    *("app", "logs", "template", "transport", "webhooks"),
}

# An example may take as long as a busy machine makes it.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# The stores that parametrized tests have beside fakes.
SERVERS = ("dynamodb_local", "moto")
# In those folders alone: elsewhere they are names of services.
SERVERS_THERE = ("aws", "dynamodb", "s3")

Rows = dict[str, dict[str, str]]

# What collecting makes lives until the end; to look for garbage in it takes seconds of each process.
gc.disable()


def pytest_report_header() -> str:
    """Says how to run the same draw again."""
    return f"drawn by DRAW={SEED}" if SEED else "all cases"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out the folders of the other half, where `HALF` is 1 or 2: `make test` runs both, side by side."""
    asked = os.environ.get("HALF")
    is_folder = collection_path.parent == TESTS and collection_path.is_dir()
    is_there = asked is None or not is_folder or (collection_path.name in FIRST_HALF) == (asked == "1")
    return None if is_there else True


def pytest_collection_finish() -> None:
    """Takes what collecting has made out of the garbage collector's rounds: it all lives until the end."""
    gc.collect()
    gc.freeze()
    # What tests make is seldom a cycle: fewer rounds halve the time of parsing our files, for one.
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Marks the tests of servers, and leaves out the cases of tables marked `drawn` that this commit does not draw."""
    mark_those_of_servers(items)
    left_out = not_drawn(items)
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
        items[:] = [item for item in items if item.nodeid not in left_out]


def not_drawn(items: list[pytest.Function], seed: str = SEED) -> set[str]:
    """Names the cases that the draw leaves out, each table's by itself."""
    cases = [item for item in items if item.get_closest_marker("drawn")]
    left_out = set()
    for table, rows in itertools.groupby(cases, lambda item: item.nodeid.partition("[")[0]):
        found = [row.nodeid for row in rows]
        if found == [table]:
            raise pytest.UsageError(f"{table} is marked `drawn`, but has no cases to draw from")
        left_out |= {*found} - {*drawn(found, seed=seed)}
    return left_out


def mark_those_of_servers(items: list[pytest.Function]) -> None:
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
