"""Simulates OpenAI's Realtime API, as OpenAI, Azure and xAI serve it: one conversation, events in, events out.

Text is answered in words, and in PCM of those words where sound is wanted. Sound is heard as a sentence that tells its
length and the digest of its bytes, so that a frame which was lost, doubled or out of its place shows in the transcript.
With server VAD, speech is what is louder than `LOUD`. Usage is counted, a tenth of a second of the user and a twentieth
of the model to the token. https://platform.openai.com/docs/api-reference/realtime
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from local.providers import answers, realtime_checks, sounds, tokens
from local.providers.faults import Fault, directives, merged
from local.providers.realtime_checks import ROOT, Known, Refused
from local.providers.realtime_items import (
    BYTES_PER_MS,
    TOKENS_PER_DELTA,
    Event,
    asked,
    heard_as,
    is_loud,
    question_of,
    session_at_first,
    transcript_usage,
    usage,
    words,
)

# A delta of sound is a tenth of a second.
DELTA_BYTES = 100 * BYTES_PER_MS
# What this simulator answers every so many frames of sound with, if a session's instructions say `simulated.echo:10`.
ECHO = "simulated.echo"
_ECHO_EVERY = re.compile(ECHO + r":(\d+)")


@dataclass(slots=True)
class Paced:
    """An event on its way out, and the milliseconds to wait before it."""

    event: Event
    wait_ms: int = 0


@dataclass(slots=True)
class Turn:
    """A response under way: what is left of it to be sent, and what it will have used."""

    id: str
    left: Iterator[Paced]
    response: Event
    item: Event | None = None

    @property
    def within(self) -> bool:
        """False for a response out of band, which is no part of the conversation."""
        return self.response["conversation_id"] is not None


@dataclass(slots=True)
class Heard:
    """The input buffer: its sound, where it began, and whether and since when the user speaks."""

    sound: bytearray = field(default_factory=bytearray)
    at_ms: int = 0
    speaking: str = ""
    silent_ms: int = 0


class Conversation:
    """One session. `received` takes an event and yields what follows at once; `turn` is the response under way.

    Without a `model` it only transcribes: https://developers.openai.com/api/docs/guides/realtime-transcription
    """

    def __init__(self, model: str, serial: int, *, is_xai: bool = False) -> None:
        self._ids = itertools.count(1)
        self._serial = serial
        self.session = session_at_first(model, f"sess_{serial:08d}")
        self.items: list[Event] = []
        self.heard = Heard()
        self.turn: Turn | None = None
        self._is_xai = is_xai
        self.fault = Fault()
        self.frames = 0

    def begun(self) -> list[Event]:
        created = self._event("session.created", session=self.session)
        if not self._is_xai:
            return [created]
        # As recorded: events that OpenAI's wire has not, or no more.
        conversation = {"id": f"conv_{self._serial:08d}", "object": "realtime.conversation"}
        ping = self._event("ping", timestamp=1_785_457_249_653, previous_item_id=None)
        return [created, self._event("conversation.created", conversation=conversation, previous_item_id=None), ping]

    def received(self, text: str) -> list[Event]:
        """Takes an event and returns what follows at once; a response that it begins is in `turn`."""
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            return [self._error("invalid_json", "The event is not a JSON object.")]
        try:
            act = _ACTS[realtime_checks.known_type(event, _ACTS)]
            realtime_checks.check(event, Known(self.items, is_xai=self._is_xai))
            return act(self, event)
        except Refused as refused:
            return [self._error(refused.code, refused.message, event, refused.param)]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return [self._error("invalid_event", f"The event cannot be read: {error!r}", event)]

    def update(self, event: Event) -> list[Event]:
        given = event["session"]
        if given.get("type", self.session["type"]) != self.session["type"]:
            return [self._error("invalid_session_type", "A session's type cannot be changed.", event)]
        if "model" in given and "model" not in self.session:
            return [self._error("unknown_parameter", "Unknown parameter: 'session.model'.", event)]
        if given.get("model", self.session.get("model")) != self.session.get("model"):
            return [self._error("cannot_update_model", "A session's model cannot be changed.", event)]
        self.session = _merged(self.session, given)
        self.fault = merged(directives(str(self.session.get("instructions", ""))))
        return [self._event("session.updated", session=self.session)]

    def append(self, event: Event) -> list[Event]:
        sound = realtime_checks.sound_of(event)
        self.heard.sound += sound
        self.heard.at_ms += len(sound) // BYTES_PER_MS
        told = self._listened(sound) if _detects(self.session) else []
        every = _ECHO_EVERY.search(str(self.session.get("instructions", "")))
        self.frames += 1
        if every is not None and (self.frames - 1) % int(every[1]) == 0:
            told.append({"type": ECHO, "event_id": self._id("event"), "head": event["audio"][:32]})
        return told

    def commit(self, _: Event) -> list[Event]:
        realtime_checks.check_commit(len(self.heard.sound) / BYTES_PER_MS)
        return self._committed(self._id("item"))

    def clear(self, _: Event) -> list[Event]:
        self.heard.sound.clear()
        return [self._event("input_audio_buffer.cleared")]

    def create_item(self, event: Event) -> list[Event]:
        item = {"id": self._id("item"), "object": "realtime.item", "status": "completed", **event["item"]}
        asked = event.get("previous_item_id") or (self.items[-1]["id"] if self.items else ROOT)
        places = {ROOT: 0} | {each["id"]: number for number, each in enumerate(self.items, 1)}
        self.items.insert(places[asked], item)
        return self._added(item, None if asked == ROOT else asked)

    def delete_item(self, event: Event) -> list[Event]:
        item = self._item(event)
        if item is None:
            return [self._no_item("delete", event)]
        self.items.remove(item)
        return [self._event("conversation.item.deleted", item_id=item["id"])]

    def truncate(self, event: Event) -> list[Event]:
        if self._item(event) is None:
            return [self._no_item("truncate", event)]
        told = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        return [self._event("conversation.item.truncated", **told)]

    def retrieve(self, event: Event) -> list[Event]:
        item = self._item(event)
        return [
            self._no_item("retrieve", event) if item is None else self._event("conversation.item.retrieved", item=item)
        ]

    def _item(self, event: Event) -> Event | None:
        return next((item for item in self.items if item["id"] == event["item_id"]), None)

    def _no_item(self, verb: str, event: Event) -> Event:
        message = f"Error: the item with id '{event['item_id']}' does not exist."
        return self._error(f"item_{verb}_invalid_item_id", message, event)

    def respond(self, event: Event) -> list[Event]:
        if "model" not in self.session:
            return [self._error("invalid_value", "A transcription session has no responses.", event)]
        if self.turn is not None:
            message = "Conversation already has an active response in progress."
            return [self._error("conversation_already_has_active_response", message, event)]
        return self._begun(event.get("response") or {})

    def cancel(self, event: Event) -> list[Event]:
        if self.turn is None:
            return [self._error("response_cancel_not_active", "Cancellation failed: no active response found.", event)]
        return self._cancelled("client_cancelled")

    def ended(self) -> None:
        """Notes that the response under way has been sent to its end."""
        self.turn = None

    def _listened(self, sound: bytes) -> list[Event]:
        heard, length_ms = self.heard, len(sound) // BYTES_PER_MS
        told: list[Event] = []
        if is_loud(sound):
            heard.silent_ms = 0
            if not heard.speaking:
                heard.speaking = self._id("item")
                begin = {"audio_start_ms": heard.at_ms - length_ms, "item_id": heard.speaking}
                told.append(self._event("input_audio_buffer.speech_started", **begin))
                if self.turn is not None and _detection(self.session).get("interrupt_response", True):
                    told += self._cancelled("turn_detected")
            return told
        heard.silent_ms += length_ms
        if heard.speaking and heard.silent_ms >= _detection(self.session).get("silence_duration_ms", 200):
            item_id, heard.speaking = heard.speaking, ""
            end = {"audio_end_ms": heard.at_ms, "item_id": item_id}
            told.append(self._event("input_audio_buffer.speech_stopped", **end))
            told += self._committed(item_id)
            if "model" in self.session and _detection(self.session).get("create_response", True):
                told += self._begun({})
        return told

    def _committed(self, item_id: str) -> list[Event]:
        sound, before = bytes(self.heard.sound), self.items[-1]["id"] if self.items else None
        self.heard.sound.clear()
        transcript = heard_as(sound)
        item = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        shown = {**item, "content": [{"type": "input_audio", "transcript": None}]}
        part = {"type": "input_audio", "transcript": transcript, "ms": len(sound) // BYTES_PER_MS}
        kept = {**item, "content": [part]}
        self.items.append(kept)
        told = [self._event("input_audio_buffer.committed", previous_item_id=before, item_id=item_id)]
        told += self._added(shown, before)
        if _transcribes(self.session):
            done = {"item_id": item_id, "content_index": 0}
            delta = "conversation.item.input_audio_transcription.delta"
            told += [self._event(delta, **done, delta=word) for word in words(transcript)]
            usage = transcript_usage(self.session["audio"]["input"]["transcription"], sound, transcript)
            completed = "conversation.item.input_audio_transcription.completed"
            told.append(self._event(completed, **done, transcript=transcript, usage=usage))
        return told

    def _added(self, item: Event, before: str | None) -> list[Event]:
        return [
            self._event("conversation.item.added", previous_item_id=before, item=item),
            self._event("conversation.item.done", previous_item_id=before, item=item),
        ]

    def _cancelled(self, reason: str) -> list[Event]:
        turn, self.turn = self.turn, None
        if turn is None:
            return []
        details = {"type": "cancelled", "reason": reason}
        response = turn.response | {"status": "cancelled", "status_details": details}
        if turn.item is not None:
            response["output"] = [turn.item | {"status": "incomplete"}]
        return [self._done(response)]

    def _done(self, response: Event) -> Event:
        if self._is_xai:
            return self._event("response.done", response=response | {"usage": {}}, usage=response["usage"])
        return self._event("response.done", response=response)

    def _begun(self, wanted: Mapping[str, Any]) -> list[Event]:
        set_to = _merged(self.session, dict(wanted))
        within = wanted.get("conversation", "auto") != "none"
        items = self._given(wanted["input"]) if "input" in wanted else self.items
        fault = merged([self.fault, *directives(question_of(items))])
        draft = answers.compose(asked(set_to, items), fault)
        spoken = "audio" in set_to["output_modalities"]
        response = {
            "object": "realtime.response",
            "id": self._id("resp"),
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": f"conv_{self._serial:08d}" if within else None,
            "output_modalities": set_to["output_modalities"],
            "max_output_tokens": set_to["max_output_tokens"],
            "audio": {"output": {name: set_to["audio"]["output"][name] for name in ("format", "voice")}},
            "usage": None,
            "metadata": wanted.get("metadata"),
        }
        written = response | {"usage": usage(set_to, items, draft, spoken=spoken)}
        self.turn = Turn(response["id"], iter(()), written)
        self.turn.left = self._spoken(self.turn, draft, fault, spoken=spoken)
        return [self._event("response.created", response=response)]

    def _given(self, items: list[Event]) -> list[Event]:
        """The items that a response is asked for with; one may be a reference to the conversation's."""
        known = {item["id"]: item for item in self.items}
        return [known[item["id"]] if item["type"] == "item_reference" else item for item in items]

    def _spoken(self, turn: Turn, draft: answers.Draft, fault: Fault, *, spoken: bool) -> Iterator[Paced]:
        """The events of a response, each made when it is its turn."""
        output: list[Event] = []
        wait_ms = fault.chunk_ms
        if draft.text:
            item: Event = {"id": self._id("item"), "object": "realtime.item", "type": "message"}
            item |= {"status": "in_progress", "role": "assistant", "content": []}
            yield from self._opened(turn, item, len(output))
            yield from self._said(turn, item, draft.text, wait_ms, spoken=spoken)
            kind, member = ("output_audio", "transcript") if spoken else ("output_text", "text")
            output.append(item | {"status": "completed", "content": [{"type": kind, member: draft.text}]})
            yield from self._closed(turn, output)
        for call in draft.calls:
            item = {"id": self._id("item"), "object": "realtime.item", "type": "function_call"}
            item |= {"status": "in_progress", "name": call.name, "call_id": self._id("call"), "arguments": ""}
            yield from self._opened(turn, item, len(output))
            place = {"response_id": turn.id, "item_id": item["id"], "output_index": len(output)}
            place |= {"call_id": item["call_id"]}
            for piece in tokens.cut(call.arguments, TOKENS_PER_DELTA):
                yield Paced(self._event("response.function_call_arguments.delta", **place, delta=piece), wait_ms)
            done = {"name": call.name, "arguments": call.arguments}
            yield Paced(self._event("response.function_call_arguments.done", **place, **done))
            output.append(item | {"status": "completed", "arguments": call.arguments})
            yield from self._closed(turn, output)
        turn.item = None
        ended = turn.response | {"status": "completed", "output": output}
        if draft.ended is answers.Ended.LENGTH:
            ended |= {"status": "incomplete", "status_details": {"type": "incomplete", "reason": "max_output_tokens"}}
        yield Paced(self._done(ended))

    def _opened(self, turn: Turn, item: Event, index: int) -> Iterator[Paced]:
        before = self.items[-1]["id"] if self.items else None
        turn.item = item
        yield Paced(self._event("response.output_item.added", response_id=turn.id, output_index=index, item=item))
        if turn.within:
            self.items.append(item)
            yield Paced(self._event("conversation.item.added", previous_item_id=before, item=item))

    def _closed(self, turn: Turn, output: list[Event]) -> Iterator[Paced]:
        item = output[-1]
        if turn.within:
            places = [number for number, each in enumerate(self.items) if each["id"] == item["id"]]
            for place in places:
                self.items[place] = item
            before = self.items[places[0] - 1]["id"] if any(places) else None
            yield Paced(self._event("conversation.item.done", previous_item_id=before, item=item))
        done = {"response_id": turn.id, "output_index": len(output) - 1, "item": item}
        yield Paced(self._event("response.output_item.done", **done))

    def _said(self, turn: Turn, item: Event, text: str, wait_ms: int, *, spoken: bool) -> Iterator[Paced]:
        place = {"response_id": turn.id, "item_id": item["id"], "output_index": 0, "content_index": 0}
        kind, member = ("audio", "transcript") if spoken else ("text", "text")
        name = "response.output_audio_transcript" if spoken else "response.output_text"
        yield Paced(self._event("response.content_part.added", **place, part={"type": kind, member: ""}))
        for piece in tokens.cut(text, TOKENS_PER_DELTA):
            yield Paced(self._event(f"{name}.delta", **place, delta=piece), wait_ms)
            if spoken:
                sound = b"".join(sounds.frames("pcm", piece, sounds.seconds(piece) / 8))
                for at in range(0, len(sound), DELTA_BYTES):
                    delta = base64.b64encode(sound[at : at + DELTA_BYTES]).decode()
                    yield Paced(self._event("response.output_audio.delta", **place, delta=delta), wait_ms)
        if spoken:
            yield Paced(self._event("response.output_audio.done", **place))
        yield Paced(self._event(f"{name}.done", **place, **{member: text}))
        yield Paced(self._event("response.content_part.done", **place, part={"type": kind, member: text}))

    def _error(self, code: str, message: str, event: Event | None = None, param: str | None = None) -> Event:
        told = {"type": "invalid_request_error", "code": code, "message": message, "param": param}
        return self._event("error", error=told | {"event_id": None if event is None else event.get("event_id")})

    def _event(self, kind: str, **members: Any) -> Event:
        return {"type": kind, "event_id": self._id("event"), **members}

    def _id(self, kind: str) -> str:
        return f"{kind}_{self._serial:08d}_{next(self._ids):06d}"


_ACTS = {
    "session.update": Conversation.update,
    "input_audio_buffer.append": Conversation.append,
    "input_audio_buffer.commit": Conversation.commit,
    "input_audio_buffer.clear": Conversation.clear,
    "conversation.item.create": Conversation.create_item,
    "conversation.item.delete": Conversation.delete_item,
    "conversation.item.truncate": Conversation.truncate,
    "conversation.item.retrieve": Conversation.retrieve,
    "response.create": Conversation.respond,
    "response.cancel": Conversation.cancel,
}


def _merged(stands: Event, given: Event) -> Event:
    merged = dict(stands)
    for name, value in given.items():
        before = merged.get(name)
        merged[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _detection(session: Event) -> Event:
    return session["audio"]["input"]["turn_detection"] or {}


def _detects(session: Event) -> bool:
    return bool(_detection(session))


def _transcribes(session: Event) -> bool:
    return bool(session["audio"]["input"]["transcription"])
