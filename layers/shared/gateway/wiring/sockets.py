"""Builds what sessions over sockets need: the ends of the mechanism, and the kinds of sessions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.sockets.clearing import Clearing
from gateway.sockets.connecting import Callers, Connecting
from gateway.sockets.minting import ClientSecrets
from gateway.stores.aws.client import AwsApi
from gateway.stores.aws.deferred_settlements import SqsDeferredSettlements
from gateway.stores.aws.sockets import GatewayConnections, LambdaRuns, SqsMailboxes
from gateway.stores.sockets import DynamoSockets
from gateway.transport import Timeouts
from gateway.wiring.accounts import keys
from gateway.wiring.clearing import clearing_of
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.providers import OWN_KEYS

if TYPE_CHECKING:
    from gateway.sockets.carrying import Tools

# A call that waits for letters does so for ten seconds. One whose answer is lost hides its letters for a time, and one
# that sends to a client is not repeated, so that both are given up late.
WAITING = Timeouts(connect_s=5.0, first_byte_s=30.0, idle_s=10.0)


@cache
def records() -> DynamoSockets:
    """The open sessions and the client secrets."""
    return DynamoSockets(process().aws, process().settings.sockets_table)


@cache
def mailboxes() -> SqsMailboxes:
    """The mailboxes of sessions."""
    return SqsMailboxes(process().aws, patient(), process().settings.mailboxes)


@cache
def patient() -> AwsApi:
    """AWS's services, for calls that take their time."""
    on = process()
    return AwsApi(on.client, on.clock, on.credentials, on.settings.region, on.settings.endpoints, WAITING)


@cache
def runs() -> LambdaRuns:
    """The invocations that carry sessions."""
    chosen = process().settings
    # A function that carries sessions starts itself, and cannot be told its own alias.
    return LambdaRuns(process().aws, chosen.sockets_function or f"{chosen.function_name}:live")


@cache
def deferred() -> SqsDeferredSettlements:
    """The queue of ends that the store could not take."""
    return SqsDeferredSettlements(process().aws, process().settings.settlements_queue_url)


@cache
def callers() -> Callers:
    """Finds out who opens a session."""
    return Callers(keys(), records(), OWN_KEYS, process().clock)


@cache
def connecting() -> Connecting:
    """Begins sessions."""
    return Connecting(records(), mailboxes(), runs(), money(), deferred(), process().clock)


@cache
def client_secrets() -> ClientSecrets:
    """Mints client secrets."""
    return ClientSecrets(records(), money(), deferred(), process().clock)


@cache
def clearing() -> Clearing:
    """Ends what dead sessions have left."""
    return clearing_of(process(), process().clock)


@cache
def tools() -> Tools:
    """The parts that carry sessions."""
    from gateway.sockets.carrying import Tools  # noqa: PLC0415  # the function that carries them alone

    on = process()
    return Tools(records(), mailboxes(), GatewayConnections(patient()), runs(), on.clock, clearing().clear)
