"""Tests that a repeat of a stream gets the bytes that the first caller got."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gateway.idempotency.ring import Recording

pytestmark = pytest.mark.anyio


@dataclass
class Caller:
    """A sink that may hang up."""

    committed: bool = False
    announced: dict[str, str] = field(default_factory=dict)
    got: list[bytes] = field(default_factory=list)
    gone: bool = False

    def announce(self, headers: Mapping[str, str]) -> None:
        self.announced.update(headers)

    async def write(self, data: bytes) -> None:
        if self.gone:
            raise ConnectionError
        self.committed = True
        self.got.append(data)


async def test_events_pass_at_once_and_are_recorded() -> None:
    caller = Caller()
    recording = Recording(caller)
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        await recording.write(event)
    assert (b"".join(caller.got), recording.body) == (b"data: 1\n\ndata: 2\n\n", b"data: 1\n\ndata: 2\n\n")


async def test_a_recording_is_committed_when_its_sink_is() -> None:
    recording = Recording(Caller())
    before = recording.committed
    await recording.write(b"data: 1\n\n")
    assert (before, recording.committed) == (False, True)


async def test_headers_are_announced_to_the_sink() -> None:
    caller = Caller()
    Recording(caller).announce({"X-Nexevo-Cache": "miss"})
    assert caller.announced == {"X-Nexevo-Cache": "miss"}


async def test_what_did_not_leave_is_not_recorded() -> None:
    recording = Recording(Caller(gone=True))
    with pytest.raises(ConnectionError):
        await recording.write(b"data: 1\n\n")
    assert recording.body == b""
