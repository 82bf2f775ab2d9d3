"""Sockets that outlive an invocation: the client's connection, the letters it sends, the session's record, the runs.

A client's connection is API Gateway's. What it sends arrives as letters in a mailbox of the session's own, side by
side and perhaps twice; what it is sent goes by its id. A session is carried by one run after another, each an
invocation that holds the provider's socket until its time is over (docs/adr/0054-realtime-mechanism.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct

from gateway.canonical.money import Hold


class Gone(Exception):
    """Reports that the client's connection is not there: not yet, or no longer."""


class ProviderClosed(Exception):
    """Reports that the provider's socket has closed, or was not opened; `code` is WebSocket's, `status` HTTP's."""

    def __init__(self, code: int, status: int = 0) -> None:
        super().__init__(f"closed with {code}, status {status}")
        self.code = code
        self.status = status


class Letter(Struct, frozen=True):
    """A message of the client as it arrived. `data` is `None` for the end of the connection.

    `at_ms` is when API Gateway took it, epoch milliseconds, and `id` its name for it, which a second copy has too.
    """

    receipt: str
    at_ms: int
    id: str
    data: bytes | None


class SocketRecord(Struct, frozen=True):
    """An open session as it is stored. Times are epoch seconds, durations none.

    `run` is the number of the run that may carry it, and `owner` the invocation that does. `hold` pays for it; by its
    `place` it is one that its key runs at once. `source_ip` is the address by which the key's list is judged.
    `alive_until_s` is renewed by its run; afterwards the session is dead. `state` is sealed, for the next run.
    """

    connection_id: str
    stage: str
    kind: str
    account_id: str
    key_hash: str
    source_ip: str
    model: str
    created_s: int
    over_by_s: int
    alive_until_s: int
    request_id: str
    run: int = 0
    owner: str = ""
    hold: Hold | None = None
    state: bytes | None = None
    settings: bytes = b""
    seen: tuple[str, ...] = ()
    place: Hold | None = None


class ClientSecret(Struct, frozen=True):
    """A secret that opens a session in place of a key, until `expires_at_s`; stored under its hash.

    `source_ip` is the address that has minted it.
    """

    account_id: str
    key_hash: str
    expires_at_s: int
    source_ip: str
    settings: bytes = b""
    hold: Hold | None = None


class SocketRecords(Protocol):
    """The open sessions and the client secrets. Raises `ServiceUnavailable` where the store cannot be reached."""

    async def create(self, record: SocketRecord) -> None:
        """Stores a new session."""

    async def take(self, connection_id: str, run: int, owner: str, alive_until_s: int) -> SocketRecord | None:
        """Takes a run of a session for an invocation; `None` if there is no such run, or another one has it."""

    async def read(self, connection_id: str) -> SocketRecord | None:
        """The session as it is stored."""

    async def save(self, record: SocketRecord) -> bool:
        """Stores a session's record in place of the one of the same run and owner; false where that is gone."""

    async def pass_on(self, record: SocketRecord) -> bool:
        """Stores the record for the run that follows, which may be taken from then on; false where it is lost."""

    async def delete(self, connection_id: str) -> None:
        """Forgets a session."""

    def dead(self, now_s: float) -> AsyncIterator[SocketRecord]:
        """The sessions whose life was not renewed."""

    async def add_secret(self, secret_hash: str, secret: ClientSecret) -> None:
        """Stores a client secret."""

    async def secret(self, secret_hash: str) -> ClientSecret | None:
        """A client secret by its hash."""


class Mailboxes(Protocol):
    """The mailboxes of sessions, each by its connection's id."""

    async def open(self, connection_id: str) -> None:
        """Makes a mailbox; it takes letters once this returns."""

    async def receive(self, connection_id: str, wait_s: int) -> Sequence[Letter]:
        """The letters that have come, ten at most; waits for the first one."""

    async def remove(self, connection_id: str, receipts: Sequence[str]) -> None:
        """Removes letters that were received, ten at most."""

    async def delete(self, connection_id: str) -> None:
        """Deletes a mailbox with what is in it; harmless where it is gone."""


class Connections(Protocol):
    """The clients' connections."""

    async def send(self, stage: str, connection_id: str, data: bytes) -> None:
        """Sends a text message of at most 128 KB; raises `Gone`."""

    async def close(self, stage: str, connection_id: str) -> None:
        """Closes a connection; harmless where it is gone."""

    async def is_open(self, stage: str, connection_id: str) -> bool:
        """True where the connection is there."""


class Runs(Protocol):
    """The invocations that carry sessions."""

    async def start(self, connection_id: str, run: int, secret: str) -> None:
        """Starts a run of a session; `secret` opens the state that the run before has sealed."""


class ProviderSocket(Protocol):
    """An open socket at a provider."""

    async def send(self, data: bytes) -> None:
        """Sends a text message; raises `ProviderClosed`."""

    async def receive(self) -> bytes:
        """The next message; raises `ProviderClosed`."""

    async def close(self) -> None:
        """Closes the socket."""


class ProviderSockets(Protocol):
    """The way to providers' sockets."""

    async def open(self, url: str, headers: Sequence[tuple[str, str]]) -> ProviderSocket:
        """Opens a socket; raises `ProviderClosed`."""
