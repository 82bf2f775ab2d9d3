"""Runs DynamoDB Local if Java 17 is installed. It is fetched from npm at set-up and checked by its hash.

Its licence forbids redistribution, so it is not in the repository. Its own `main` binds every interface, hence
dynamodb.xml beside this file.
"""

import argparse
import asyncio
import base64
import hashlib
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.children import Children
from local.http_server import bind
from local.private_path import private_path

PACKAGE: Final = "amplify-dynamodb-simulator"
VERSION: Final = "2.9.30"
# The value of npm's `dist.integrity` for this version.
INTEGRITY_SHA512: Final = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
EMULATOR: Final = "package/emulator/"
JAVA_VERSION_MIN: Final = 17
CACHE: Final = Path(__file__).resolve().parent.parent / ".cache" / f"dynamodb-local-{VERSION}"
CONFIGURATION: Final = Path(__file__).with_name("dynamodb.xml")

# A small heap and the first compiler only: it starts in under a second and never has real load here.
JVM_FLAGS: Final = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


class Unavailable(Exception):
    """DynamoDB Local cannot run on this machine. The message says why."""


async def install() -> Path:
    """Returns the folder of the unpacked package, which is fetched on first use. Raises Unavailable."""
    await _require_java()
    if not CACHE.is_dir():
        with tempfile.TemporaryDirectory() as scratch:
            tarball = await _fetch(Path(scratch))
            await asyncio.to_thread(_unpack, tarball)
    return CACHE


async def start(children: Children, database: Path, env: Mapping[str, str], log_file: Path) -> str:
    """Starts DynamoDB Local on a database folder and returns its endpoint, which answers as soon as the JVM is up."""
    home = await install()
    path = private_path()
    libraries = home / "DynamoDBLocal_lib"
    command = [
        *("java", *JVM_FLAGS, f"-Dsqlite4java.library.path={libraries}"),
        *("-cp", f"{home / 'DynamoDBLocal.jar'}:{libraries}/*"),
        *("org.eclipse.jetty.xml.XmlConfiguration", str(CONFIGURATION), f"local.path={database}"),
    ]
    with bind(0) as listener, log_file.open("ab") as log:
        process = await children.spawn(
            command, env={**env, "PRIVATE_PATH": path}, cwd=home, stdin=listener.fileno(), stdout=log, stderr=log
        )
        children.watch_service("DynamoDB Local", process)
        return f"http://127.0.0.1:{listener.getsockname()[1]}{path}"


def run(_arguments: argparse.Namespace) -> int:
    """Fetches DynamoDB Local if it can run on this machine (`python -m local setup`). Otherwise moto replaces it."""
    try:
        asyncio.run(install())
    except Unavailable as why:
        print(f"DynamoDB Local was not set up, moto's will stand in: {why}.", file=sys.stderr)
    return 0


async def _require_java() -> None:
    if not shutil.which("java"):
        raise Unavailable("there is no Java")
    _status, output = await _run("java", "-version")
    version = re.search(r'version "(\d+)', output)
    if not version or int(version[1]) < JAVA_VERSION_MIN:
        raise Unavailable(f"Java is older than {JAVA_VERSION_MIN}")


async def _fetch(folder: Path) -> Path:
    if not shutil.which("npm"):
        raise Unavailable("there is no npm to fetch DynamoDB Local with")
    status, output = await _run(*("npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)))
    tarball = folder / f"{PACKAGE}-{VERSION}.tgz"
    if status or not tarball.is_file():
        raise Unavailable(f"npm could not fetch {PACKAGE}: {output.strip()[-200:]}")
    return tarball


def _unpack(tarball: Path) -> None:
    """Moves the package's emulator folder into place in one step, so that two set-ups at the same time are safe."""
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != INTEGRITY_SHA512:
        raise Unavailable(f"{PACKAGE} {VERSION} is not the package that was checked: sha512-{found}")
    CACHE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        _extract(tarball, fresh)
        try:
            fresh.rename(CACHE)
        except OSError:
            if not CACHE.is_dir():
                raise


def _extract(tarball: Path, folder: Path) -> None:
    """Writes the files of the package's emulator folder."""
    with tarfile.open(tarball) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content and member.name.startswith(EMULATOR):
                file = folder / member.name.removeprefix(EMULATOR)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.read())


async def _run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")
