"""Simulates Gemini's Live API: one conversation, messages in, messages out, with sound that is heard as elsewhere here.

A text turn is answered in PCM and its transcript, or in text; what `realtimeInput` brings is heard as a sentence that
tells its digest (`realtime.py`). Speech is what is louder than that module says. https://ai.google.dev/api/live
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator
from typing import Any

import orjson

from local.providers import answers, gemini_live_checks, sounds, tokens
from local.providers.answers import ModelRequest, Tool
from local.providers.faults import Fault, directives, merged
from local.providers.gemini_live_checks import Refused
from local.providers.realtime import DELTA_BYTES
from local.providers.realtime_items import PICTURE_TOKENS, heard_as, is_loud, words

# What is heard has this rate unless its type names another; what is said has 24,000.
HEARD_RATE = 16_000
SILENCE_MS = 500
PREFIX = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"

Message = dict[str, Any]


class LiveConversation:
    """One session. `received` takes a message and returns what follows at once; `left` are the parts of a turn."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._ids = itertools.count(1)
        self._setup: Message = {}
        self._turns: list[Message] = []
        self._sound = bytearray()
        self._bytes_per_ms = 2 * HEARD_RATE // 1000
        self._silent_ms = 0
        self._speaking = False
        self.left: Iterator[Message] | None = None
        # What the turn that is left has used, if it were said to its end, and what its calls were written with.
        self._uses: Message = {}
        self._called_tokens = 0
        # The ids of calls that wait for their output: the turn goes on once all of it is there.
        self._waiting: list[str] = []

    @property
    def fault(self) -> Fault:
        """The faults that the session's instructions and its last question ask for."""
        told = [*_texts(self._setup.get("systemInstruction", {})), self._question()]
        return merged([fault for text in told for fault in directives(text)])

    def received(self, data: bytes) -> list[Message]:
        """Takes a message and returns what follows at once; raises Refused."""
        name, given = gemini_live_checks.read(data)
        if not self._setup and name != "setup":
            raise Refused("The first message has to be the setup.")
        return _ACTS[name](self, given)

    def setup(self, given: Message) -> list[Message]:
        if self._setup:
            raise Refused("A session is set up once.")
        self._setup = given
        told: list[Message] = [{"setupComplete": {}}]
        if "sessionResumption" in given:
            handle = {"newHandle": f"handle-{self._serial}", "resumable": True}
            told.append({"sessionResumptionUpdate": handle})
        return told

    def content(self, given: Message) -> list[Message]:
        self._turns += given.get("turns", [])
        return self._answered() if given.get("turnComplete", True) else []

    def tool_response(self, given: Message) -> list[Message]:
        for each in given["functionResponses"]:
            self._waiting = [waiting for waiting in self._waiting if waiting != each.get("id")]
            self._turns.append({"role": "tool", "parts": [{"functionResponse": each}]})
        return [] if self._waiting else self._answered()

    @property
    def _detection(self) -> Message:
        found: Message = self._setup.get("realtimeInputConfig", {}).get("automaticActivityDetection", {})
        return found

    def realtime_input(self, given: Message) -> list[Message]:
        gemini_live_checks.check_activity(given, detects=not self._detection.get("disabled"))
        if "text" in given:
            self._turns.append({"role": "user", "parts": [{"text": given["text"]}]})
            return self._answered()
        if "activityEnd" in given or "audioStreamEnd" in given:
            return self._heard() if self._sound else []
        audio = given.get("audio")
        if audio is None:
            return []
        sound, rate = gemini_live_checks.sound_of(audio), re.search(r"rate=(\d+)", audio["mimeType"])
        self._bytes_per_ms = 2 * (HEARD_RATE if rate is None else int(rate[1])) // 1000
        return self._listened(sound)

    def ended(self) -> None:
        """Notes that the turn has been sent to its end."""
        self.left, self._called_tokens = None, 0

    def _listened(self, sound: bytes) -> list[Message]:
        self._sound += sound
        detection = self._detection
        if detection.get("disabled"):
            return []
        if is_loud(sound):
            began, self._speaking, self._silent_ms = not self._speaking, True, 0
            return self._interrupted() if began else []
        self._silent_ms += len(sound) // self._bytes_per_ms
        ends = self._speaking and self._silent_ms >= detection.get("silenceDurationMs", SILENCE_MS)
        return self._heard() if ends else []

    def _heard(self) -> list[Message]:
        sound, self._speaking = bytes(self._sound), False
        self._sound.clear()
        transcript = heard_as(sound, self._bytes_per_ms)
        self._turns.append({"role": "user", "parts": [{"text": transcript, "ms": len(sound) // self._bytes_per_ms}]})
        told = []
        if "inputAudioTranscription" in self._setup:
            told = [{"serverContent": {"inputTranscription": {"text": piece}}} for piece in words(transcript)]
        return told + self._answered()

    def _interrupted(self) -> list[Message]:
        """Ends a turn that is under way: https://ai.google.dev/api/live#BidiGenerateContentServerContent."""
        if self.left is None and not self._waiting:
            return []
        gone, self._waiting = self._waiting, []
        self.ended()
        return [
            *([{"toolCallCancellation": {"ids": gone}}] if gone else []),
            {"serverContent": {"interrupted": True}},
            {"serverContent": {"turnComplete": True}, "usageMetadata": self._uses},
        ]

    def _answered(self) -> list[Message]:
        past = self._interrupted()
        draft = answers.compose(self._asked(), self.fault)
        if draft.calls:
            calls = [
                {
                    "id": f"call-{self._serial}-{next(self._ids)}",
                    "name": call.name,
                    "args": orjson.loads(call.arguments),
                }
                for call in draft.calls
            ]
            # As recorded, what they have used is reported at the end of the turn that they are of.
            self._uses = self._usage(draft, spoken=False)
            self._called_tokens += draft.output_tokens()
            self._waiting = [call["id"] for call in calls]
            self._turns.append({"role": "model", "parts": [{"functionCall": call} for call in calls]})
            return [*past, {"toolCall": {"functionCalls": calls}}]
        self._turns.append({"role": "model", "parts": [{"text": draft.text}]})
        spoken = self._setup.get("generationConfig", {}).get("responseModalities", ["AUDIO"]) == ["AUDIO"]
        self._uses = self._usage(draft, spoken=spoken)
        self.left = self._said(draft, spoken=spoken)
        return past

    def _said(self, draft: answers.Draft, *, spoken: bool) -> Iterator[Message]:
        for piece in words(draft.text):
            if not spoken:
                yield {"serverContent": {"modelTurn": {"parts": [{"text": piece}]}}}
                continue
            if "outputAudioTranscription" in self._setup:
                yield {"serverContent": {"outputTranscription": {"text": piece}}}
            sound = b"".join(sounds.frames("pcm", piece, sounds.seconds(piece) / 8))
            for at in range(0, len(sound), DELTA_BYTES):
                data = base64.b64encode(sound[at : at + DELTA_BYTES]).decode()
                part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}
                yield {"serverContent": {"modelTurn": {"parts": [part]}}}
        yield {"serverContent": {"generationComplete": True}}
        yield {"serverContent": {"turnComplete": True}, "usageMetadata": self._uses}

    def _usage(self, draft: answers.Draft, *, spoken: bool) -> Message:
        parts = [part for turn in self._turns for part in turn.get("parts", ())]
        text = sum(tokens.count(part.get("text", "")) for part in parts if "ms" not in part)
        sound = sum(part["ms"] for part in parts if "ms" in part) * 32 // 1000
        pictures = _pictures(self._turns) * PICTURE_TOKENS
        said = round(sum(sounds.seconds(piece) / 8 for piece in words(draft.text)) * 25) if spoken else 0
        written = draft.output_tokens() + self._called_tokens
        return {
            "promptTokenCount": text + sound + pictures,
            "responseTokenCount": said + written,
            "totalTokenCount": text + sound + pictures + said + written,
            "promptTokensDetails": _details(TEXT=text, AUDIO=sound, IMAGE=pictures),
            "responseTokensDetails": _details(TEXT=written, AUDIO=said),
        }

    def _question(self) -> str:
        asked = [" ".join(_texts(turn)) for turn in self._turns if _is_asked(turn)]
        return asked[-1] if asked else ""

    def _asked(self) -> ModelRequest:
        last = max((n for n, turn in enumerate(self._turns) if _is_asked(turn)), default=-1)
        results = [
            orjson.dumps(part["functionResponse"].get("response", {})).decode()
            for turn in self._turns[last + 1 :]
            for part in turn["parts"]
            if "functionResponse" in part
        ]
        declared = [each for tool in self._setup.get("tools", ()) for each in tool.get("functionDeclarations", ())]
        schemas = (
            (each["name"], each.get("parametersJsonSchema") or each.get("parameters") or {}) for each in declared
        )
        return ModelRequest(
            model=self._setup["model"].removeprefix("models/"),
            question=self._question(),
            results=tuple(results),
            rounds_done=int(bool(results)),
            tools=tuple(Tool(name, schema) for name, schema in schemas),
            media=("image",) * _pictures(self._turns),
        )


_ACTS = {
    "setup": LiveConversation.setup,
    "clientContent": LiveConversation.content,
    "realtimeInput": LiveConversation.realtime_input,
    "toolResponse": LiveConversation.tool_response,
}


def _texts(turn: Message) -> list[str]:
    return [part["text"] for part in turn.get("parts", ()) if "text" in part]


def _is_asked(turn: Message) -> bool:
    """True for a turn of the user that is not the output of a call."""
    return turn.get("role", "user") == "user" and not any("functionResponse" in part for part in turn.get("parts", ()))


def _pictures(turns: list[Message]) -> int:
    parts = (part for turn in turns for part in turn.get("parts", ()))
    return sum(str(part.get("inlineData", {}).get("mimeType")).startswith("image/") for part in parts)


def _details(**counts: int) -> list[Message]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]
