"""The sandbox in a thread of the test's own process, for tests: the function's own code, without Lambda."""

from __future__ import annotations

import asyncio

from gateway.ports.sandbox import Outcome
from gateway.untrusted.python import run


class LocalSandbox:
    """`Sandbox` that runs each program in a worker of its own."""

    async def run(self, code: str) -> Outcome:
        return await asyncio.to_thread(run, code)
