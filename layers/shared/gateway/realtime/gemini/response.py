"""Writes a response with all events of its life, in their order:
https://developers.openai.com/api/docs/guides/realtime-conversations.

    response.created ─ output_item.added ─ content_part.added ─ deltas ─ … done, in the reverse order ─ response.done
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.realtime import RealtimeUsage
from gateway.realtime.events import Event, at, members
from gateway.realtime.gemini import usage
from gateway.realtime.gemini.live import Live, Response
from gateway.realtime.gemini.setup import PCM
from gateway.realtime.sound import base64_ms
from gateway.realtime.step import Step

# Half a second of sound: a longer piece leaves in several events, since a WebSocket's message may be bounded.
_PIECE = 32_000


def begin(live: Live, step: Step, asked: Any = None) -> Response:
    """The running response, or a new one. `asked` are the members with which a client asks for it."""
    running = live.state.response
    if running is None:
        modalities = (
            at(asked, "output_modalities") or at(asked, "modalities") or live.state.session.get("output_modalities")
        )
        running = Response(
            live.new_id("resp"),
            as_text=modalities == ["text"],
            asked=asked is not None,
            metadata=members(at(asked, "metadata")) or None,
        )
        live.state.response = running
        step.responses += 1
        live.tell(step, "response.created", response=_shown(live, running, "in_progress"))
    return running


def say(live: Live, step: Step, words: str) -> None:
    """Words that the model says, or has said in sound."""
    response = begin(live, step)
    _open(live, step, response)
    response.said += words
    live.meter.delivered(text_bytes=len(words.encode()))
    name = "response.output_text.delta" if response.as_text else "response.output_audio_transcript.delta"
    live.tell(step, name, **_place(response), delta=words)


def sound(live: Live, step: Step, data: str) -> None:
    """Sound in base64. A client that asked for text hears none of it."""
    response = begin(live, step)
    _open(live, step, response)
    live.meter.delivered(ms=base64_ms(len(data)))
    for start in range(0, 0 if response.as_text else len(data), _PIECE):
        live.tell(step, "response.output_audio.delta", **_place(response), delta=data[start : start + _PIECE])


def call(live: Live, step: Step, call_id: str, name: str, arguments: str) -> None:
    """A call of a function, whole."""
    response = begin(live, step)
    _close(live, step, response, "completed")
    item: Event = {"id": live.new_id("item"), "object": "realtime.item", "type": "function_call", "name": name}
    item |= {"status": "in_progress", "call_id": call_id, "arguments": ""}
    place: Event = {"response_id": response.id, "output_index": len(response.output)}
    before = live.state.conversation.last_id
    live.tell(step, "response.output_item.added", **place, item=item)
    live.tell(step, "conversation.item.added", previous_item_id=before, item=item)
    told = {**place, "item_id": item["id"], "call_id": call_id}
    live.tell(step, "response.function_call_arguments.delta", **told, delta=arguments)
    live.tell(step, "response.function_call_arguments.done", **told, name=name, arguments=arguments)
    _item_done(live, step, response, {**item, "status": "completed", "arguments": arguments})
    live.meter.delivered(text_bytes=len(arguments.encode()))


def finish(
    live: Live, step: Step, status: str, used: RealtimeUsage | None, details: Mapping[str, Any] | None = None
) -> None:
    """Ends the running response. Without a report of what it used, it is paid for when that comes."""
    response = live.state.response
    if response is None:
        return
    _close(live, step, response, "completed" if status == "completed" else "incomplete")
    live.state.response = None
    ended = _shown(live, response, status) | {
        "status_details": None if details is None else {"type": status, **details},
        "usage": None if used is None else usage.shown(used),
    }
    live.tell(step, "response.done", response=ended)
    if used is None:
        live.state.unpaid = response.id
    else:
        step.spent += live.pay(response.id, used)


def _open(live: Live, step: Step, response: Response) -> None:
    if response.message is not None:
        return
    response.message, response.said = live.new_id("item"), ""
    item = _message(response, "in_progress", [])
    place = _place(response)
    index = place.pop("content_index")
    before = live.state.conversation.last_id
    live.tell(
        step, "response.output_item.added", response_id=response.id, output_index=place["output_index"], item=item
    )
    live.tell(step, "conversation.item.added", previous_item_id=before, item=item)
    live.tell(step, "response.content_part.added", **place, content_index=index, part=_part(response, ""))


def _close(live: Live, step: Step, response: Response, status: str) -> None:
    if response.message is None:
        return
    place, said = _place(response), response.said
    if response.as_text:
        live.tell(step, "response.output_text.done", **place, text=said)
    else:
        live.tell(step, "response.output_audio.done", **place)
        live.tell(step, "response.output_audio_transcript.done", **place, transcript=said)
    part = _part(response, said)
    live.tell(step, "response.content_part.done", **place, part=part)
    _item_done(live, step, response, _message(response, status, [{**part, "type": f"output_{part['type']}"}]))
    response.message = None


def _item_done(live: Live, step: Step, response: Response, item: Event) -> None:
    before = live.state.conversation.last_id
    live.state.conversation.put(item)
    live.tell(step, "conversation.item.done", previous_item_id=before, item=item)
    live.tell(step, "response.output_item.done", response_id=response.id, output_index=len(response.output), item=item)
    response.output.append(item)


def _message(response: Response, status: str, content: list[Event]) -> Event:
    item = {"id": response.message, "object": "realtime.item", "type": "message", "status": status}
    return {**item, "role": "assistant", "content": content}


def _part(response: Response, said: str) -> Event:
    return {"type": "text", "text": said} if response.as_text else {"type": "audio", "transcript": said}


def _place(response: Response) -> Event:
    place = {"response_id": response.id, "item_id": response.message}
    return {**place, "output_index": len(response.output), "content_index": 0}


def _shown(live: Live, response: Response, status: str) -> Event:
    voice = at(live.state.session, "audio", "output", "voice") or "default"
    return {
        "object": "realtime.response",
        "id": response.id,
        "status": status,
        "status_details": None,
        "output": response.output,
        "conversation_id": f"conv_{live.terms.session_id}",
        "output_modalities": ["text" if response.as_text else "audio"],
        "max_output_tokens": live.state.session.get("max_output_tokens") or "inf",
        "audio": {"output": {"format": PCM, "voice": voice}},
        "usage": None,
        "metadata": response.metadata,
    }
