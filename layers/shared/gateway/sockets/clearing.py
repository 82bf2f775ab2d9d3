"""Ends what a dead session has left: its hold by its checkpoint, its connection, its mailbox, its record.

The sweeper does it for sessions whose runs have stopped saying that they live, and Lambda's second try of an event for
the run that its first one has lost. Each step is harmless when repeated; the record goes last.
"""

from __future__ import annotations

import logging

from msgspec import Struct

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.money import Money
from gateway.ports.sockets import Connections, Mailboxes, SocketRecord, SocketRecords

log = logging.getLogger(__name__)


class Clearing(Struct, frozen=True):
    """Clears sessions."""

    records: SocketRecords
    mailboxes: Mailboxes
    connections: Connections
    money: Money
    clock: Clock

    async def clear(self, record: SocketRecord) -> None:
        """Ends one dead session; raises `ServiceUnavailable` where a part of it is left for the next time."""
        if record.hold is not None:
            await self.money.expire(record.hold, self.clock.now_s())
        if record.place is not None:
            await self.money.release(record.place, self.clock.now_s())
        await self.connections.close(record.stage, record.connection_id)
        await self.mailboxes.delete(record.connection_id)
        await self.records.delete(record.connection_id)

    async def clear_dead(self) -> int:
        """Ends every dead session, and returns how many there were."""
        found = 0
        async for record in self.records.dead(self.clock.now_s()):
            found += 1
            try:
                await self.clear(record)
            except ServiceUnavailable:
                log.warning("a dead session is left for the next sweep")
            except Exception:
                # One that cannot be read is not to keep the others from their end.
                log.exception("a dead session cannot be ended", extra={"connection_id": record.connection_id})
        return found
