"""Tests the responses of a socket: what a message asks for, the order of the answers, and what a hand-over keeps."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import orjson
import pytest

from gateway.errors import InvalidRequest
from gateway.sockets.line import MESSAGE_BYTES_MAX, Line
from gateway.sockets.responses import (
    CREATE,
    PENDING_MAX,
    STATE_BYTES_MAX,
    Asked,
    Refused,
    ResponsesConversation,
    Say,
    asked_in,
    unpacked,
)
from tests.fakes.sockets import MemoryConnections
from tests.virtual_time import LoopClock, run


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Runs a test in virtual time, in which a second's sleep is what all others do before."""

    @functools.wraps(test)
    def on_it() -> None:
        run(test())

    return on_it


class Answers:
    """Answers each request with its own text; waits in between for as long as it is told to."""

    def __init__(self, turns: Sequence[tuple[str, bytes]] = ()) -> None:
        self.asked: list[Asked] = []
        self.kept: list[Any] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.settles = asyncio.Event()
        self.settles.set()
        self.more: Callable[[int], dict[str, Any]] = lambda _: {}
        self.cut = 0
        self._turns = turns

    async def __call__(self, asked: Asked, say: Say) -> Refused | None:
        self.asked.append(asked)
        number = len(self.asked)
        if orjson.loads(asked.body).get("input") == "refuse":
            return Refused(429, {"retry-after": "3"}, {"code": "rate_limit_exceeded"})
        if orjson.loads(asked.body).get("input") == "revoked":
            return Refused(401, {}, {"code": "invalid_api_key"})
        response: dict[str, Any] = {"id": f"resp_{number}", "instructions": None, "output": [], **self.more(number)}
        try:
            await say(orjson.dumps({"type": "response.created", "response": response}))
            await self.goes_on.wait()
            await say(orjson.dumps({"type": "response.completed", "response": response}))
            await self.settles.wait()
            # Over HTTP the end is told again.
            await say(b'{"type":"error"}')
            await say(b"[DONE]")
        except OSError:
            self.cut += 1
        return None

    def keep(self, response: bytes) -> None:
        self.kept.append(orjson.loads(response)["id"])

    def turns(self) -> Sequence[tuple[str, bytes]]:
        return self._turns


