"""Sends what a client asks for to Gemini.

Items wait until a response is asked for, or until the caller speaks, and leave as turns then. In a session that does
not detect turns, sound waits for its commit likewise, so that it can be cleared.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import orjson

from gateway.canonical.audio import PCM_BYTES_PER_S
from gateway.canonical.realtime import MS
from gateway.errors import InvalidRequest, NotFound
from gateway.realtime.client_events import offered, own_model
from gateway.realtime.events import Event, Head, at, members, read_client
from gateway.realtime.gemini import response
from gateway.realtime.gemini.live import HEARD, WAITING_BYTES_MAX, Live, Utterance
from gateway.realtime.gemini.setup import judged, setup
from gateway.realtime.hand_over import merged
from gateway.realtime.sound import base64_ms
from gateway.realtime.step import Step

# Settings that Gemini has for a session alone.
_OF_SESSION = ("input", "tools", "tool_choice", "max_output_tokens", "audio", "voice", "temperature", "reasoning")
_OUTPUTS = "toolResponse"
_NO_ITEM = "The conversation has no such item."
_ROLES = {"user": "user", "system": "user", "assistant": "model"}


def _update(live: Live, step: Step, data: bytes, _: Head) -> None:
    event = read_client(data)
    own_model(event, live.terms.own_names, "model")
    update = judged(event.get("session"))
    own_model(update, live.terms.own_names)
    session = merged(live.state.session, update)
    before, live.state.session = live.state.session, session
    live.meter.told(update)
    live.meter.output_bound(session.get("max_output_tokens"))
    if not live.set_up:
        live.state.updating = True
        live.begin(step)
    elif setup(before, "", None) == setup(session, "", None):
        live.tell_session(step, "session.updated")
    else:
        # A setup cannot be changed: a further socket begins with the new one.
        live.state.updating = live.to_reconnect = True


def _append(live: Live, step: Step, _data: bytes, head: Head) -> None:
    sound = head.audio
    if not isinstance(sound, str):
        raise InvalidRequest("'audio' must be base64.", param="audio", code="invalid_type")
    length = _decoded_bytes(sound, "audio")
    if live.detects:
        ms = length * MS // PCM_BYTES_PER_S
        live.meter.heard(ms)
        live.state.heard_ms += ms
        _send_turns(live, step, complete=False)
        _send_sound(live, step, sound)
    elif sum(map(len, live.state.waiting)) + len(sound) > WAITING_BYTES_MAX:
        raise InvalidRequest("The buffer is full: commit it, or clear it.", param="audio", code="buffer_full")
    else:
        live.state.waiting.append(sound)


def _commit(live: Live, step: Step, _data: bytes, _: Head) -> None:
    waiting, live.state.waiting = live.state.waiting, []
    if live.state.heard_ms == live.state.answered_ms if live.detects else not any(waiting):
        raise InvalidRequest("The buffer holds no sound.", code="input_audio_buffer_commit_empty")
    if live.detects:
        live.to_gemini(step, {"realtimeInput": {"audioStreamEnd": True}})
    else:
        _send_turns(live, step, complete=False)
        if not live.state.committed:
            live.to_gemini(step, {"realtimeInput": {"activityStart": {}}})
        live.state.committed = True
        ms = base64_ms(sum(map(len, waiting)))
        live.meter.heard(ms)
        live.state.heard_ms += ms
        for sound in waiting:
            _send_sound(live, step, sound)
    commit(live, step)


def commit(live: Live, step: Step) -> None:
    """Tells the client that what it said is an item of the conversation."""
    utterance = live.state.utterance or Utterance(live.new_id("item"))
    live.state.utterance, utterance.stopped = utterance, True
    live.state.answered_ms = live.state.heard_ms
    before = live.state.conversation.last_id
    live.tell(step, "input_audio_buffer.committed", previous_item_id=before, item_id=utterance.item_id)
    content = [{"type": "input_audio", "transcript": None}]
    item = {"id": utterance.item_id, "object": "realtime.item", "type": "message", "status": "completed"}
    live.tell_item(step, {**item, "role": "user", "content": content})


def _clear(live: Live, step: Step, _data: bytes, _: Head) -> None:
    live.state.waiting = []
    live.tell(step, "input_audio_buffer.cleared")


def _create(live: Live, step: Step, data: bytes, _: Head) -> None:
    event = read_client(data)
    item = event.get("item")
    if not isinstance(item, dict):
        raise InvalidRequest("'item' must be an object.", param="item", code="invalid_type")
    add = _ITEMS.get(str(item.get("type")))
    if add is None:
        known = ", ".join(map(repr, _ITEMS))
        raise InvalidRequest(f"'item.type' must be one of {known}.", param="item.type", code="invalid_value")
    after = event.get("previous_item_id")
    if after is not None and after != live.state.conversation.last_id:
        message = "Items are added at the end of the conversation."
        raise InvalidRequest(message, param="previous_item_id", code="unsupported_parameter")
    given = item.get("id")
    if live.state.conversation.get(given) is not None:
        raise InvalidRequest("The conversation has an item of this id.", param="item.id", code="invalid_value")
    add(live, item)
    if live.state.response is not None and live.state.response.asked and not live.is_turn:
        # A response waits for the output of each call that Gemini has made beside another.
        _send_outputs(live, step)
    live.meter.told(item)
    item_id = given if isinstance(given, str) and given else live.new_id("item")
    live.tell_item(step, {"status": "completed", **item, "id": item_id, "object": "realtime.item"})


def _message(live: Live, item: Event) -> None:
    role = _ROLES.get(str(item.get("role")))
    if role is None:
        raise InvalidRequest("'item.role' must be user, assistant or system.", param="item.role", code="invalid_value")
    content = item.get("content")
    if not isinstance(content, list) or not content:
        raise InvalidRequest("'item.content' must be a list of parts.", param="item.content", code="invalid_type")
    parts = [_part(part, f"item.content[{place}]") for place, part in enumerate(content)]
    live.state.turns.append({"role": role, "parts": parts})


def _part(part: Any, where: str) -> Event:
    given = members(part)
    text, image = given.get("text"), given.get("image_url")
    if given.get("type") == "input_audio" and isinstance(given.get("audio"), str):
        _decoded_bytes(given["audio"], f"{where}.audio")
        return {"inlineData": {"mimeType": HEARD, "data": given["audio"]}}
    if given.get("type") == "input_image" and isinstance(image, str):
        kind, _, picture = image.partition(";base64,")
        if not kind.startswith("data:image/") or not picture:
            raise InvalidRequest("A picture must be a data URL.", param=f"{where}.image_url", code="invalid_value")
        _decoded_bytes(picture, f"{where}.image_url")
        return {"inlineData": {"mimeType": kind.removeprefix("data:"), "data": picture}}
    if not isinstance(text, str):
        raise InvalidRequest("A part is text, sound in 'audio' or a picture.", param=where, code="invalid_value")
    return {"text": text}


def _decoded_bytes(data: str, where: str) -> int:
    """The length of what is encoded; raises `InvalidRequest`: Gemini closes the socket that brings it no base64."""
    try:
        return len(a2b_base64(data, strict_mode=True))
    except (Error, ValueError):
        raise InvalidRequest(f"'{where}' must be base64.", param=where, code="invalid_value") from None


def _call(live: Live, item: Event) -> None:
    name, call_id = _text(item, "name"), _text(item, "call_id")
    live.state.turns.append({"role": "model", "parts": [{"functionCall": {"name": name, "args": _arguments(item)}}]})
    # Its output, where it follows, is history too.
    live.state.gone.append(call_id)
    live.state.calls[call_id] = name


def _arguments(item: Event) -> Event:
    try:
        return members(orjson.loads(_text(item, "arguments")))
    except orjson.JSONDecodeError:
        raise InvalidRequest("'item.arguments' must be JSON.", param="item.arguments", code="invalid_value") from None


def _output(live: Live, item: Event) -> None:
    call_id, output = _text(item, "call_id"), item.get("output")
    if not isinstance(output, str):
        raise InvalidRequest("'item.output' must be a string.", param="item.output", code="invalid_type")
    name = live.state.calls.pop(call_id, None)
    if name is None:
        message = f"No call {call_id[:64]!r} waits for its output."
        raise InvalidRequest(message, param="item.call_id", code="invalid_tool_call_id")
    answer: Event = {"name": name, "response": {"output": output}}
    if call_id in live.state.gone:
        live.state.gone.remove(call_id)
        live.state.turns.append(_answer(answer))
    else:
        live.state.outputs.append({"id": call_id, **answer})


def take_back(live: Live, call_ids: Sequence[str]) -> None:
    """Has the outputs of calls that Gemini has taken back go as turns: some may be there already."""
    taken = [each for each in live.state.outputs if each["id"] in call_ids]
    live.state.outputs = [each for each in live.state.outputs if each not in taken]
    live.state.turns += map(_answer, taken)
    # The client answers the others all the same.
    live.state.gone += [each for each in call_ids if each in live.state.calls]


def lose_calls(live: Live, frames: Sequence[bytes]) -> tuple[list[bytes], set[str]]:
    """Has the outputs of open calls go as turns, to a further socket which does not know the calls.

    Returns the frames that were not sent, and the ids of the calls, by which the socket is to be told of them.
    """
    known = {*live.state.calls, *(each["id"] for each in live.state.outputs)}
    take_back(live, [each for each in known if each not in live.state.gone])
    found = []
    for frame in frames:
        answers = at(orjson.loads(frame), _OUTPUTS, "functionResponses") or ()
        known |= {each["id"] for each in answers}
        turns = [_answer(each) for each in answers]
        complete = live.state.response is not None
        content = {"clientContent": {"turns": turns, "turnComplete": complete}}
        found.append(orjson.dumps(content) if turns else frame)
    return found, known


def is_output(frame: bytes) -> bool:
    """True for a frame that answers calls."""
    return _OUTPUTS in orjson.loads(frame)


def _answer(output: Event) -> Event:
    answer = {name: value for name, value in output.items() if name != "id"}
    return {"role": "user", "parts": [{"functionResponse": answer}]}


def _text(item: Event, name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"'item.{name}' must be a string.", param=f"item.{name}", code="invalid_type")
    return value


_ITEMS: Mapping[str, Callable[[Live, Event], None]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
}


def _respond(live: Live, step: Step, data: bytes, _: Head) -> None:
    event = read_client(data)
    if not isinstance(event.get("response"), dict | None):
        raise InvalidRequest("'response' must be an object.", param="response", code="invalid_type")
    asked = members(event.get("response"))
    own_model(event, live.terms.own_names, "model")
    own_model(asked, live.terms.own_names, "response.model")
    offered(asked, "response")
    for name in _OF_SESSION:
        if asked.get(name) not in (None, [], "inf", "auto", live.state.session.get(name)):
            message = f"'{name}' is the session's with this model: write items, or update the session."
            raise InvalidRequest(message, param=f"response.{name}", code="unsupported_parameter")
    if asked.get("conversation") == "none":
        message = "The model answers within the conversation alone."
        raise InvalidRequest(message, param="response.conversation", code="unsupported_parameter")
    if live.state.response is not None:
        message = "A response is running: wait for its end, or cancel it."
        raise InvalidRequest(message, code="conversation_already_has_active_response")
    instructions = asked.get("instructions")
    if isinstance(instructions, str) and instructions:
        live.state.turns.append({"role": "user", "parts": [{"text": instructions}]})
    outputs = _send_outputs(live, step)
    # A turn that has called functions is open still: what is said beside an output, or in place of it, interrupts that.
    joined = bool(live.state.turns or live.state.committed) if outputs else live.state.unpaid is not None
    if live.state.committed:
        live.state.committed = False
        _send_turns(live, step, complete=False)
        live.to_gemini(step, {"realtimeInput": {"activityEnd": {}}})
    elif joined or not outputs:
        _send_turns(live, step, complete=True)
    response.begin(live, step, asked).joined = joined


def _cancel(live: Live, step: Step, data: bytes, _: Head) -> None:
    running, wanted = live.state.response, read_client(data).get("response_id")
    if running is None or wanted not in (None, running.id):
        raise InvalidRequest("No such response is running.", code="response_cancel_not_active")
    cancel(live, step, "client_cancelled")


def cancel(live: Live, step: Step, reason: str) -> None:
    """Ends the running response for its client. Gemini cannot be stopped: the rest of its turn is left out."""
    response.finish(live, step, "cancelled", None, {"reason": reason})
    live.state.muted = True


def _truncate(live: Live, step: Step, data: bytes, _: Head) -> None:
    event = read_client(data)
    # Gemini keeps of an interrupted turn what it had sent, by itself.
    told = {name: event.get(name) for name in ("item_id", "content_index", "audio_end_ms")}
    if live.state.conversation.get(told["item_id"]) is None:
        raise NotFound(_NO_ITEM, param="item_id", code="item_truncate_invalid_item_id")
    live.tell(step, "conversation.item.truncated", **told)


def _retrieve(live: Live, step: Step, data: bytes, _: Head) -> None:
    item = live.state.conversation.get(read_client(data).get("item_id"))
    if item is None:
        raise NotFound(_NO_ITEM, param="item_id", code="item_retrieve_invalid_item_id")
    live.tell(step, "conversation.item.retrieved", item={"object": "realtime.item", "status": "completed", **item})


def _refuse(_live: Live, _step: Step, _data: bytes, head: Head) -> None:
    raise InvalidRequest(f"{head.type!r} cannot be said to this model.", param="type", code="unsupported_event")


def _send_outputs(live: Live, step: Step) -> bool:
    """Sends the outputs that are there; false where there are none."""
    outputs, live.state.outputs = live.state.outputs, []
    if outputs:
        live.to_gemini(step, {_OUTPUTS: {"functionResponses": outputs}})
    return bool(outputs)


def _send_turns(live: Live, step: Step, *, complete: bool) -> None:
    turns, live.state.turns = live.state.turns, []
    if turns or complete:
        live.to_gemini(step, {"clientContent": {"turns": turns, "turnComplete": complete}})


def _send_sound(live: Live, step: Step, sound: str) -> None:
    live.to_gemini(step, {"realtimeInput": {"audio": {"mimeType": HEARD, "data": sound}}})


def seeded(items: Iterable[Event], waiting: Iterable[Event], is_open: Container[str]) -> list[Event]:
    """The items of a conversation as turns, for a socket that does not know them, but the last that still wait.

    The outputs of calls that are open are among those.
    """
    turns = [turn for item in items for turn in _turns(item, is_open)]
    for turn in reversed([*waiting]):
        if turns and turns[-1] == turn:
            turns.pop()
    return turns


def _turns(item: Event, is_open: Container[str]) -> Iterable[Event]:
    """An item as a turn. Calls go in words, since their ids are of a session that has ended, but for open ones."""
    match item.get("type"):
        case "message":
            texts = [part["text"] for part in item["content"] if "text" in part]
            yield {"role": _ROLES.get(str(item.get("role")), "user"), "parts": [{"text": text} for text in texts]}
        case "function_call" if item.get("call_id") in is_open:
            yield {"role": "model", "parts": [{"functionCall": {"name": item["name"], "args": _arguments(item)}}]}
        case "function_call":
            yield {"role": "model", "parts": [{"text": f"[{item.get('name')}({item.get('arguments')})]"}]}
        case "function_call_output" if item.get("call_id") not in is_open:
            yield {"role": "user", "parts": [{"text": f"[{item.get('output')}]"}]}


SENDERS: Mapping[str, Callable[[Live, Step, bytes, Head], None]] = {
    "session.update": _update,
    "transcription_session.update": _refuse,
    "input_audio_buffer.append": _append,
    "input_audio_buffer.commit": _commit,
    "input_audio_buffer.clear": _clear,
    "conversation.item.create": _create,
    "conversation.item.truncate": _truncate,
    "conversation.item.retrieve": _retrieve,
    "conversation.item.delete": _refuse,
    "response.create": _respond,
    "response.cancel": _cancel,
    "output_audio_buffer.clear": _refuse,
}
