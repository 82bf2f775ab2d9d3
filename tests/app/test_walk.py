"""The walk names each public step of a request that is traced here, in the order of the code, and no other step."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.app.harness import SSE_HEAD, Scripted, app_under_test, delta, event, hello, piece, usage
from tests.arch.tree import ROOT, python_files, syntax, text
from tests.fakes.money import MemoryMoney

pytestmark = pytest.mark.anyio

WALK = Path("docs/walk.md")
GATEWAY = ROOT / "layers/shared/gateway"
# Bytes, arithmetic and clocks: every step uses them, none of them decides where the request goes.
TOOLS = {"canonical", "errors.py", "framing", "ledger", "limits", "logs", "ports", "stores", "transport", "wiring"}

# What the walk names and a request that is served does not call: a member of an error's body, and a failure's class.
NO_STEPS = {"param", "UpstreamError"}


class Trace:
    """The public functions by which a request enters a package of the gateway, each once, in order.

    `called` has every function of the gateway that was called, inside a package too.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.called: set[str] = set()

    def __call__(self, frame: FrameType, what: str, _argument: object) -> None:
        name = frame.f_code.co_qualname
        package = package_of(frame.f_code.co_filename)
        if what != "call" or package is None:
            return
        self.called.add(name)
        if package in TOOLS or name in self.steps:
            return
        is_public = not any(part.startswith(("_", "<")) for part in name.split("."))
        caller = None if frame.f_back is None else package_of(frame.f_back.f_code.co_filename)
        if is_public and caller != package:
            self.steps.append(name)


def package_of(file: str) -> str | None:
    path = Path(file)
    return path.relative_to(GATEWAY).parts[0] if path.is_relative_to(GATEWAY) else None


@contextmanager
def traced() -> Iterator[Trace]:
    trace = Trace()
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(None)


class SlowMoney(MemoryMoney):
    """A store that takes a moment, as a real one does: what begins beside the admission begins before it is over."""

    async def admit(self, *arguments: Any) -> Any:
        for _ in range(5):
            await asyncio.sleep(0)
        return await super().admit(*arguments)


async def answered(number: int, writer: asyncio.StreamWriter) -> None:
    if number == 1:
        frames = [event(delta("Hello")), event(delta(None, "stop")), event(usage()), event(b"[DONE]"), piece(b"")]
        writer.write(SSE_HEAD + b"".join(frames))
        await writer.drain()


def named() -> list[str]:
    """Lists the walk's words in backticks that are names in Python."""
    quoted = re.findall(r"`([A-Za-z_][A-Za-z_0-9]*(?:\.[a-z_][a-z_0-9]*)?)`", text(WALK))
    return [name for name in quoted if Path(name).suffix not in {".toml", ".yaml"}]


def defined() -> set[str]:
    """Every class, function and method of the gateway, methods after their class's name too."""
    names: set[str] = set()
    for path in (path for path in python_files() if path.parts[:2] == ("layers", "shared")):
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.ClassDef):
                names |= {node.name} | {f"{node.name}.{inner.name}" for inner in node.body if hasattr(inner, "name")}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name)
    return names


async def walked(monkeypatch: pytest.MonkeyPatch) -> Trace:
    """Returns the trace of the walk's request."""
    monkeypatch.setattr("tests.app.harness.MemoryMoney", SlowMoney)
    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        with traced() as trace:
            answer = await gateway.ask(hello(stream=True), headers={"idempotency-key": "walk"})
    assert (answer.status, answer.text) == (200, "Hello")
    return trace


async def test_each_public_step_of_a_request_is_in_the_walk_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = await walked(monkeypatch)
    assert len(trace.steps) > 30
    places = {name: place for place, name in reversed(list(enumerate(named())))}
    assert [step for step in trace.steps if step not in places] == []
    assert trace.steps == sorted(trace.steps, key=lambda step: places[step])


async def test_every_name_in_the_walk_is_called_by_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    called = (await walked(monkeypatch)).called
    classes = {name.partition(".")[0] for name in called}
    assert [name for name in named() if name not in called | classes | NO_STEPS] == []


def test_every_name_in_the_walk_is_the_codes() -> None:
    known = defined() | {"param"}
    assert set(named()) > NO_STEPS
    assert [name for name in named() if name not in known] == []
