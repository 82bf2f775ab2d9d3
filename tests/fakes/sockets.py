"""Sockets in a process's own memory: records, mailboxes, connections and runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from gateway.errors import ServiceUnavailable
from gateway.ports.sockets import ClientSecret, Gone, Letter, SocketRecord
from local import sqs_rules


class MemorySockets:
    """`SocketRecords` in dictionaries."""

    def __init__(self) -> None:
        self.sessions: dict[str, SocketRecord] = {}
        self.secrets: dict[str, ClientSecret] = {}

    async def create(self, record: SocketRecord) -> None:
        self.sessions[record.connection_id] = record

    async def take(self, connection_id: str, run: int, owner: str, alive_until_s: int) -> SocketRecord | None:
        found = self.sessions.get(connection_id)
        if found is None or found.run != run or found.owner not in {"", owner}:
            return None
        self.sessions[connection_id] = replace(found, owner=owner, alive_until_s=alive_until_s)
        return self.sessions[connection_id]

    async def read(self, connection_id: str) -> SocketRecord | None:
        return self.sessions.get(connection_id)

    async def save(self, record: SocketRecord) -> bool:
        return self._put(record, record)

    async def pass_on(self, record: SocketRecord) -> bool:
        return self._put(record, replace(record, run=record.run + 1, owner=""))

    async def delete(self, connection_id: str) -> None:
        self.sessions.pop(connection_id, None)

    async def dead(self, now_s: float) -> AsyncIterator[SocketRecord]:
        for record in list(self.sessions.values()):
            if record.alive_until_s < int(now_s):
                yield record

    async def add_secret(self, secret_hash: str, secret: ClientSecret) -> None:
        self.secrets[secret_hash] = secret

    async def secret(self, secret_hash: str) -> ClientSecret | None:
        return self.secrets.get(secret_hash)

    def _put(self, before: SocketRecord, after: SocketRecord) -> bool:
        found = self.sessions.get(before.connection_id)
        if found is None or (found.run, found.owner) != (before.run, before.owner):
            return False
        self.sessions[before.connection_id] = after
        return True


class MemoryMailboxes:
    """`Mailboxes` in lists; what is received comes again only where `again` is called."""

    def __init__(self) -> None:
        self.boxes: dict[str, list[Letter]] = {}
        self.removed: list[str] = []
        self._come = asyncio.Event()

    def put(self, connection_id: str, letter: Letter) -> None:
        self.boxes[connection_id].append(letter)
        self._come.set()

    async def open(self, connection_id: str) -> None:
        self.boxes[connection_id] = []

    async def receive(self, connection_id: str, wait_s: int) -> Sequence[Letter]:
        sqs_rules.check("ReceiveMessage", {"WaitTimeSeconds": wait_s})
        if not self.boxes.get(connection_id):
            self._come.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._come.wait()
            except TimeoutError:
                return ()
        box = self.boxes.get(connection_id, [])
        found, box[:10] = box[:10], []
        return found

    async def remove(self, connection_id: str, receipts: Sequence[str]) -> None:
        del connection_id
        sqs_rules.check("DeleteMessageBatch", {"Entries": [{"Id": str(number)} for number, _ in enumerate(receipts)]})
        self.removed += receipts

    async def delete(self, connection_id: str) -> None:
        self.boxes.pop(connection_id, None)


class MemoryConnections:
    """`Connections` that keep what was said; the message of the number `fails_at` finds them down."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.fails_at = 0
        self.closed: list[str] = []
        self.gone = False

    async def send(self, stage: str, connection_id: str, data: bytes) -> None:
        del stage, connection_id
        if self.gone:
            raise Gone
        self.fails_at -= 1
        if self.fails_at == 0:
            raise ServiceUnavailable("down")
        self.said.append(data)

    async def close(self, stage: str, connection_id: str) -> None:
        del stage
        self.closed.append(connection_id)

    async def is_open(self, stage: str, connection_id: str) -> bool:
        del stage, connection_id
        return not self.gone


class MemoryRuns:
    """`Runs` that keep what was started."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int, str]] = []

    async def start(self, connection_id: str, run: int, secret: str) -> None:
        self.started.append((connection_id, run, secret))
