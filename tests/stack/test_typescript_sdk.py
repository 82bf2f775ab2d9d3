"""Tests of the TypeScript SDK: built, packed, installed in a clean folder, and run there against the stack."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.drawn import drawn
from tests.environments import CACHE, ROOT, locked, node_with, run
from tests.guide_programs import DOCUMENTED, Program, guide_programs
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.dropping_proxy import JAVASCRIPT, judge
from tests.stack.secured import certificate, secured
from tests.stack.test_accounts import PASSWORD
from tests.stack.test_python_sdk import PNG, persons_key  # noqa: F401  # a fixture

SDK = ROOT / "sdks" / "typescript"

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


@pytest.fixture(scope="module")
def installed() -> Path:
    """Returns a folder in which the packed SDK is installed, and its suite lies."""
    place, clean = node_with("typescript-sdk", SDK), CACHE / "typescript-sdk-installed"
    with locked("typescript-sdk"):
        shutil.rmtree(place / "src", ignore_errors=True)
        shutil.copytree(SDK / "src", place / "src")
        for old in place.glob("*.tgz"):
            old.unlink()
        run(["node", "build.mjs"], place)
        run(["npm", "pack", "--silent", "--pack-destination", str(place)], place)
        (tarball,) = place.glob("*.tgz")
        shutil.rmtree(clean, ignore_errors=True)
        clean.mkdir()
        (clean / "package.json").write_text('{ "private": true, "type": "module" }')
        run(["npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", str(tarball)], clean)
        shutil.copytree(SDK / "test", clean / "test")
    return clean


def test_the_written_files_are_those_of_the_document() -> None:
    run([sys.executable, "-m", "sdks.typescript.generate", "--check"], ROOT)


def test_the_package_has_no_dependency_and_only_what_is_built(installed: Path) -> None:
    assert sorted(path.name for path in (installed / "node_modules").iterdir()) == [".package-lock.json", "@nexevo"]
    package = installed / "node_modules" / "@nexevo" / "sdk"
    assert sorted(path.name for path in package.iterdir()) == ["LICENSE", "README.md", "dist", "package.json"]


def test_its_types_are_those_that_a_caller_expects(installed: Path) -> None:
    compiler = CACHE / "typescript-sdk" / "node_modules" / "typescript" / "bin" / "tsc"
    run(["node", str(compiler), "-p", "test"], installed)


def test_blocks_of_users_documents_run_as_they_are_written(
    installed: Path,
    stack: Stack,
    persons_key: str,  # noqa: F811  # the fixture
    tmp_path: Path,
) -> None:
    """Each page's JavaScript, and the reference's samples in our own words; a commit draws a third of them."""
    others = node_with("node-clients", ROOT / "tests" / "stack" / "node")
    (tmp_path / "char.png").write_bytes(PNG)

    def printed(program: Program) -> bytes:
        place = installed if "@nexevo/sdk" in program.text else others
        # A module finds packages from where it lies; its name is this run's own.
        file = place / f"{tmp_path.name}_{program.name}.mjs"
        file.write_text(program.text)
        try:
            return run(
                ["node", str(file)],
                tmp_path,
                NEXEVO_API_KEY=persons_key,
                NEXEVO_BASE_URL=stack.base_url,
                NEXEVO_ROOT_URL=stack.root_url,
                NEXEVO_REALTIME_URL=f"wss://127.0.0.1:{port}/v1",
                NODE_EXTRA_CA_CERTS=str(own),
                PASSWORD=PASSWORD,
            )
        finally:
            file.unlink()

    programs = drawn([*guide_programs("js"), *guide_programs("js", DOCUMENTED)], lambda each: each.name)
    own = certificate(tmp_path)
    # Clients in JavaScript open sockets by TLS alone.
    with secured(urlsplit(stack.realtime_url).port or 0, own) as port, ThreadPoolExecutor(4) as pool:
        told = dict(zip((each.name for each in programs), pool.map(printed, programs), strict=True))
    assert [name for name, words in told.items() if not words.strip()] == []


def test_streams_that_are_dropped_go_on_without_an_event_lost_or_doubled(installed: Path, stack: Stack) -> None:
    def printed(program: str) -> bytes:
        file = installed / "dropped.mjs"
        file.write_text(program)
        return run(["node", str(file)], installed, NEXEVO_API_KEY=stack.api_key)

    judge(JAVASCRIPT, stack, printed)


def test_its_suite_passes_on_the_stack(installed: Path, stack: Stack) -> None:
    account = stack.with_new_account("1000")
    suites = [str(path.relative_to(installed)) for path in sorted((installed / "test").glob("*.test.mjs"))]
    told = run(
        ["node", "--test", "--test-reporter=spec", f"--test-timeout={HANGS_AFTER_S * 1000:.0f}", *suites],
        installed,
        NEXEVO_BASE_URL=account.base_url,
        NEXEVO_API_KEY=account.api_key,
        OPERATIONS=str(ROOT / "sdks" / "operations.json"),
    ).decode()
    assert "skipped 0" in told
    assert told.count("of the README runs") == (SDK / "README.md").read_text().count("```js")
