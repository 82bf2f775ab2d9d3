"""Carries one session through one invocation: holds the provider's socket, and hands over before its time is over."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.wiring.carrying import carry
from gateway.wiring.managed import managed

if TYPE_CHECKING:
    from gateway.ports.sockets import SocketRecord
    from gateway.sockets.carrying import Conversation
    from gateway.sockets.line import Line


async def responses(record: SocketRecord, line: Line, state: bytes | None) -> Conversation:
    """Imports the family of responses at its first session, so that a realtime session does not wait for it."""
    from gateway.http.responses_socket import conversation  # noqa: PLC0415  # realtime does without

    return conversation(record, line, state)


handler = managed(partial(carry, {"responses": responses}))
