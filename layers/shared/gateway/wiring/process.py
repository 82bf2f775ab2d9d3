"""Builds what every family of functions shares: settings, clock, connections, AWS. Sockets open at first use."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.runtime.hooks import before_snapshot
from gateway.stores.aws.client import AwsApi, AwsError
from gateway.stores.aws.credentials import StaticCredentials
from gateway.transport import Client, Timeouts
from gateway.wiring import settings
from gateway.wiring.settings import Settings

if TYPE_CHECKING:
    # Loaded where a process serves several requests at a time.
    from gateway.pipeline.sharing import Sharing

IDLE_CONNECTIONS = 64
AWS_TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=2.0, idle_s=2.0)


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return time.time_ns() / 1e9

    def monotonic_s(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


class Process(Struct, frozen=True):
    """The parts that one process has once."""

    settings: Settings
    clock: SystemClock
    client: Client
    credentials: Callable[[], Awaitable[AwsCredentials]]
    aws: AwsApi
    sharing: Sharing | None = None


@cache
def process() -> Process:
    """The parts of this process, from its environment."""
    return of_settings(settings.from_environment())


@before_snapshot
async def _disconnect() -> None:
    """Closes what a hook before this one has opened: connections do not outlive their machine."""
    if process.cache_info().currsize:
        await process().client.close()


async def reconnect() -> None:
    """Opens again what the first request of a restored copy needs: the function's credentials, and the way to the
    store. One that fails now is tried, and reported, by that request.
    """
    with suppress(AwsError):
        await process().aws.prepare("dynamodb")


@cache
def cors_origins() -> frozenset[str]:
    """The origins whose pages may call the API; read alone, since an answer may need nothing else of a process."""
    return settings.cors_origins()


def snap_start() -> bool:
    """True where this process goes on in copies of itself."""
    return settings.snap_start()


def prime_before_snapshot(build: Callable[[], object]) -> None:
    """Has a snapshot, where the process goes on in copies, hold what `build` makes, which every request needs, and the
    modules that only some requests load.
    """
    if not snap_start():
        return

    @before_snapshot
    async def prime() -> None:
        from gateway.wiring.priming import load_all  # noqa: PLC0415  # for SnapStart alone

        build()
        load_all()


def of_settings(chosen: Settings) -> Process:
    """A process of the given settings; its client is closed by the caller where it ends before its interpreter."""
    clock, client = SystemClock(), _client(chosen)
    credentials = _credentials(chosen, client, clock)
    aws = AwsApi(client, clock, credentials, chosen.region, chosen.endpoints, AWS_TIMEOUTS)
    return Process(chosen, clock, client, credentials, aws, _sharing(chosen))


def _client(chosen: Settings) -> Client:
    # As many as requests at a time: each asks one provider, and the store.
    idle_connections_max = max(IDLE_CONNECTIONS, 2 * chosen.concurrency)
    if not chosen.aws_calls_log:
        return Client(idle_connections_max=idle_connections_max)
    from gateway.stores.aws.call_log import LoggedClient  # noqa: PLC0415  # no cold start on AWS pays for it

    return LoggedClient(chosen.aws_calls_log, chosen.function_name, set(chosen.endpoints.values()))


def _sharing(chosen: Settings) -> Sharing | None:
    """Nothing where a process serves one request at a time."""
    if chosen.concurrency == 1:
        return None
    from gateway.pipeline.sharing import Sharing  # noqa: PLC0415  # loaded on managed instances

    return Sharing(chosen.memory_mb)


def _credentials(chosen: Settings, client: Client, clock: SystemClock) -> Callable[[], Awaitable[AwsCredentials]]:
    """Lambda gives a key pair for the life of an environment, or, under SnapStart, an endpoint to ask."""
    if chosen.container_credentials_url:
        from gateway.stores.aws.container_credentials import (  # noqa: PLC0415  # no plain cold start pays for it
            ContainerCredentials,
        )

        return ContainerCredentials(client, clock, chosen.container_credentials_url, chosen.container_credentials_token)
    return StaticCredentials(chosen.aws_credentials or AwsCredentials("", ""))
