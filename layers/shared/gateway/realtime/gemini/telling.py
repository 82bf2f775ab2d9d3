"""Reads what Gemini answers: https://ai.google.dev/api/live#messages.

A turn becomes a response at its first content, unless the client has asked for one already. A call of a function ends
its response, since the client has to answer before Gemini goes on; what both used is reported, and paid, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.realtime.events import Event, at, members
from gateway.realtime.gemini import response
from gateway.realtime.gemini.asking import commit, take_back
from gateway.realtime.gemini.live import Live, Utterance
from gateway.realtime.gemini.usage import turn_usage
from gateway.realtime.step import Step

# Why a turn ended that Gemini did not complete: the words begin with what was at fault.
_REFUSED = ("PROHIBITED", "RESPONSE_REJECTED", "IMAGE_", "INPUT_", "BLOCKLIST", "UNSAFE", "GENERATED_", "SAFETY")


def tell(live: Live, step: Step, message: Event) -> None:
    """Tells the client of everything that one message holds."""
    # The report is of the turn that the same message may end.
    if isinstance(message.get("usageMetadata"), dict):
        _reported(live, message["usageMetadata"])
    for name, read in _READERS.items():
        if name in message:
            read(live, step, message[name])


def _reported(live: Live, told: Event) -> None:
    before = live.state.reported
    if before is None or _total(told) >= _total(before):
        live.state.reported = told


def _total(told: Event) -> int:
    total = told.get("totalTokenCount")
    return total if isinstance(total, int) else 0


def _set_up(live: Live, step: Step, _: Any) -> None:
    live.ready = True
    step.to_provider += live.state.frames
    live.state.frames = []
    if live.state.updating:
        live.state.updating = False
        live.tell_session(step, "session.updated")


def _handle(live: Live, _: Step, told: Any) -> None:
    handle = members(told).get("newHandle")
    if members(told).get("resumable") is True and isinstance(handle, str):
        live.state.handle = handle


def _going(live: Live, _: Step, __: Any) -> None:
    # About a minute before the socket closes, time enough to wait for the end of a response.
    live.to_reconnect = True


def _call(live: Live, step: Step, told: Any) -> None:
    calls = [each for each in _list(members(told).get("functionCalls")) if isinstance(members(each).get("name"), str)]
    if live.state.muted and calls:
        # The rest of a cancelled turn: its calls are answered by no one, and Gemini waits for what is said next.
        live.state.muted = False
        return
    if not calls:
        return
    _heard(live, step)
    for each in calls:
        call_id = each.get("id") if isinstance(each.get("id"), str) else live.new_id("call")
        live.state.calls[call_id] = each["name"]
        response.call(live, step, call_id, each["name"], orjson.dumps(members(each.get("args"))).decode())
    response.finish(live, step, "completed", None)


def _call_gone(live: Live, _: Step, told: Any) -> None:
    take_back(live, [each for each in _list(members(told).get("ids")) if isinstance(each, str)])


def _content(live: Live, step: Step, told: Any) -> None:
    content = members(told)
    _understood(live, step, at(content, "inputTranscription", "text"))
    if content.get("interrupted") is True:
        _interrupted(live, step)
    if not live.state.muted:
        _said(live, step, content)
    if content.get("turnComplete") is True:
        _ended(live, step, str(content.get("turnCompleteReason")))


def _said(live: Live, step: Step, content: Event) -> None:
    words = at(content, "outputTranscription", "text")
    if isinstance(words, str) and words:
        _heard(live, step)
        response.say(live, step, words)
    for part in _list(at(content, "modelTurn", "parts")):
        data, text = at(part, "inlineData", "data"), at(part, "text")
        if at(part, "thought") is True:
            continue
        if isinstance(data, str):
            _heard(live, step)
            response.sound(live, step, data)
        elif isinstance(text, str) and text:
            _heard(live, step)
            response.say(live, step, text)


def _understood(live: Live, step: Step, words: Any) -> None:
    if not isinstance(words, str) or not words:
        return
    utterance = _speaking(live, step)
    utterance.transcript += words
    if at(live.state.session, "audio", "input", "transcription") is not None:
        name = "conversation.item.input_audio_transcription.delta"
        live.tell(step, name, item_id=utterance.item_id, content_index=0, delta=words)


def _speaking(live: Live, step: Step) -> Utterance:
    """The caller's utterance; Gemini tells of a new one by its first words, or by its own interruption."""
    if live.state.utterance is None:
        live.state.utterance = Utterance(live.new_id("item"))
        began = live.state.answered_ms
        live.tell(step, "input_audio_buffer.speech_started", audio_start_ms=began, item_id=live.state.utterance.item_id)
    return live.state.utterance


