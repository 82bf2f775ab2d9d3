"""Lists what clients do in a session, step by step, so that every client can play the same.

A step sends an event, or waits for the next one of a type. `$NAME` in what is sent stands for the value of that member
in the last event that had one, and `$spoken` for the item that was heard last.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Event = dict[str, Any]
Step = tuple[str, Any]

# Each provider's model, and what transcribes there.
MODELS: Mapping[str, str] = {
    "gpt-realtime": "openai",
    "azure/gpt-realtime": "azure",
    "grok-voice-latest": "xai",
    "gemini-3.1-flash-live-preview": "gemini",
}
TRANSCRIBERS: Mapping[str, str] = {
    "openai": "gpt-4o-transcribe",
    "azure": "gpt-realtime-whisper",
    "xai": "grok-transcribe",
    "gemini": "gpt-4o-transcribe",
}
FRAME_MS, RATE = 20, 24_000
_SAMPLES = RATE * FRAME_MS // 1000
LOUD_FRAMES, SILENCE_MS = 10, 300
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
WEATHER: Event = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
# Ten seconds of an answer that is spoken slowly.
SLOW = "[[sim: chunk_ms=100 chunks=400]] Tell me a long story."


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of one session. With `secret` it is opened by a client secret of such a session.

    `instead` are the steps with a provider that has less, none where its models are not for it.
    """

    steps: Sequence[Step]
    secret: Event | None = None
    instead: Mapping[str, Sequence[Step]] = field(default_factory=dict)


def loud(number: int) -> bytes:
    """A frame of speech, of which no two are equal."""
    return struct.pack(f"<{_SAMPLES}h", *(((number * 7 + at) % 64 - 32) * 400 for at in range(_SAMPLES)))


SILENT = bytes(2 * _SAMPLES)


def digest(frames: Sequence[bytes]) -> str:
    """The digest by which the simulated models tell what they have heard."""
    return hashlib.sha256(b"".join(frames)).hexdigest()[:12]


def send(kind: str, **members: Any) -> Step:
    return ("send", {"type": kind, **members})


def until(kind: str) -> Step:
    return ("until", kind)


def update(**settings: Any) -> list[Step]:
    return [send("session.update", session={"type": "realtime", **settings}), until("session.updated")]


def say(text: str, **more: Any) -> Step:
    content = [{"type": "input_text", "text": text}, *more.pop("parts", ())]
    return send("conversation.item.create", item={"type": "message", "role": "user", "content": content, **more})


def speak(frames: Sequence[bytes]) -> list[Step]:
    return [send("input_audio_buffer.append", audio=base64.b64encode(frame).decode()) for frame in frames]


