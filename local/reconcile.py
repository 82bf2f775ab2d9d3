"""Runs the reconciler once on a running stack (`python -m local reconcile`), by the machine's clock or another.

With a later clock a job counts as lost before it is due. Lost or not, a later run takes its place.
"""

import argparse
import asyncio
import sys

import orjson
from msgspec.structs import asdict

from gateway.errors import GatewayError
from gateway.wiring.operator import reconcile
from gateway.wiring.settings import from_environment
from local.operator_commands import NoStack, running_environment


def run(arguments: argparse.Namespace) -> int:
    """Runs the reconciler once and prints its findings. Returns 1 if it was refused, with the reason on stderr."""
    try:
        found = asyncio.run(reconcile(from_environment(running_environment(arguments.data.resolve())), arguments.now))
    except (GatewayError, NoStack) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(orjson.dumps(asdict(found)).decode())
    return 0
