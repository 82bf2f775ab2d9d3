"""Builds what the console stands on: the API's functions, and a clock."""

from __future__ import annotations

from functools import cache

from gateway.ports.clock import Clock
from gateway.ports.families import Families
from gateway.stores.aws.client import AwsApi
from gateway.stores.aws.families import LambdaFamilies
from gateway.transport import Timeouts
from gateway.wiring.process import process

# The functions' own time, and a little more.
TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=28.0, idle_s=2.0)


@cache
def families() -> Families:
    """The functions that the console asks."""
    on, chosen = process(), process().settings
    aws = AwsApi(on.client, on.clock, on.credentials, chosen.region, chosen.endpoints, TIMEOUTS)
    return LambdaFamilies(aws, chosen.console_functions)


def clock() -> Clock:
    """The process's clock."""
    return process().clock
