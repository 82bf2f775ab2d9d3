"""Builds what ends dead sessions, which the sweeper does without the rest of them."""

from __future__ import annotations

from gateway.ports.clock import Clock
from gateway.sockets.clearing import Clearing
from gateway.stores.aws.sockets import GatewayConnections, SqsMailboxes
from gateway.stores.sockets import DynamoSockets
from gateway.wiring.money import money_of
from gateway.wiring.process import Process


def clearing_of(on: Process, clock: Clock) -> Clearing:
    """Ends what dead sessions have left, by the settings of a process and a clock."""
    records = DynamoSockets(on.aws, on.settings.sockets_table)
    boxes = SqsMailboxes(on.aws, on.aws, on.settings.mailboxes)
    return Clearing(records, boxes, GatewayConnections(on.aws), money_of(on), clock)
