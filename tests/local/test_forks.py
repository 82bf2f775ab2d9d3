"""Tests that a function's processes are forks of one server, and are otherwise what a start would have made of them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.children import Children
from local.forks import ForkServer, ForkServerEnded
from tests.hangs import comes_true

pytestmark = pytest.mark.anyio

# Says who it is and what it found, then waits for its end.
PROGRAM = """
import json, os, sys
from pathlib import Path
facts = {"parent": os.getppid(), "loaded": "statistics" in sys.modules, "fork_server": os.environ.get("FORK_SERVER")}
Path(os.environ["REPORT"]).write_text(json.dumps(facts))
import signal, needs
signal.pause()
"""


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[Children]:
    running = Children(tmp_path / "processes.json")
    await running.start()
    yield running
    await running.end_all()


@pytest.fixture
def server(tmp_path: Path, children: Children) -> ForkServer:
    """Returns the server of a function with two files, one of which needs a module of the standard library."""
    task_root = tmp_path / "function"
    task_root.mkdir()
    (task_root / "program.py").write_text(PROGRAM)
    (task_root / "needs.py").write_text("import statistics")
    env = {"PATH": os.environ["PATH"], "LAMBDA_TASK_ROOT": str(task_root), "PYTHONPATH": str(task_root)}
    return ForkServer([sys.executable, "-m", "program"], env, task_root, tmp_path / "function.log", children)


async def report(file: Path) -> dict[str, object]:
    """Waits for what a process says of itself."""
    assert await asyncio.to_thread(comes_true, lambda: file.exists() and file.read_text().endswith("}"))
    told: dict[str, object] = json.loads(await asyncio.to_thread(file.read_text))
    return told


async def test_processes_have_one_parent_that_has_imported_what_they_need(server: ForkServer, tmp_path: Path) -> None:
    forks = [await server.fork({"REPORT": str(tmp_path / str(number))}) for number in range(2)]
    first, second = [await report(tmp_path / str(number)) for number in range(2)]
    assert first == second == {"parent": first["parent"], "loaded": True, "fork_server": None}
    assert first["parent"] not in {os.getpid(), *(fork.pid for fork in forks)}


async def test_a_fork_leads_its_group_and_its_end_is_reported(
    server: ForkServer, children: Children, tmp_path: Path
) -> None:
    killed, ended = [await server.fork({"REPORT": str(tmp_path / name)}) for name in ("killed", "ended")]
    for name in ("killed", "ended"):
        await report(tmp_path / name)
    children.kill(killed)
    os.kill(ended.pid, signal.SIGTERM)
    assert (await children.wait(killed), await children.wait(ended)) == (-signal.SIGKILL, -signal.SIGTERM)


async def test_a_lost_server_takes_its_forks_along_and_the_next_one_starts(server: ForkServer, tmp_path: Path) -> None:
    fork = await server.fork({"REPORT": str(tmp_path / "first")})
    parent = (await report(tmp_path / "first"))["parent"]
    assert isinstance(parent, int)
    os.kill(parent, signal.SIGKILL)
    assert await fork.wait() == -signal.SIGKILL
    await server.fork({"REPORT": str(tmp_path / "second")})
    assert (await report(tmp_path / "second"))["parent"] != parent


async def test_a_module_that_cannot_be_imported_is_the_processs_own_failure(server: ForkServer, tmp_path: Path) -> None:
    (tmp_path / "function" / "needs.py").write_text("import no_such_module")
    fork = await server.fork({"REPORT": str(tmp_path / "report")})
    assert await fork.wait() == 1
    assert "No module named 'no_such_module'" in (tmp_path / "function.log").read_text()


async def test_a_command_that_ends_at_once_is_an_error(tmp_path: Path, children: Children) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": ""}
    broken = ForkServer(["false"], env, tmp_path, tmp_path / "broken.log", children)
    for _ in range(2):
        with pytest.raises(ForkServerEnded, match="broken cannot be started"):
            await broken.fork({})


async def test_a_process_that_is_given_up_before_it_runs_ends_and_hides_no_other_end(
    server: ForkServer, children: Children, tmp_path: Path
) -> None:
    first = await server.fork({"REPORT": str(tmp_path / "first")})
    given_up = asyncio.ensure_future(server.fork({"REPORT": str(tmp_path / "given up")}))
    await asyncio.sleep(0)
    given_up.cancel()
    last = await server.fork({"REPORT": str(tmp_path / "last")})
    (extra,) = children._alive.keys() - {first.pid, last.pid, (await report(tmp_path / "last"))["parent"]}
    assert await asyncio.to_thread(comes_true, lambda: not Path(f"/proc/{extra}").exists())
    children.kill(last)
    assert await children.wait(last) == -signal.SIGKILL


async def test_a_process_that_was_given_up_is_no_failure_of_a_lost_server(tmp_path: Path, children: Children) -> None:
    broken = ForkServer(["false"], {"PATH": os.environ["PATH"], "PYTHONPATH": ""}, tmp_path, tmp_path / "log", children)
    given_up, waiting = [asyncio.ensure_future(broken.fork({})) for _ in range(2)]
    while not broken._requests:  # noqa: ASYNC110  # it has no event to wait for
        await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(ForkServerEnded):
        await waiting
