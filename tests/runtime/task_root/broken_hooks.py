"""Hooks that fail, each on the side of the snapshot that the environment names."""

from __future__ import annotations

import os

from gateway.runtime.hooks import after_restore, before_snapshot
from gateway.runtime.invocation import Receive, Scope, Send


async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("this app serves nothing")


async def fail() -> None:
    raise InterruptedError("the hook failed")


{"before": before_snapshot, "after": after_restore}[os.environ["FAILING_SIDE"]](fail)
