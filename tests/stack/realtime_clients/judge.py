"""Judges the events that clients got: their shapes, their order, what they say, and what was charged for them."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pydantic
from openai.types.realtime.realtime_server_event import RealtimeServerEvent

from tests.stack.realtime_clients.scripts import MODELS, SPEECH, UTTERANCE, Event, digest

_EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RealtimeServerEvent)
_DELTAS = {
    "response.output_text.delta": ("response.output_text.done", "text"),
    "response.output_audio_transcript.delta": ("response.output_audio_transcript.done", "transcript"),
    "response.function_call_arguments.delta": ("response.function_call_arguments.done", "arguments"),
}
# Events that OpenAI's SDK knows nothing of, and passes on.
_OF_XAI = frozenset({"ping"})
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


def faults(model: str, name: str, events: Sequence[Event]) -> Iterator[str]:
    """Says what is wrong with the events of a session."""
    for event in events:
        if event["type"] in _OF_XAI:
            continue
        try:
            _EVENT.validate_python(event)
        except pydantic.ValidationError as error:
            yield f"{event.get('type')} is not as the SDK describes it: {_places(error, event)}"
    yield from _order(events)
    wrong = _MEANS[name](MODELS[model], events)
    if wrong is not None:
        yield wrong


def _places(error: pydantic.ValidationError, event: Event) -> list[str]:
    """The places of a union's member that the event's type names."""
    own = [each for each in error.errors() if str(event.get("type")) in map(str, each["loc"])] or error.errors()
    return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in own[:3]]


def _order(events: Sequence[Event]) -> Iterator[str]:
    """Judges a session's order: responses begin and end once, and what is of one comes between."""
    if events[0]["type"] != "session.created":
        yield f"the first event is {events[0]['type']}"
    if len({event["event_id"] for event in events}) != len(events):
        yield "an event id stands twice"
    running: set[str] = set()
    items: set[str] = set()
    for event in (event for event in events if event["type"].startswith("response.")):
        kind, response = event["type"], event.get("response_id") or event["response"]["id"]
        if (kind == "response.created") == (response in running):
            yield f"{kind} is of a response that runs already, or not any more"
        if kind == "response.output_item.added":
            items.add(event["item"]["id"])
        if event.get("item_id", event.get("item", {}).get("id")) not in {None, *items}:
            yield f"{kind} is of an item that was not added"
        running = running - {response} if kind == "response.done" else running | {response}
    if running:
        yield "a response did not end"
    yield from _whole(events)


def _whole(events: Sequence[Event]) -> Iterator[str]:
    """Compares what deltas have told with what their end says."""
    for name, (done, member) in _DELTAS.items():
        for end in of(events, done):
            told = "".join(event["delta"] for event in of(events, name) if event["item_id"] == end["item_id"])
            if told != end[member]:
                yield f"{done} is not what its deltas have told"


def of(events: Sequence[Event], kind: str) -> list[Event]:
    """The events of a type."""
    return [event for event in events if event["type"] == kind]


def ended(events: Sequence[Event]) -> list[Event]:
    """The responses in the order of their ends; what xAI's have used stands beside them."""
    done = of(events, "response.done")
    return [event["response"] | {"usage": event["response"]["usage"] or event.get("usage")} for event in done]


def words(response: Event) -> str:
    """The words of a response."""
    parts = [part for item in response["output"] for part in item.get("content", ())]
    return " ".join(part.get("text") or part.get("transcript") or "" for part in parts)


def _statuses(events: Sequence[Event], *wanted: str) -> str | None:
    found = [response["status"] for response in ended(events)]
    return None if found == list(wanted) else f"responses ended {found} and not {list(wanted)}"


def _says(events: Sequence[Event], *wanted: str) -> str | None:
    """Each response completed, with its words in it."""
    wrong = _statuses(events, *["completed"] * len(wanted))
    for response, text in zip(ended(events), wanted, strict=False):
        wrong = wrong or (None if text in words(response) else f"{words(response)!r} lacks {text!r}")
    return wrong


def _spoken(events: Sequence[Event]) -> int:
    return sum(len(base64.b64decode(event["delta"])) for event in of(events, "response.output_audio.delta"))


def _heard(events: Sequence[Event], frames: Sequence[bytes], times: int = 1) -> str | None:
    """The caller's sound came whole and in order, and its transcript was told; so often."""
    transcripts = [event["transcript"] for event in of(events, _TRANSCRIBED)]
    if len(transcripts) != times or any(digest(frames) not in transcript for transcript in transcripts):
        return f"heard {transcripts} and not {digest(frames)}"
    deltas = "".join(event["delta"] for event in of(events, _TRANSCRIBED.replace("completed", "delta")))
    return None if deltas == "".join(transcripts) else "the transcript's deltas differ"


def _text(_: str, events: Sequence[Event]) -> str | None:
    return _says(events, "Good morning")


def _sound(_: str, events: Sequence[Event]) -> str | None:
    return _heard(events, SPEECH) or _says(events, digest(SPEECH)) or (None if _spoken(events) else "no sound came")


