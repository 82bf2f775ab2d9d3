"""Runs scripts in one of the official clients, and judges what came."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from tests.environments import ROOT, node_with, run
from tests.stack.conftest import Stack, lift_limit
from tests.stack.realtime_clients import python_client
from tests.stack.realtime_clients.judge import faults, unpaid
from tests.stack.realtime_clients.scripts import Event
from tests.stack.secured import certificate, secured

Scripts = Mapping[str, Mapping[str, Event]]
# The events of each model's scripts, or the failure.
Told = Mapping[str, Mapping[str, list[Event] | str]]


def sessions(stack: Stack, client: str, scripts: Scripts) -> Iterator[str]:
    """Says what is wrong with the scripts' sessions in that client, and with their charges."""
    owner = stack.with_new_account("50")
    lift_limit(owner)
    told = CLIENTS[client](owner, scripts)
    events: list[Event] = []
    for model, by_name in told.items():
        for name, seen in by_name.items():
            if isinstance(seen, str):
                yield f"{model} {name}: {seen}"
                continue
            events += seen
            yield from (f"{model} {name}: {fault}" for fault in faults(model, name, seen))
    yield from unpaid(events, owner.charges())


def _python(stack: Stack, scripts: Scripts) -> Told:
    async def one(model: str, script: Event) -> list[Event] | str:
        try:
            return await python_client.play(stack, model, script)
        except Exception as error:  # noqa: BLE001  # any is a finding
            return repr(error)

    async def each(model: str) -> Mapping[str, list[Event] | str]:
        return {name: await one(model, script) for name, script in scripts[model].items()}

    async def every() -> Told:
        # The models at once, since most of a session is waiting; each model's sessions one after another.
        return dict(zip(scripts, await asyncio.gather(*map(each, scripts)), strict=True))

    return asyncio.run(every())


def _node(client: str, *options: str) -> Callable[[Stack, Scripts], Told]:
    def play(stack: Stack, scripts: Scripts) -> Told:
        with _arguments(stack, scripts) as (arguments, file):
            command = ["node", *options, "realtime.mjs", client, *arguments]
            told: Told = orjson.loads(run(command, _modules(), NODE_EXTRA_CA_CERTS=str(file)))
        return told

    return play


def _page(stack: Stack, scripts: Scripts) -> Told:
    from tests.stack.browser.__main__ import install

    place = install()
    with _arguments(stack, scripts) as (arguments, _):
        command = ["node", "realtime.mjs", str(_modules()), *arguments]
        told: Told = orjson.loads(run(command, place))
    return told


def _modules() -> Path:
    return node_with("node-clients", ROOT / "tests" / "stack" / "node")


@contextmanager
def _arguments(stack: Stack, scripts: Scripts) -> Iterator[tuple[list[str], Path]]:
    """The arguments of a script of JavaScript, and the certificate: its clients open sockets by TLS alone."""
    with tempfile.TemporaryDirectory() as folder:
        file, told = certificate(Path(folder)), Path(folder) / "scripts.json"
        told.write_bytes(orjson.dumps(scripts))
        with secured(urlsplit(stack.realtime_url).port or 0, file) as port:
            yield [stack.root_url, f"https://127.0.0.1:{port}", stack.api_key, str(told)], file


CLIENTS: Mapping[str, Callable[[Stack, Scripts], Told]] = {
    "python": _python,
    "ws": _node("ws"),
    "websocket": _node("websocket", "--experimental-websocket", "--no-warnings"),
    "page": _page,
}
