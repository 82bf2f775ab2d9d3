"""Runs Python for agents, in an interpreter without files and network, under a role that allows nothing."""

from typing import Any

from gateway.untrusted.python import run
from gateway.wiring.managed import managed


async def run_code(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Runs the program of `{code}`; says what it printed, and why it failed if it did."""
    outcome = run(event["code"])
    return {"output": outcome.output, "error": outcome.error}


handler = managed(run_code)
