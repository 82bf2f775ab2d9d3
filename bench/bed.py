"""The test bed: the outside world in its own process, and the three kinds of environment inside it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from bench.environment import Kind, event_with, line_from
from bench.process import on_cores, spawned
from local import LAYER
from local.functions import function_environment
from local.resource_names import ResourceNames
from local.template import Function, resolve, translate

ROOT = Path(__file__).resolve().parent.parent
PROMPT = "What follows is about as long as a short conversation. " * 36
KEY = "sk-xc-bench"


@dataclass(frozen=True, slots=True)
class Bed:
    """Addresses and layer of the test bed. `layer` is the layer that the chat function runs with."""

    chat: Kind
    noop: Kind
    relay: Kind
    layer: Path
    outside: Mapping[str, str]
    sample: Mapping[str, Any]

    def request(self, *, key: str = KEY, **more: Any) -> bytes:
        """The event of a chat request of some 2 KB."""
        return event_with(self.sample, chat_body("Say something.", **more), key)

    def stream(self, count: int, *, chunk_bytes: int = 5, pause_ms: int = 0) -> bytes:
        """The event of a request for a stream of `count` chunks."""
        order = f"{count} chunks of {chunk_bytes} bytes every {pause_ms} ms"
        options = {"stream": True, "stream_options": {"include_usage": True}}
        return event_with(self.sample, chat_body(order, **options), KEY)

    def seen(self) -> dict[str, int]:
        """The number of AWS calls since the last request for it, `in_all` and `before_upstream`; blocks."""
        answer = exchanged(self.outside["aws"], b"GET /seen HTTP/1.1\r\n\r\n")
        seen: dict[str, int] = orjson.loads(answer.partition(b"\r\n\r\n")[2])
        return seen


def chat_body(prompt: str, **more: Any) -> dict[str, Any]:
    """The JSON of a chat request of some 2 KB that ends in `prompt`."""
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": prompt}]
    return {"model": "gpt-4o", "messages": messages, "max_tokens": 16_000, **more}


def exchanged(url: str, request: bytes) -> bytes:
    """The answer to a request, read by a blocking socket in one read."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(request)
        return peer.recv(65536)


@asynccontextmanager
async def open_bed(layer: Path | None, data: Path) -> AsyncIterator[Bed]:
    """Starts the test bed with the template's own chat function; `layer` replaces the template's,
    `data` is for logs.
    """
    log = data / "bench.log"
    function = await asyncio.to_thread(_chat_function, layer)
    cores = frozenset(os.sched_getaffinity(0))
    measured = frozenset({max(cores)})
    # Unmeasured processes stay off the measured core, if there is another one.
    with on_cores(cores - measured or cores):
        async with _outside(function, log) as outside:
            yield _bed(function, outside, log, measured)


@asynccontextmanager
async def _outside(function: Function, log: Path) -> AsyncIterator[Mapping[str, str]]:
    """Starts the outside world; gives its two base URLs."""
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": f"{function.layers[0]}:{LAYER}:{ROOT}"}
    command = [sys.executable, "-m", "bench.outside"]
    async with spawned(command, env=env, cwd=ROOT, log=log, cores=os.sched_getaffinity(0), pipes=True) as process:
        yield orjson.loads(await line_from(process))


def _chat_function(layer: Path | None) -> Function:
    stack = resolve(translate(ROOT / "template.yaml"), ROOT, ResourceNames("http://127.0.0.1"))
    (found,) = (function for function in stack.functions.values() if function.family == "chat")
    if layer is None:
        return found
    return replace(found, layers=(layer,), command_prefix=(str(layer / "stream-runtime"),))


def _bed(function: Function, outside: Mapping[str, str], log: Path, cores: frozenset[int]) -> Bed:
    services = {f"AWS_ENDPOINT_URL_{name}": outside["aws"] for name in ("DYNAMODB", "SECRETS_MANAGER", "SQS")}
    env = function_environment(function, os.environ, services)
    # The wrapper takes the interpreter from the command that it replaces.
    command = [*function.command_prefix, sys.executable, "-m", "awslambdaric", function.handler]
    bare_env = {**env, "LAMBDA_TASK_ROOT": str(ROOT), "_HANDLER": "bench.noop_app.app"}
    relay_env = {"PROVIDER_URL": outside["provider"].removeprefix("http://").removesuffix("/v1")}
    return Bed(
        chat=Kind("chat", command, env, function.task_root, log, cores),
        noop=Kind("noop", command, bare_env, ROOT, log, cores),
        relay=Kind("relay", [sys.executable, "-m", "bench.relay"], relay_env, ROOT, log, cores),
        layer=function.layers[0],
        outside=outside,
        sample=orjson.loads((ROOT / "events" / "chat.json").read_bytes()),
    )
