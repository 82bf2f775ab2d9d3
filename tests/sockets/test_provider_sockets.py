"""Tests that a conversation goes on over another socket of its provider, and that nothing of its client's is lost."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import orjson
import pytest

from gateway.errors import AuthenticationFailed
from gateway.ports.health import SharedStanding
from gateway.ports.sockets import ProviderClosed, SocketRecord
from gateway.ports.upstream import Credential
from gateway.routing.health import target_name
from gateway.sockets.line import MESSAGE_BYTES_MAX, Line
from gateway.sockets.realtime import FAREWELL_S, STALLS_S, STANDS_S, TICK_S, RealtimeConversation
from gateway.sockets.sessions import Kept
from gateway.wiring import realtime as wiring
from tests.sockets.conversations import CREATED, GEMINI, RESPOND, Beside, Socket, leaves, played


def test_a_socket_that_breaks_is_replaced_and_the_frame_that_it_did_not_take_is_sent_again() -> None:
    first, second = Socket([CREATED], takes=0), Socket([])

    async def act(talk: RealtimeConversation) -> None:
        await asyncio.sleep(0)
        await talk.hear(RESPOND)
        await first.close()
        await second.until(lambda: bool(second.sent))
        await second.close()

    beside = Beside(first, second)
    played(beside, "gpt-realtime", act)
    assert second.sent == [RESPOND]
    # Three more sockets that cannot be opened, and the end.
    assert beside.told == ["session.created", "error"]


def test_a_client_that_changes_its_session_with_gemini_has_another_socket_at_once() -> None:
    first, second = Socket([b'{"setupComplete":{}}']), Socket([b'{"setupComplete":{}}'])

    async def act(talk: RealtimeConversation) -> None:
        await talk.hear(b'{"type":"session.update","session":{}}')
        await beside.until(lambda: "session.updated" in beside.told)
        await talk.hear(b'{"type":"session.update","session":{"instructions":"Shout."}}')
        await talk.hear(b'{"type":"input_audio_buffer.append","audio":"AAAA"}')
        await beside.until(lambda: beside.told.count("session.updated") == 2)
        await second.until(lambda: len(second.sent) == 2)
        await second.close()

    beside = Beside(first, second)
    played(beside, GEMINI, act)
    assert "Shout." in second.sent[0].decode()
    assert [next(iter(orjson.loads(frame))) for frame in second.sent] == ["setup", "realtimeInput"]


def test_a_provider_that_cannot_be_reached_ends_the_session() -> None:
    beside = Beside(1006)

    async def act(_: RealtimeConversation) -> None:
        await asyncio.sleep(0)

    played(beside, "gpt-realtime", act)
    assert beside.told == ["error"]


def test_a_client_that_leaves_is_not_given_another_socket() -> None:
    beside = Beside(Socket([CREATED]), Socket([CREATED]))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: bool(beside.told))
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act)
    assert (beside.opens, beside.is_closed) == (1, True)


def test_a_run_that_leaves_opens_no_other_socket() -> None:
    beside = Beside(Socket([CREATED]), Socket([CREATED]))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: bool(beside.told))
        await talk.leave()

    played(beside, "gpt-realtime", act)
    assert beside.opens == 1


def test_a_provider_that_takes_nothing_does_not_hold_up_the_end_of_a_session() -> None:
    beside = Beside(Socket([CREATED], takes=0, waits=True))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: bool(beside.told))
        hearing = asyncio.create_task(talk.hear(RESPOND))
        await asyncio.sleep(1)
        began_s = asyncio.get_running_loop().time()
        await talk.end(expired=False)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(FAREWELL_S)
        await hearing

    played(beside, "gpt-realtime", act)
    assert (beside.opens, beside.is_closed) == (1, True)


def test_what_a_provider_has_not_taken_goes_along_at_a_hand_over_once() -> None:
    first, second = Socket([CREATED], takes=1, waits=True), Socket([CREATED])
    sound = b'{"type":"input_audio_buffer.append","audio":"AAAA"}'
    left: list[bytes | None] = []

    async def leaves_it(talk: RealtimeConversation) -> None:
        await beside.until(lambda: bool(beside.told))
        await talk.hear(sound)
        hearing = asyncio.create_task(talk.hear(RESPOND))
        await asyncio.sleep(1)
        left.append(await talk.leave())
        await hearing

    beside = Beside(first)
    played(beside, "gpt-realtime", leaves_it)
    (state,) = left
    assert state is not None

    async def goes_on(talk: RealtimeConversation) -> None:
        await second.until(lambda: len(second.sent) == 2)
        await talk.end(expired=False)

    played(Beside(second), "gpt-realtime", goes_on, kept=msgspec.json.decode(state, type=Kept))
    assert second.sent == [sound, RESPOND]


def test_a_charge_that_is_being_paid_when_its_run_fails_is_paid_whole() -> None:
    done = b'{"type":"response.done","response":{"id":"resp_1","usage":{"input_tokens":5,"output_tokens":7}}}'
    beside = Beside(Socket([CREATED, done]))
    beside.pays_for_s = 1

    async def act(_: RealtimeConversation) -> None:
        await beside.paying.wait()

    played(beside, "gpt-realtime", act, is_cut=True)
    assert [charged.id for charged, _ in beside.charged] == ["resp_1"]


def test_a_sound_that_a_broken_socket_has_not_taken_is_sent_once() -> None:
    first, second = Socket([CREATED], takes=0), Socket([])
    sound = b'{"type":"input_audio_buffer.append","audio":"AAAA"}'

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: bool(beside.told))
        await talk.hear(sound)
        await first.close()
        await second.until(lambda: bool(second.sent))
        await talk.end(expired=False)

    beside = Beside(first, second)
    played(beside, "gpt-realtime", act)
    assert second.sent == [sound]


def test_a_key_that_is_revoked_ends_its_session() -> None:
    beside = Beside(Socket([CREATED]))

    async def act(_: RealtimeConversation) -> None:
        await asyncio.sleep(2 * STANDS_S)
        assert beside.told == ["session.created"]
        beside.is_revoked = True

    played(beside, "gpt-realtime", act)
    assert beside.told == ["session.created", "error"]


def test_what_a_running_response_has_come_to_is_noted_for_a_death() -> None:
    started = b'{"type":"response.created","response":{"id":"resp_1"}}'
    delta = b'{"type":"response.output_audio.delta","delta":"' + b"A" * 64_000 + b'"}'
    beside = Beside(Socket([CREATED, started, delta, delta]))

    async def act(talk: RealtimeConversation) -> None:
        await asyncio.sleep(TICK_S + 1)
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act)
    _, noted = beside.noted
    assert (noted.usage.audio_output, noted.estimated) == (40, True)
    assert noted.cost_nanousd > 0


def test_a_response_is_noted_before_the_first_tick_and_once() -> None:
    started = b'{"type":"response.created","response":{"id":"resp_1"}}'
    delta = b'{"type":"response.output_audio.delta","delta":"' + b"A" * 64_000 + b'"}'
    beside = Beside(Socket([CREATED, started, delta, delta]))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: beside.told.count("response.output_audio.delta") == 2)
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act)
    (noted,) = beside.noted
    assert (noted.usage.audio_output, noted.estimated) == (20, True)


def test_a_transcript_is_noted_with_what_the_response_beside_it_has_come_to() -> None:
    whisper = b'{"type":"session.updated","session":{"audio":{"input":{"transcription":{"model":"whisper-1"}}}}}'
    started = b'{"type":"response.created","response":{"id":"resp_1"}}'
    delta = b'{"type":"response.output_audio.delta","delta":"' + b"A" * 64_000 + b'"}'
    name = "conversation.item.input_audio_transcription.completed"
    usage = {"type": "duration", "seconds": 3}
    done = orjson.dumps({"type": name, "item_id": "i1", "content_index": 0, "transcript": "Hey", "usage": usage})
    beside = Beside(Socket([CREATED, whisper, started, delta, done]))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: name in beside.told)
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act)
    transcript, so_far = beside.charged[0]
    assert (transcript.model, so_far and so_far.usage.audio_output) == ("whisper-1", 20)


def test_an_event_that_no_message_carries_is_told_of() -> None:
    large = b'{"type":"conversation.item.retrieved","item":"' + b"A" * MESSAGE_BYTES_MAX + b'"}'
    beside = Beside(Socket([CREATED, large]))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: len(beside.told) > 1)
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act)
    assert beside.told == ["session.created", "error"]


@pytest.mark.parametrize(
    "first", [1006, Socket([]), Socket([b"{not json"]), Socket([b'{"type":"error","error":{"code":"overloaded"}}'])]
)
def test_a_provider_that_does_not_greet_has_another_one_serve_the_session(first: Socket | int) -> None:
    second = Socket([CREATED])

    async def act(talk: RealtimeConversation) -> None:
        await talk.hear(RESPOND)
        await second.until(lambda: bool(second.sent))
        await talk.end(expired=False)

    beside = Beside(first, second)
    played(beside, "gpt-realtime", act, "azure")
    assert (beside.told, second.sent) == (["session.created"], [RESPOND])
    assert (beside.hosts, beside.served) == (["here.example", "azure"], ["gpt-realtime"])


def test_a_session_that_ends_before_its_provider_greets_leaves_no_socket_open() -> None:
    socket = Socket([])
    beside = Beside(socket)

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: beside.opens == 1)
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act, is_cut=True)
    assert (socket.is_closed, beside.is_closed) == (True, True)


def test_a_session_whose_provider_has_not_greeted_waits_with_its_hand_over() -> None:
    beside = Beside(Socket([]), Socket([CREATED]))
    quiet: list[bool] = []

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: beside.opens == 1)
        quiet.append(talk.quiet)
        await beside.until(lambda: bool(beside.told))
        await asyncio.sleep(1)
        quiet.append(talk.quiet)
        await talk.end(expired=False)

    played(beside, "gpt-realtime", act, "azure")
    assert quiet == [False, True]


def test_a_provider_whose_breaker_is_open_is_asked_last() -> None:
    beside = Beside(Socket([CREATED]))
    name = target_name("openai", beside.keys[0], "gpt-realtime")
    # Another process has found it so.
    beside.health.standings[name] = SharedStanding(3, until_s=4e9)
    played(beside, "gpt-realtime", leaves, "azure")
    assert beside.hosts == ["azure"]


def test_a_provider_that_breaks_off_and_cannot_be_reached_is_known_to_other_processes() -> None:
    first = Socket([CREATED])

    async def act(_: RealtimeConversation) -> None:
        await beside.until(lambda: bool(beside.told))
        await first.close()

    beside = Beside(first)
    played(beside, "gpt-realtime", act)
    assert list(beside.health.standings) == [target_name("openai", beside.keys[0], "gpt-realtime")]


def test_another_credential_is_asked_before_another_provider() -> None:
    beside = Beside(1006, Socket([CREATED]))
    beside.keys = [Credential(each, f"https://{each}.example", id=each) for each in ("one", "two")]
    played(beside, "gpt-realtime", leaves, "azure")
    assert sorted(beside.hosts) == ["one.example", "two.example"]


def test_a_session_goes_on_at_another_provider_that_is_told_of_it() -> None:
    first, second = Socket([CREATED, b'{"type":"session.updated","session":{"id":"sess_1"}}']), Socket([CREATED])
    update = b'{"type":"session.update","session":{"instructions":"Shout."}}'

    async def act(talk: RealtimeConversation) -> None:
        await talk.hear(update)
        await beside.until(lambda: "session.updated" in beside.told)
        await first.close()
        await second.until(lambda: bool(second.sent))
        await talk.end(expired=False)

    beside = Beside(first, 1006, second)
    played(beside, "gpt-realtime", act, "azure")
    assert beside.hosts == ["here.example", "here.example", "azure"]
    assert orjson.loads(second.sent[0])["session"] == {"instructions": "Shout."}
    assert beside.told == ["session.created", "session.updated"]


def test_a_session_that_is_handed_over_is_asked_at_its_own_account_first() -> None:
    beside = Beside(Socket([]))
    beside.keys = [
        Credential(each, f"https://{each}.example", id=each, weight=each == "one") for each in ("one", "two")
    ]
    played(beside, "gpt-realtime", leaves, "azure", kept=Kept("", b"{}", wire="openai_realtime", credential="two"))
    assert beside.hosts == ["two.example"]


def test_gemini_knows_a_session_only_by_the_account_that_has_begun_it() -> None:
    state = orjson.dumps({"handle": "h1", "session": {"instructions": "Shout."}})

    def setup_of(credential: str) -> dict[str, Any]:
        socket = Socket([])
        beside = Beside(socket)
        beside.keys = [Credential("key", id="one")]
        played(beside, GEMINI, leaves, kept=Kept("", state, wire="gemini_live", credential=credential))
        told: dict[str, Any] = orjson.loads(socket.sent[0])["setup"]["sessionResumption"]
        return told

    assert (setup_of("one"), setup_of("another")) == ({"handle": "h1"}, {})


def test_a_response_that_stalls_is_failed_and_the_session_goes_on() -> None:
    started = b'{"type":"response.created","response":{"id":"resp_1"}}'
    first, second = Socket([CREATED, started]), Socket([])

    async def act(talk: RealtimeConversation) -> None:
        await asyncio.sleep(STALLS_S - TICK_S)
        assert "response.done" not in beside.told
        await asyncio.sleep(3 * TICK_S)
        await talk.hear(RESPOND)
        await second.until(lambda: bool(second.sent))
        await talk.end(expired=False)

    beside = Beside(first, second)
    played(beside, "gpt-realtime", act)
    assert beside.told == ["session.created", "response.created", "response.done"]


def test_a_run_that_leaves_with_the_last_of_the_money_ends_the_session() -> None:
    started = b'{"type":"response.created","response":{"id":"resp_1"}}'
    beside = Beside(Socket([CREATED, started]))

    async def act(talk: RealtimeConversation) -> None:
        await beside.until(lambda: "response.created" in beside.told)
        beside.is_poor = True
        assert await talk.leave() is None

    played(beside, "gpt-realtime", act)
    assert beside.told == ["session.created", "response.created", "response.done", "error"]


def test_an_accounts_own_key_is_asked_before_the_gateways() -> None:
    beside = Beside(ProviderClosed(1006, 401), 1006, Socket([CREATED]))
    played(beside, "gpt-realtime", leaves, "azure", own="first")
    assert beside.hosts == ["own.example", "here.example", "azure"]


def test_an_own_key_that_is_refused_and_alone_is_told_of() -> None:
    beside = Beside(ProviderClosed(1006, 401))
    played(beside, "gpt-realtime", leaves, own="only")
    assert (beside.errors, beside.hosts) == (["provider_key_refused"], ["own.example"])


UPDATE = b'{"type":"session.update","session":{"instructions":"Be brief."}}'
SET_UP = b'{"setupComplete":{}}'


class Refusing(Socket):
    """A socket that closes with a code once it was sent something."""

    def __init__(self, code: int) -> None:
        super().__init__([])
        self._code = code

    async def receive(self) -> bytes:
        await self.until(lambda: bool(self.sent))
        raise ProviderClosed(self._code)


async def updates(talk: RealtimeConversation) -> None:
    """A client that sets its session, and goes once that is confirmed or has failed."""
    await talk.hear(UPDATE)
    await leaves(talk)


@pytest.mark.parametrize("code", [1007, 1008, 1011])
def test_a_setup_that_one_account_refuses_is_sent_to_another_unseen(code: int) -> None:
    refusing, confirms = Refusing(code), Socket([SET_UP])
    beside = Beside(refusing, confirms)
    beside.keys = [Credential(each, f"https://{each}.example", id=each) for each in ("one", "two")]
    played(beside, GEMINI, updates)
    assert sorted(beside.hosts) == ["one.example", "two.example"]
    assert confirms.sent == refusing.sent
    assert beside.told == ["session.created", "session.updated"]


@pytest.mark.parametrize(("code", "opens"), [(1008, 1), (1011, 4)])
def test_a_setup_that_every_account_refuses_ends_the_session(code: int, opens: int) -> None:
    beside = Beside(*(Refusing(code) for _ in range(9)))
    played(beside, GEMINI, updates)
    assert (beside.told, beside.errors, beside.opens) == (["session.created", "error"], ["upstream_error"], opens)


def test_a_setup_that_is_not_answered_is_sent_to_another_account() -> None:
    silent, confirms = Socket([]), Socket([SET_UP])
    beside = Beside(silent, confirms)
    beside.keys = [Credential(each, f"https://{each}.example", id=each) for each in ("one", "two")]
    played(beside, GEMINI, updates)
    assert (silent.is_closed, len(set(beside.hosts))) == (True, 2)
    assert beside.told == ["session.created", "session.updated"]


def test_a_session_that_nothing_was_asked_of_waits_for_its_client() -> None:
    beside = Beside(Socket([]), Socket([]))
    played(beside, GEMINI, leaves)
    assert (beside.opens, beside.told) == (1, ["session.created"])


def test_a_session_that_is_handed_over_before_it_has_begun_begins_in_the_next_run() -> None:
    left: list[bytes | None] = []
    first = Beside(Socket([]), Socket([CREATED]))

    async def leave(talk: RealtimeConversation) -> None:
        await first.until(lambda: first.opens > 0)
        left.append(await talk.leave())

    played(first, "gpt-realtime", leave, "azure")
    assert first.told == []
    assert left[0] is not None
    second = Beside(Socket([CREATED]))
    played(second, "gpt-realtime", leaves, "azure", kept=msgspec.json.decode(left[0], type=Kept))
    assert second.told == ["session.created"]


def test_a_client_whose_session_may_not_go_on_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> RealtimeConversation:
        raise AuthenticationFailed("revoked")

    async def begin() -> None:
        monkeypatch.setattr(wiring, "_conversation", refuse)
        with pytest.raises(AuthenticationFailed):
            await wiring.conversation(cast("SocketRecord", None), cast("Line", beside), None)

    beside = Beside()
    asyncio.run(begin())
    assert beside.errors == ["invalid_api_key"]