class Socket:
    """A conversation that runs, and both of its ends."""

    def __init__(self, turns: Sequence[tuple[str, bytes]] = (), pending: Sequence[Asked] = ()) -> None:
        self.connections, self.answers = MemoryConnections(), Answers(turns)
        line = Line(self.connections, LoopClock(), "responses", "one")
        self.conversation = ResponsesConversation(line, self.answers, pending)

    async def __aenter__(self) -> "Socket":
        self._running = asyncio.create_task(self.conversation.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()

    @property
    def is_over(self) -> bool:
        """True once the conversation has ended by itself."""
        return self._running.done()

    async def ask(self, given: Any = "Hello", **more: Any) -> None:
        await self.conversation.hear(orjson.dumps({"type": "response.create", "input": given, **more}))

    @property
    def said(self) -> list[dict[str, Any]]:
        """The messages to the client so far."""
        return [orjson.loads(each) for each in self.connections.said]

    async def told(self) -> list[dict[str, Any]]:
        """The messages to the client, once there is no more to say."""
        await asyncio.sleep(1)
        return self.said


@on_a_loop
async def test_responses_are_answered_one_after_another_and_kept() -> None:
    async with Socket() as socket:
        socket.answers.goes_on.clear()
        await socket.ask("one", stream_id="lane")
        await socket.ask("two")
        await socket.told()
        was_quiet = socket.conversation.quiet
        assert len(socket.answers.asked) == 1
        socket.answers.goes_on.set()
        told = await socket.told()
        assert (was_quiet, socket.conversation.quiet) == (False, True)
    assert [(each["type"], each["response"]["id"], each.get("stream_id")) for each in told] == [
        ("response.created", "resp_1", "lane"),
        ("response.completed", "resp_1", "lane"),
        ("response.created", "resp_2", None),
        ("response.completed", "resp_2", None),
    ]
    assert socket.answers.kept == ["resp_1", "resp_2"]
    assert [orjson.loads(each.body) for each in socket.answers.asked] == [
        {"input": "one", "stream": True},
        {"input": "two", "stream": True},
    ]


@on_a_loop
async def test_refusals_and_garbage_are_error_events() -> None:
    async with Socket() as socket:
        await socket.ask("refuse")
        (refused,) = await socket.told()
        for garbage in (b"", b"[]", b"{", b'{"type":"session.update"}', b'{"type":"response.create","type":"x"}'):
            await socket.conversation.hear(garbage)
        told = await socket.told()
    assert refused == {
        "type": "error",
        "status": 429,
        "error": {"code": "rate_limit_exceeded"},
        "headers": {"retry-after": "3"},
    }
    assert [(each["type"], each["status"]) for each in told[1:]] == [("error", 400)] * 5


@on_a_loop
async def test_a_key_that_is_revoked_ends_its_socket_and_another_refusal_does_not() -> None:
    async with Socket() as socket:
        await socket.ask("refuse")
        await socket.told()
        was_over = socket.is_over
        await socket.ask("revoked")
        await socket.ask("more")
        told = await socket.told()
        assert (was_over, socket.is_over) == (False, True)
    assert [each["status"] for each in told] == [429, 401]


@on_a_loop
async def test_a_refused_message_is_told_of_in_its_lane() -> None:
    wrong: list[dict[str, Any]] = [{"generate": "no"}, {"background": True}, {"background": "no"}, {"type": "x"}]
    async with Socket() as socket:
        for number, each in enumerate(wrong):
            await socket.ask(stream_id=f"lane {number}", **each)
        told = await socket.told()
    assert [(each["type"], each["status"], each["stream_id"]) for each in told] == [
        ("error", 400, f"lane {number}") for number in range(len(wrong))
    ]


def test_what_belongs_to_the_event_is_not_asked_for() -> None:
    told = {"type": CREATE, "event_id": "e1", "stream_id": "lane", "generate": True, "background": False}
    asked = asked_in(orjson.dumps({**told, "model": "gpt-5", "stream": False}))
    assert orjson.loads(asked.body) == {"model": "gpt-5", "stream": True}


@on_a_loop
async def test_members_of_the_event_that_are_null_are_none() -> None:
    async with Socket() as socket:
        await socket.ask(stream_id=None, generate=None, background=None)
        created, _ = await socket.told()
    assert (created["type"], "stream_id" in created) == ("response.created", False)


@on_a_loop
async def test_more_requests_than_may_wait_are_refused() -> None:
    async with Socket() as socket:
        socket.answers.goes_on.clear()
        await socket.ask()
        await socket.told()
        for number in range(PENDING_MAX + 1):
            await socket.ask(stream_id=f"lane {number}")
        told = await socket.told()
    assert (told[1]["status"], told[1]["error"]["code"]) == (429, "websocket_stream_limit_reached")
    assert told[1]["stream_id"] == f"lane {PENDING_MAX}"


@on_a_loop
async def test_a_client_that_leaves_has_its_response_end() -> None:
    async with Socket() as socket:
        socket.answers.goes_on.clear()
        await socket.ask()
        await socket.told()
        ending = asyncio.create_task(socket.conversation.end(expired=False))
        await asyncio.sleep(1)
        socket.answers.goes_on.set()
        await ending
    assert socket.answers.cut == 1
    assert len(socket.said) == 1


@on_a_loop
async def test_the_hour_ends_behind_the_response_with_openais_code() -> None:
    async with Socket() as socket:
        socket.answers.goes_on.clear()
        await socket.ask()
        await socket.told()
        ending = asyncio.create_task(socket.conversation.end(expired=True))
        await asyncio.sleep(1)
        socket.answers.goes_on.set()
        await ending
    assert [each["type"] for each in socket.said] == ["response.created", "response.completed", "error"]
    assert socket.said[-1]["error"]["code"] == "websocket_connection_limit_reached"


@on_a_loop
async def test_a_hand_over_keeps_what_waits_and_the_latest_turns_that_fit() -> None:
    large = bytes(i * i % 251 for i in range(997)).hex().encode()
    turns = [("resp_a", b"".join(orjson.dumps(str(i * 7919 % 104729)) for i in range(200_000))), ("resp_b", large)]
    async with Socket(turns) as socket:
        socket.answers.goes_on.clear()
        await socket.ask("runs")
        await socket.told()
        await socket.ask("waits")
        leaving = asyncio.create_task(socket.conversation.leave())
        await asyncio.sleep(1)
        socket.answers.goes_on.set()
        state = await leaving
    assert len(state) <= STATE_BYTES_MAX
    left = unpacked(state)
    assert [orjson.loads(each.body)["input"] for each in left.pending] == ["waits"]
    assert list(left.turns) == [("resp_b", large)]
    assert socket.said[-1]["error"]["code"] == "session_moved"
    async with Socket(left.turns, left.pending) as following:
        assert [each["type"] for each in await following.told()] == ["response.created", "response.completed"]


@on_a_loop
async def test_a_response_that_a_hand_over_cuts_short_is_told_of_on_its_lane() -> None:
    async with Socket() as socket:
        socket.answers.goes_on.clear()
        await socket.ask(stream_id="lane")
        await socket.told()
        await socket.conversation.leave()
    assert (socket.said[-1]["error"]["code"], socket.said[-1]["stream_id"]) == ("session_moved", "lane")


@on_a_loop
async def test_a_response_whose_end_was_told_is_not_cut_short_by_a_hand_over() -> None:
    async with Socket() as socket:
        socket.answers.settles.clear()
        await socket.ask()
        await socket.told()
        await socket.conversation.leave()
    assert [each["type"] for each in socket.said] == ["response.created", "response.completed"]


@on_a_loop
async def test_an_event_that_is_too_large_leaves_out_what_it_repeats_or_ends_the_response() -> None:
    async with Socket() as socket:
        socket.answers.more = lambda number: {"instructions" if number == 1 else "text": "x" * MESSAGE_BYTES_MAX}
        await socket.ask()
        await socket.told()
        await socket.ask()
        told = await socket.told()
        assert socket.conversation.quiet
    assert [each.get("response", {}).get("instructions") for each in told] == [None] * 3
    assert (told[2]["error"]["code"], socket.answers.cut) == ("message_too_large", 1)


def test_an_answer_in_the_background_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        asked_in(b'{"type":"response.create","background":true}')
    assert asked_in(b'{"type":"response.create","generate":false,"background":false}') == Asked(
        b'{"stream":true}', False
    )


@on_a_loop
async def test_an_event_that_cannot_be_sent_cuts_its_response_and_is_told_of() -> None:
    async with Socket() as socket:
        socket.connections.fails_at = 2
        await socket.ask()
        await socket.told()
        await socket.ask()
        told = await socket.told()
    # The pipeline knows a client's failure by its `OSError`; for any other error it would ask another provider.
    assert socket.answers.cut == 1
    assert [each["type"] for each in told] == ["response.created", "error", "response.created", "response.completed"]
