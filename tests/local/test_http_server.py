"""Tests that an answer of the stack's ports leaves in one piece, and that much of one leaves at once."""

import asyncio
from collections.abc import Callable
from typing import cast

from local.http_server import WRITTEN_AT_ONCE, JoinedWrites


class Transport:
    """Notes what is done with it."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done


def written(act: Callable[[JoinedWrites, Transport], None]) -> list[bytes | str]:
    """Returns what is done with a transport by the end of a turn of the loop."""
    transport = Transport()

    async def main() -> None:
        act(JoinedWrites(cast("asyncio.Transport", transport)), transport)
        await asyncio.sleep(0)

    asyncio.run(main())
    return transport.done


def test_a_head_and_a_body_are_written_with_one_call() -> None:
    def act(joined: JoinedWrites, transport: Transport) -> None:
        joined.write(b"head")
        joined.write(b"body")
        assert transport.done == []

    assert written(act) == [b"headbody"]


def test_what_was_written_leaves_before_the_close() -> None:
    def act(joined: JoinedWrites, _: Transport) -> None:
        joined.write(b"last")
        joined.close()
        assert joined.is_closing()

    assert written(act) == [b"last", "closed"]


def test_much_is_written_at_once_so_that_its_writer_is_told_to_wait() -> None:
    def act(joined: JoinedWrites, transport: Transport) -> None:
        joined.write(b"head")
        joined.write(b"x" * WRITTEN_AT_ONCE)
        assert len(transport.done) == 1
        joined.write(b"rest")

    assert written(act) == [b"head" + b"x" * WRITTEN_AT_ONCE, b"rest"]
