"""Reads the events of a client that the gateway has to judge or to count, each to the bytes that the provider gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.errors import InvalidRequest
from gateway.realtime.client_events import judged_session, offered, own_item, own_model, own_type
from gateway.realtime.events import Head, members, read_client
from gateway.realtime.sound import SILENCE_MS
from gateway.realtime.talk import Talk

# An event with no more than a type and sound in base64 need not be read for a member that comes twice.
_TYPE, _ESCAPE = b'"type"', b"\\"
# Sound, and settings: what a session itself remembers until its provider has taken it.
APPEND = "input_audio_buffer.append"
UPDATES = ("session.update", "transcription_session.update")
# The predecessor of an item that a client writes before all others.
_ROOT = "root"


def unpaid(_: Talk, data: bytes, __: Head) -> bytes:
    """An event that costs nothing; raises `InvalidRequest` where its provider might read another one in it."""
    read_client(data)
    return data


def _append(talk: Talk, data: bytes, head: Head) -> bytes:
    if data.count(_TYPE) != 1 or _ESCAPE in data:
        read_client(data)
    sound = talk.state.sound
    talk.meter.heard(sound.heard(data, head.audio))
    if sound.detects and not sound.speaking:
        # Of silence there is no transcript.
        talk.meter.silent(SILENCE_MS)
    return data


def _update(talk: Talk, data: bytes, _: Head) -> bytes:
    event = read_client(data)
    own_model(event, talk.own, "model")
    session = event.get("session")
    own_type(members(session), talk.terms.candidate.model.does)
    data = judged_session(data, session, talk.own, talk.upstream_model, talk.transcribers)
    talk.pending.ask(read_client(data))
    talk.follow_modalities()
    talk.meter.told(session)
    return data


def _create(talk: Talk, data: bytes, _: Head) -> bytes:
    event = read_client(data)
    item = event.get("item")
    own_item(item, "item")
    talk.meter.told(item)
    talk.roots += event.get("previous_item_id") == _ROOT
    return data


def _respond(talk: Talk, data: bytes, _: Head) -> bytes:
    if talk.only_transcribes:
        message = "The session only transcribes: it has no responses."
        raise InvalidRequest(message, param="type", code="unsupported_event")
    event = read_client(data)
    asked = event.get("response")
    # The wire has no model in either place: a provider that takes one is not to be told of it here.
    own_model(event, talk.own, "model")
    own_model(members(asked), talk.own, "response.model")
    offered(asked, "response")
    given = members(asked).get("input")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        own_item(item, f"response.input[{index}]")
    talk.meter.told(asked)
    talk.meter.asked(members(asked))
    return data


def _clear(talk: Talk, data: bytes, head: Head) -> bytes:
    data = unpaid(talk, data, head)
    talk.state.sound.taken()
    talk.meter.silent()
    return data


JUDGES: Mapping[str, Callable[[Talk, bytes, Head], bytes]] = {
    **dict.fromkeys(UPDATES, _update),
    APPEND: _append,
    "input_audio_buffer.clear": _clear,
    "conversation.item.create": _create,
    "response.create": _respond,
}