def _detected(_: str, events: Sequence[Event]) -> str | None:
    order = [event["type"] for event in events if event["type"].startswith("input_audio_buffer.")]
    wanted = [f"input_audio_buffer.{each}" for each in ("speech_started", "speech_stopped", "committed")]
    wrong = None if order == wanted else f"the buffer told {order}"
    return wrong or _heard(events, UTTERANCE) or _says(events, digest(UTTERANCE))


def _cleared(_: str, events: Sequence[Event]) -> str | None:
    return _heard(events, SPEECH) or _says(events, digest(SPEECH))


def _tools(_: str, events: Sequence[Event]) -> str | None:
    (call,) = ended(events)[0]["output"]
    called = None if (call["type"], call["name"]) == ("function_call", "get_weather") else f"no call: {call}"
    return called or _says(events, "", "thick fog")


def _interrupted(_: str, events: Sequence[Event]) -> str | None:
    first = ended(events)[0]
    wrong = None if first["status_details"]["reason"] == "turn_detected" else f"ended by {first['status_details']}"
    wrong = wrong or _statuses(events, "cancelled", "cancelled", "completed") or _heard(events, UTTERANCE, 2)
    return wrong or (None if words(ended(events)[2]) else "the response after the interruption is empty")


def _cancelled(_: str, events: Sequence[Event]) -> str | None:
    first = ended(events)[0]
    wrong = None if first["status_details"]["reason"] == "client_cancelled" else f"ended by {first['status_details']}"
    wrong = wrong or _statuses(events, "cancelled", "completed")
    return wrong or (None if "Something short" in words(ended(events)[1]) else f"said {words(ended(events)[1])!r}")


def _items(provider: str, events: Sequence[Event]) -> str | None:
    (retrieved,) = of(events, "conversation.item.retrieved")
    told = retrieved["item"]["id"], retrieved["item"]["content"][0]["text"]
    code = of(events, "error")[0]["error"]["code"]
    wrong = None if told == ("item_of_mine", "My name is Ada.") else f"retrieved {told}"
    wanted = "unsupported_event" if provider == "gemini" else "item_retrieve_invalid_item_id"
    return wrong or (None if code == wanted else f"the error is {code}") or _says(events, "Ada", "And now")


def _updated(_: str, events: Sequence[Event]) -> str | None:
    sessions = [event["session"] for event in of(events, "session.updated")]
    told = [(session.get("instructions"), len(session["tools"])) for session in sessions]
    wanted = [("", 0), ("Be brief.", 1), ("Be brief.", 0)]
    return (None if told == wanted else f"the session was {told}") or _says(events, "Before", "", "thick fog")


def _beside(provider: str, events: Sequence[Event]) -> str | None:
    if provider == "gemini":
        code = of(events, "error")[0]["error"]["code"]
        return (None if code == "unsupported_parameter" else f"the error is {code}") or _says(
            events, "Within", "Within"
        )
    beside = ended(events)[1]
    wrong = None if beside["conversation_id"] is None else "it is of a conversation"
    wrong = wrong or (None if beside["metadata"] == {"topic": "judging"} else f"metadata {beside['metadata']}")
    return wrong or _says(events, "Within", "Beside", "Within")


def _picture(_: str, events: Sequence[Event]) -> str | None:
    (response,) = ended(events)
    seen = response["usage"]["input_token_details"]["image_tokens"]
    return _says(events, "I can see 1 image") or (None if seen else "no tokens of a picture")


def _refused(_: str, events: Sequence[Event]) -> str | None:
    (error,) = [event["error"] for event in of(events, "error")]
    told = error["code"], error["event_id"]
    return (None if told == ("model_not_allowed", "other") else f"refused by {told}") or _says(events, "Go on")


def _secret(_: str, events: Sequence[Event]) -> str | None:
    told = of(events, "session.updated")[0]["session"]["instructions"]
    return (None if told == "Be brief." else f"the session was {told!r}") or _says(events, "Hello")


_MEANS: Mapping[str, Callable[[str, Sequence[Event]], str | None]] = {
    "text": _text,
    "sound": _sound,
    "detected": _detected,
    "cleared": _cleared,
    "tools": _tools,
    "interrupted": _interrupted,
    "cancelled": _cancelled,
    "items": _items,
    "updated": _updated,
    "beside": _beside,
    "picture": _picture,
    "refused": _refused,
    "secret": _secret,
}


def unpaid(events: Sequence[Event], charges: Sequence[Event]) -> Iterator[str]:
    """Says which reports of use were not charged as they were told, and which charges nothing tells of."""
    told = Counter(
        (each["usage"]["input_tokens"], each["usage"]["output_tokens"]) for each in ended(events) if each["usage"]
    )
    # A charge without tokens is of time.
    used = ((each["usage"]["input"], each["usage"]["output"]) for each in charges if not each["estimated"])
    paid = Counter(tokens for tokens in used if any(tokens))
    # Gemini reports what a cancelled response has used after its end.
    late = sum(each["usage"] is None and each["status"] == "cancelled" for each in ended(events))
    if told - paid or (paid - told).total() != late:
        yield f"told {dict(told - paid)} more, paid {dict(paid - told)} more"
