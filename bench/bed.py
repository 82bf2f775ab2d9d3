"""The test bed: the outside world in its own process, and the kinds of environment inside it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from bench.asks import ASKS, CHAT, KEY, Ask, order
from bench.environment import Kind
from bench.process import line_from, on_cores, spawned
from local import LAYER
from local.functions import function_environment
from local.resource_names import ResourceNames
from local.template import Function, resolve, translate

ROOT = Path(__file__).resolve().parent.parent
# Those that are asked.
FAMILIES = sorted({ask.family for ask in ASKS})


@dataclass(frozen=True, slots=True)
class Bed:
    """Addresses and layer of the test bed. `layer` is the layer that the functions run with; `families` are the
    streaming functions, which have a runtime of their own.
    """

    families: Mapping[str, Kind]
    noop: Kind
    relay: Kind
    layer: Path
    outside: Mapping[str, str]

    @property
    def chat(self) -> Kind:
        """The chat function."""
        return self.families["chat"]

    def request(self, ask: Ask = CHAT, *, key: str = KEY) -> bytes:
        """The event of a request for a whole answer."""
        return ask.event("Say something.", key=key)

    def stream(self, count: int, *, chunk_bytes: int = 5, pause_ms: int = 0, ask: Ask = CHAT) -> bytes:
        """The event of a request for a stream of `count` chunks."""
        return ask.event(order(count, chunk_bytes, pause_ms), stream=True)

    def seen(self) -> dict[str, int]:
        """The number of AWS calls since the last request for it, `in_all` and `before_upstream`; blocks."""
        answer = exchanged(self.outside["aws"], b"GET /seen HTTP/1.1\r\n\r\n")
        seen: dict[str, int] = orjson.loads(answer.partition(b"\r\n\r\n")[2])
        return seen


def exchanged(url: str, request: bytes) -> bytes:
    """The answer to a request, read by a blocking socket in one read."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(request)
        return peer.recv(65536)


@asynccontextmanager
async def open_bed(layer: Path | None, data: Path) -> AsyncIterator[Bed]:
    """Starts the test bed with the template's own functions; `layer` replaces the template's,
    `data` is for logs.
    """
    log = data / "bench.log"
    functions = await asyncio.to_thread(_functions, layer)
    cores = frozenset(os.sched_getaffinity(0))
    measured = frozenset({max(cores)})
    # Unmeasured processes stay off the measured core, if there is another one.
    with on_cores(cores - measured or cores):
        async with _outside(functions["chat"], log) as outside:
            yield _bed(functions, outside, log, measured)


@asynccontextmanager
async def _outside(function: Function, log: Path) -> AsyncIterator[Mapping[str, str]]:
    """Starts the outside world; gives its two base URLs."""
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": f"{function.layers[0]}:{LAYER}:{ROOT}"}
    command = [sys.executable, "-m", "bench.outside"]
    async with spawned(command, env=env, cwd=ROOT, log=log, cores=os.sched_getaffinity(0), pipes=True) as process:
        yield orjson.loads(await line_from(process))


def _functions(layer: Path | None) -> dict[str, Function]:
    """The template's streaming functions by family."""
    stack = resolve(translate(ROOT / "template.yaml"), ROOT, ResourceNames("http://127.0.0.1"))
    found = {function.family: function for function in stack.functions.values() if function.command_prefix}
    if layer is None:
        return found
    prefix = (str(layer / "stream-runtime"),)
    return {name: replace(function, layers=(layer,), command_prefix=prefix) for name, function in found.items()}


def _bed(functions: Mapping[str, Function], outside: Mapping[str, str], log: Path, cores: frozenset[int]) -> Bed:
    services = {f"AWS_ENDPOINT_URL_{name}": outside["aws"] for name in ("DYNAMODB", "SECRETS_MANAGER", "SQS")}

    def kind(name: str, function: Function) -> Kind:
        # The wrapper takes the interpreter from the command that it replaces.
        command = [*function.command_prefix, sys.executable, "-m", "awslambdaric", function.handler]
        env = function_environment(function, os.environ, services)
        return Kind(name, command, env, function.task_root, log, cores)

    families = {name: kind(name, function) for name, function in functions.items()}
    chat = families["chat"]
    bare_env = {**chat.env, "LAMBDA_TASK_ROOT": str(ROOT), "_HANDLER": "bench.noop_app.app"}
    relay_env = {"PROVIDER_URL": outside["provider"].removeprefix("http://").removesuffix("/v1")}
    return Bed(
        families=families,
        noop=replace(chat, name="noop", env=bare_env, cwd=ROOT),
        relay=Kind("relay", [sys.executable, "-m", "bench.relay"], relay_env, ROOT, log, cores),
        layer=functions["chat"].layers[0],
        outside=outside,
    )