def _heard(live: Live, step: Step) -> None:
    """Tells the client before an answer that its utterance has ended, where Gemini detects that by itself."""
    # What comes behind an interruption is of the next turn, even if the end of the last one has not been told.
    live.state.replaced = False
    if live.state.response is not None:
        live.state.response.joined = False
    detected = live.detects and live.state.response is None and live.state.heard_ms > live.state.answered_ms
    utterance = live.state.utterance
    if (detected or utterance is not None) and not (utterance is not None and utterance.stopped):
        item_id = _speaking(live, step).item_id
        live.tell(step, "input_audio_buffer.speech_stopped", audio_end_ms=live.state.heard_ms, item_id=item_id)
        commit(live, step)


def _interrupted(live: Live, step: Step) -> None:
    # By the caller's voice, or by what the client asks for after it has cancelled a response, or beside an output.
    if live.state.response is not None and live.state.response.joined:
        live.state.response.joined, live.state.replaced, live.state.muted = False, True, False
        return
    if live.detects and not (live.state.muted and live.state.response is not None):
        # What was answered here was another utterance than the one that interrupts.
        _transcribed(live, step)
        _speaking(live, step)
    if not live.state.muted:
        response.finish(live, step, "cancelled", None, {"reason": "turn_detected"})
    live.state.muted, live.state.replaced = False, True


def _ended(live: Live, step: Step, reason: str) -> None:
    reported, live.state.reported = live.state.reported, None
    used = None if reported is None else turn_usage(reported)
    is_past, live.state.muted, live.state.replaced = live.state.muted or live.state.replaced, False, False
    if not is_past or live.state.response is None:
        _transcribed(live, step)
    else:
        live.state.response.joined = False
    if live.state.response is not None and not is_past:
        if reason.startswith(_REFUSED):
            response.finish(live, step, "incomplete", used, {"reason": "content_filter"})
        else:
            response.finish(live, step, "completed", used)
    elif live.state.unpaid is not None and used is not None:
        step.spent += live.pay(live.state.unpaid, used)


def _transcribed(live: Live, step: Step) -> None:
    """Ends the transcript of an utterance that has been answered."""
    utterance = live.state.utterance
    if utterance is None or not utterance.stopped:
        return
    live.state.utterance = None
    live.state.conversation.transcribe(utterance.item_id, 0, utterance.transcript)
    if at(live.state.session, "audio", "input", "transcription") is not None:
        nothing = {"type": "tokens", "total_tokens": 0, "input_tokens": 0, "output_tokens": 0}
        live.tell(
            step,
            "conversation.item.input_audio_transcription.completed",
            item_id=utterance.item_id,
            content_index=0,
            transcript=utterance.transcript,
            usage=nothing,
        )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


# In the order in which one message is read.
_READERS: Mapping[str, Callable[[Live, Step, Any], None]] = {
    "setupComplete": _set_up,
    "sessionResumptionUpdate": _handle,
    "toolCallCancellation": _call_gone,
    "toolCall": _call,
    "serverContent": _content,
    "goAway": _going,
}
