"""A proxy that resets connections within their answers, as networks do, and programs whose streams it drops."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import orjson

from tests.agent_runs.harness import call, say, scripted
from tests.stack.conftest import Stack

# Bytes of the answers of the first connections; those that follow are left whole.
DROPS = (6_000, 2_500, 1_500)
RESET = struct.pack("ii", 1, 0)
SPOKEN = "Hello! [[sim: chunks=40 chunk_ms=50]]"
TURNS = [*(call("memory_write", key=f"k{number}", value="v" * 900) for number in range(4)), say("Done.")]
STEPS = f"Work. [[sim: delay_ms=200]] {scripted(*TURNS)}"
PYTHON = """
import json
from nexevo_ai import Nexevo

with Nexevo(base_url=FIRST) as client:
    with client.responses.create(model="gpt-4o", input=SPOKEN, background=True, stream=True) as stream:
        heard = list(stream)
    whole = client.responses.get(heard[-1].response.id)
with Nexevo(base_url=SECOND) as client:
    *steps, done = client.agents.run_stream(task=STEPS, model="gpt-4o")
    kept = client.tasks.get(done.job.id).steps
print(json.dumps({
    "numbers": [each.sequence_number for each in heard],
    "text": "".join(each.delta for each in heard if each.type == "response.output_text.delta"),
    "whole": whole.output_text,
    "steps": [each["step"]["step"] for each in steps],
    "kept": [each["step"] for each in kept],
}))
"""
JAVASCRIPT = """
import Nexevo from "@nexevo/sdk";

const first = new Nexevo({ baseURL: FIRST });
const heard = [];
const asked = { model: "gpt-4o", input: SPOKEN, background: true, stream: true };
for await (const event of await first.responses.create(asked)) heard.push(event);
const second = new Nexevo({ baseURL: SECOND });
const steps = [];
for await (const event of second.agents.runStream({ task: STEPS, model: "gpt-4o" })) steps.push(event);
const done = steps.pop();
console.log(JSON.stringify({
  numbers: heard.map((event) => event.sequence_number),
  text: heard.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join(""),
  whole: (await first.responses.get(heard.at(-1).response.id)).output_text,
  steps: steps.map((event) => event.step.step),
  kept: (await second.tasks.get(done.job.id)).steps.map((step) => step.step),
}));
"""


class Proxy:
    """The proxy's port, and how many answers it has dropped."""

    def __init__(self, target: tuple[str, int], drops: Sequence[int]) -> None:
        self.target = target
        self.drops = list(drops)
        self.dropped = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the API through the proxy."""
        return f"http://127.0.0.1:{self.port}/v1"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                limit = self.drops.pop(0) if self.drops else None
                server = socket.create_connection(self.target)
                threading.Thread(target=_relay, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client, limit), daemon=True).start()

    def _answer(self, server: socket.socket, client: socket.socket, limit: int | None) -> None:
        left = _relay(server, client, limit)
        if left == 0:
            self.dropped += 1
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        for each in (client, server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _relay(source: socket.socket, target: socket.socket, limit: int | None = None) -> int | None:
    """Sends on what comes, up to the limit; returns how much of it is left."""
    with contextlib.suppress(OSError):
        while limit != 0 and (data := source.recv(1_000 if limit is None else min(1_000, limit))):
            target.sendall(data)
            limit = None if limit is None else limit - len(data)
        if limit != 0:
            target.shutdown(socket.SHUT_WR)
    return limit


def judge(program: str, stack: Stack, run: Callable[[str], str | bytes]) -> None:
    """Runs a program whose two streams are dropped, and judges what it has heard."""
    with dropping(stack.base_url) as first, dropping(stack.base_url) as second:
        for name, value in (("FIRST", first.url), ("SECOND", second.url), ("SPOKEN", SPOKEN), ("STEPS", STEPS)):
            # JSON's text is Python's and JavaScript's too.
            program = orjson.dumps(value).decode().join(re.split(rf"\b{name}\b", program))
        told = orjson.loads(run(program))
    assert (first.dropped, second.dropped) == (len(DROPS), len(DROPS))
    assert told["numbers"] == list(range(len(told["numbers"])))
    assert told["text"] == told["whole"] != ""
    assert told["steps"] == told["kept"] != []


@contextlib.contextmanager
def dropping(url: str) -> Iterator[Proxy]:
    """Runs the proxy in front of a server."""
    parts = urlsplit(url)
    proxy = Proxy((str(parts.hostname), int(parts.port or 80)), DROPS)
    try:
        yield proxy
    finally:
        # To close it alone would not wake the thread that accepts.
        proxy.socket.shutdown(socket.SHUT_RDWR)
        proxy.socket.close()