ANSWER: list[Step] = [send("response.create"), until("response.done")]
SPEECH = [loud(number) for number in range(LOUD_FRAMES)]
# As much silence as ends an utterance, and no more: what is heard is one digest then.
SILENCE = [SILENT] * (SILENCE_MS // FRAME_MS)
UTTERANCE = [*SPEECH, *SILENCE]
TEXT = {"output_modalities": ["text"]}
HEARD = {"turn_detection": None, "transcription": {"model": "$transcriber"}}
DETECTED = {**HEARD, "turn_detection": {"type": "server_vad", "silence_duration_ms": SILENCE_MS}}

BESIDE = send(
    "response.create",
    response={
        "conversation": "none",
        "metadata": {"topic": "judging"},
        "output_modalities": ["text"],
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Beside"}]}],
    },
)
OUTPUT: Event = {"type": "function_call_output", "call_id": "$call_id", "output": "thick fog"}
MINE = [
    *update(**TEXT),
    say("My name is Ada.", id="item_of_mine"),
    until("conversation.item.done"),
    send("conversation.item.retrieve", item_id="item_of_mine"),
    until("conversation.item.retrieved"),
    *ANSWER,
    send("conversation.item.delete", item_id="item_of_mine"),
]

SCRIPTS: Mapping[str, Script] = {
    "text": Script([*update(**TEXT), say("Good morning"), *ANSWER]),
    "sound": Script(
        [
            *update(output_modalities=["audio"], audio={"input": HEARD}),
            *speak(SPEECH),
            send("input_audio_buffer.commit"),
            until("input_audio_buffer.committed"),
            *ANSWER,
        ]
    ),
    "detected": Script(
        [
            *update(output_modalities=["audio"], audio={"input": DETECTED}),
            *speak(UTTERANCE),
            until("response.done"),
        ]
    ),
    "cleared": Script(
        [
            *update(**TEXT, audio={"input": HEARD}),
            *speak(SPEECH[:3]),
            send("input_audio_buffer.clear"),
            until("input_audio_buffer.cleared"),
            *speak(SPEECH),
            send("input_audio_buffer.commit"),
            *ANSWER,
        ]
    ),
    "tools": Script(
        [
            *update(**TEXT, tools=[WEATHER]),
            say("What is the weather in London?"),
            *ANSWER,
            send("conversation.item.create", item=OUTPUT),
            *ANSWER,
        ]
    ),
    "interrupted": Script(
        [
            # Answers that last longer than any machine takes to interrupt them.
            *update(
                output_modalities=["audio"], audio={"input": DETECTED}, instructions="[[sim: chunk_ms=50 chunks=800]]"
            ),
            *speak(UTTERANCE),
            until("response.output_audio.delta"),
            *speak(SPEECH),
            until("input_audio_buffer.speech_started"),
            until("response.done"),
            send("conversation.item.truncate", item_id="$spoken", content_index=0, audio_end_ms=40),
            until("conversation.item.truncated"),
            *speak(SILENCE),
            until("response.created"),
            send("response.cancel"),
            until("response.done"),
            say("[[sim: chunk_ms=0 chunks=4]] Go on, please."),
            *ANSWER,
        ]
    ),
    "cancelled": Script(
        [
            *update(**TEXT),
            say(SLOW),
            send("response.create"),
            until("response.output_text.delta"),
            send("response.cancel"),
            until("response.done"),
            say("Something short, please."),
            *ANSWER,
        ]
    ),
    "items": Script(
        [
            *MINE,
            until("conversation.item.deleted"),
            send("conversation.item.retrieve", item_id="item_of_mine", event_id="gone"),
            until("error"),
            say("And now?"),
            *ANSWER,
        ],
        instead={"gemini": [*MINE, until("error"), say("And now?"), *ANSWER]},
    ),
    "updated": Script(
        [
            *update(**TEXT),
            say("Before"),
            *ANSWER,
            *update(**TEXT, instructions="Be brief.", tools=[WEATHER]),
            say("What is the weather in Paris?"),
            *ANSWER,
            *update(**TEXT, tools=[], tool_choice="none"),
            send("conversation.item.create", item=OUTPUT),
            *ANSWER,
        ]
    ),
    "beside": Script(
        [*update(**TEXT), say("Within"), *ANSWER, BESIDE, until("response.done"), *ANSWER],
        instead={"gemini": [*update(**TEXT), say("Within"), *ANSWER, BESIDE, until("error"), *ANSWER]},
    ),
    "picture": Script(
        [
            *update(**TEXT),
            say("What is this?", parts=[{"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}"}]),
            *ANSWER,
        ],
        instead={"xai": []},
    ),
    "refused": Script(
        [
            send("session.update", event_id="other", session={"type": "realtime", "model": "gpt-4o"}),
            until("error"),
            *update(**TEXT),
            say("Go on"),
            *ANSWER,
        ]
    ),
    "secret": Script(
        [until("session.updated"), say("Hello"), *ANSWER],
        secret={"type": "realtime", "instructions": "Be brief.", **TEXT},
    ),
}


def played(model: str, names: Iterable[str]) -> dict[str, Event]:
    """The named scripts as a client of the model plays them: `steps`, and what a secret is set to."""
    provider = MODELS[model]
    transcriber = TRANSCRIBERS[provider]
    found = {}
    for name in names:
        script = SCRIPTS[name]
        steps = script.instead.get(provider, script.steps)
        if steps:
            secret = None if script.secret is None else {**script.secret, "model": model}
            told = orjson.dumps({"steps": steps, "secret": secret})
            found[name] = orjson.loads(told.replace(b"$transcriber", transcriber.encode()))
    return found
