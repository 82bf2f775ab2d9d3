"""Reads the events of a provider of the same wire that tell of money, of names or of the conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.errors import UpstreamError
from gateway.protocols.shared.provider_errors import scrubbed
from gateway.realtime.events import Head, at, error_event, members, put, read_provider
from gateway.realtime.step import Step
from gateway.realtime.talk import Talk
from gateway.realtime.unconfirmed import COMMIT, CREATE, DELETE, RESPOND
from gateway.realtime.usage import response_usage, transcription_usage

FAILED = "The provider reported an error."
_EXPIRED = "session_expired"
# Stands for the id of a response that has none.
_UNNAMED = "unnamed"
_TYPE_OF_CALLERS = "invalid_request_error"
# Members of a session that its responses read.
_READ = ("instructions", "tools")


def _session(talk: Talk, data: bytes, head: Head) -> Step:
    session = members(read_provider(data).get("session"))
    if head.type.endswith("updated"):
        talk.state.session = talk.pending.confirmed(talk.state.session)
    talk.follow(session)
    hides = talk.seeds is not None and talk.seeds.hides_session(head.type)
    # A further socket begins as every session does, until it is set as its client wants it.
    talk.follow_modalities(None if hides else session)
    if not hides and head.type.endswith("created"):
        talk.meter.told({name: session[name] for name in _READ if session.get(name)})
    told = session.get("id")
    if talk.state.session_id is None and isinstance(told, str):
        talk.state.session_id = told
    return Step() if hides else Step(to_client=[talk.renamed(data, session)])


def _conversation(talk: Talk, data: bytes, _: Head) -> Step:
    return Step(to_client=[] if talk.seeds is not None else [data])


def _started(talk: Talk, data: bytes, _: Head) -> Step:
    response = members(read_provider(data).get("response"))
    running = response.get("id")
    talk.starts(running if isinstance(running, str) else _UNNAMED, response)
    talk.unconfirmed.confirmed(RESPOND)
    return Step(to_client=[data], responses=1)


def _done(talk: Talk, data: bytes, _: Head) -> Step:
    event = read_provider(data)
    response = members(event.get("response"))
    output, response_id = response.get("output"), response.get("id")
    # A response out of band is no part of the conversation.
    within = response.get("conversation_id", "") is not None
    for item in output if within and isinstance(output, list) else ():
        talk.state.conversation.put(item)
    ref = response_id if isinstance(response_id, str) else _UNNAMED
    talk.ends(ref)
    # xAI tells what a response has used beside it.
    used = response_usage(response.get("usage")) or response_usage(event.get("usage"))
    ref = talk.new_id() if ref == _UNNAMED else ref
    return Step(to_client=[data], spent=talk.meter.responded(ref, used, talk.clock.now_s(), within=within))


def _transcribed(talk: Talk, data: bytes, _: Head) -> Step:
    event = read_provider(data)
    item_id, index = event.get("item_id"), event.get("content_index")
    talk.state.conversation.transcribe(item_id, index, event.get("transcript"))
    if event.get("status") == "in_progress":
        return Step(to_client=[data])
    # Some say nothing of what a transcript used: it is paid for by the length of its sound.
    used = transcription_usage(event.get("usage"))
    heard_ms = talk.state.sound.length_ms(item_id)
    if talk.only_transcribes:
        talk.state.reconnects = 0
    return Step(to_client=[data], spent=talk.meter.transcribed(str(item_id), index, used, heard_ms))


def _transcribing(talk: Talk, data: bytes, _: Head) -> Step:
    event = read_provider(data)
    talk.meter.transcript_begins(f"{event.get('item_id')}#{event.get('content_index')}")
    return Step(to_client=[data])


def _untranscribed(talk: Talk, data: bytes, _: Head) -> Step:
    event = read_provider(data)
    item_id = str(event.get("item_id"))
    talk.meter.not_transcribed(item_id, f"{item_id}#{event.get('content_index')}")
    return Step(to_client=[data])


def _item(talk: Talk, data: bytes, head: Head) -> Step:
    event = read_provider(data)
    if talk.seeds is not None and talk.seeds.hides_item(event):
        return Step()
    item, before = event.get("item"), event.get("previous_item_id")
    first = before is None and talk.roots > 0 and talk.state.conversation.get(at(item, "id")) is None
    talk.roots -= first
    if not head.type.endswith("done"):
        talk.unconfirmed.confirmed(CREATE, at(item, "id"))
    talk.state.conversation.put(item, before, first=first)
    return Step(to_client=[data])


def _dropped(talk: Talk, data: bytes, _: Head) -> Step:
    item_id = read_provider(data).get("item_id")
    talk.unconfirmed.confirmed(DELETE, item_id)
    talk.state.conversation.drop(item_id)
    return Step(to_client=[data])


def _committed(talk: Talk, data: bytes, _: Head) -> Step:
    item_id = read_provider(data).get("item_id")
    talk.state.sound.taken(item_id)
    talk.meter.committed(item_id)
    talk.unconfirmed.confirmed(COMMIT)
    # A transcript is what such a session is asked for.
    return Step(to_client=[data], responses=int(talk.only_transcribes))


def _speech(talk: Talk, data: bytes, head: Head) -> Step:
    talk.state.sound.speech(read_provider(data), begins=head.type.endswith("started"))
    return Step(to_client=[data])


def _spoken(talk: Talk, data: bytes, head: Head) -> Step:
    talk.meter.delivered(ms=talk.state.sound.spoken_ms(head.delta))
    return Step(to_client=[data])


def _written(talk: Talk, data: bytes, head: Head) -> Step:
    talk.meter.delivered(text_bytes=len(head.delta.encode()) if isinstance(head.delta, str) else 0)
    return Step(to_client=[data])


def _failed(talk: Talk, data: bytes, _: Head) -> Step:
    error = members(read_provider(data).get("error"))
    talk.pending.failed(error)
    talk.follow_modalities()
    if talk.wrote(error.get("event_id")) or (talk.seeds is not None and talk.seeds.hides_error(error)):
        return Step()
    if error.get("code") == _EXPIRED:
        # A provider bounds the time of a socket, not of a conversation.
        return Step(to_client=talk.cut_short(), spent=talk.last(), reconnect=True)
    talk.unconfirmed.failed(error)
    if error.get("type") != _TYPE_OF_CALLERS:
        return Step(to_client=[error_event(UpstreamError(FAILED), talk.new_id())])
    said, harmless = error.get("message"), scrubbed(error.get("message"))
    return Step(to_client=[data if harmless == said else put(data, ("error", "message"), harmless)])


READERS: Mapping[str, Callable[[Talk, bytes, Head], Step]] = {
    "session.created": _session,
    "session.updated": _session,
    "transcription_session.created": _session,
    "transcription_session.updated": _session,
    "conversation.created": _conversation,
    "conversation.item.created": _item,
    "conversation.item.added": _item,
    "conversation.item.done": _item,
    "conversation.item.deleted": _dropped,
    "conversation.item.input_audio_transcription.delta": _transcribing,
    "conversation.item.input_audio_transcription.segment": _transcribing,
    "conversation.item.input_audio_transcription.completed": _transcribed,
    "conversation.item.input_audio_transcription.failed": _untranscribed,
    "input_audio_buffer.committed": _committed,
    "input_audio_buffer.speech_started": _speech,
    "input_audio_buffer.speech_stopped": _speech,
    "response.created": _started,
    "response.done": _done,
    "response.output_audio.delta": _spoken,
    "response.audio.delta": _spoken,
    "response.output_text.delta": _written,
    "response.text.delta": _written,
    "response.output_audio_transcript.delta": _written,
    "response.audio_transcript.delta": _written,
    "response.function_call_arguments.delta": _written,
    "error": _failed,
}
