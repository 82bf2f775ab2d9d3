"""Simulates sound at ElevenLabs, Deepgram, Groq, Mistral and Gemini, each in its own words.

https://elevenlabs.io/docs/api-reference, https://developers.deepgram.com/reference,
https://console.groq.com/docs/text-to-speech, https://docs.mistral.ai/api/endpoint/audio/transcriptions,
https://ai.google.dev/gemini-api/docs/speech-generation
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator
from dataclasses import replace

from local.providers import gemini, gemini_checks, openai_dialects, openai_shapes, sounds, speech, tokens, transcription
from local.providers.faults import without_directives
from local.providers.json_value import Json, JsonValue
from local.providers.transcription import Sentence
from local.providers.wire import Call, Frame, FrameKind, Refusal, Reply, Route, Wire, json_reply, route, sse

ELEVENLABS, DEEPGRAM = "/elevenlabs", "/deepgram"
ELEVENLABS_KEY, DEEPGRAM_KEY = "sim-elevenlabs-key-0001", "sim-deepgram-key-0001"
ELEVENLABS_VOICES = (
    "EXAVITQu4vr4xnSDxMaL", "JBFqnCBsd6RMkjVDRZzb", "Xb7hH8MSUJpSbSDYk0k2", "nPczCjzI2devNBz1zQrb",
    "IKne3meq5aSn9XLyUdCD", "pFZP5JQG7iQjIQuC4Bku",
)  # fmt: skip
ELEVENLABS_SPEAKERS = ("eleven_multilingual_v2", "eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_v3")
ELEVENLABS_FORMS = {"mp3_44100_128": "mp3", "opus_48000_64": "opus", "pcm_24000": "pcm"}
DEEPGRAM_VOICES = ("thalia", "andromeda", "helena", "apollo", "arcas", "aries")
DEEPGRAM_FORMS = {
    ("mp3", ""): "mp3", ("opus", "ogg"): "opus", ("aac", ""): "aac", ("flac", ""): "flac",
    ("linear16", "wav"): "wav", ("linear16", "none"): "pcm",
}  # fmt: skip
GROQ = speech.Vendor(
    next(row for row in openai_dialects.DIALECTS if row.row == "groq"),
    ("canopylabs/orpheus-v1-english", "canopylabs/orpheus-arabic-saudi"),
    frozenset(
        {
            "autumn",
            "diana",
            "hannah",
            "austin",
            "daniel",
            "troy",
            "abdullah",
            "fahad",
            "sultan",
            "lulwa",
            "noura",
            "aisha",
        }
    ),
    ("wav",),
)
VOXTRALS = ("voxtral-mini-latest", "voxtral-mini-2602")
GEMINI_TOKENS_PER_S = 25


def wires() -> tuple[Wire, ...]:
    """Builds the endpoint of each vendor."""
    mistral = next(row for row in openai_dialects.DIALECTS if row.row == "mistral")
    listening = transcription.wire(transcription.Vendor(mistral, VOXTRALS))
    speaking = f"{gemini.DEVELOPER.models_path}/(?P<model>[^/:]*-tts[^/:]*):streamGenerateContent"
    return (
        speech.wire(GROQ),
        replace(listening, routes=(route("POST", "/audio/transcriptions", _mistral),)),
        replace(gemini.wire(gemini.DEVELOPER), routes=(route("POST", speaking, _gemini),)),
        _own(
            "elevenlabs",
            ELEVENLABS,
            (
                route("POST", "/v1/text-to-speech/(?P<voice>[^/]+)(/stream)?", _elevenlabs_speech),
                route("POST", "/v1/speech-to-text", _elevenlabs),
            ),
            lambda call: hmac.compare_digest(call.headers.get("xi-api-key", ""), ELEVENLABS_KEY),
            elevenlabs_refusal,
        ),
        _own(
            "deepgram",
            DEEPGRAM,
            (route("POST", "/v1/speak", _deepgram_speech), route("POST", "/v1/listen", _deepgram)),
            lambda call: hmac.compare_digest(call.headers.get("authorization", ""), f"Token {DEEPGRAM_KEY}"),
            deepgram_refusal,
        ),
    )


def _own(
    row: str,
    prefix: str,
    routes: tuple[Route, ...],
    knows: Callable[[Call], bool],
    refusal: Callable[[int, str, str | None], Refusal],
) -> Wire:
    def authorize(call: Call) -> None:
        if not knows(call):
            raise refusal(401, "Invalid API key", None)

    return Wire(
        row=row,
        prefix=prefix,
        routes=routes,
        authorize=authorize,
        question=lambda body: str(body.get("text", "")),
        model=lambda call: str(call.body.get("model_id") or call.query.get("model", "")),
        refusal=refusal,
    )


def elevenlabs_refusal(status: int, message: str, code: str | None = None) -> Refusal:
    """Builds an error of ElevenLabs."""
    return Refusal(status, {"detail": {"status": code or "invalid_request", "message": message}})


def deepgram_refusal(status: int, message: str, code: str | None = None) -> Refusal:
    """Builds an error of Deepgram."""
    return Refusal(status, {"err_code": code or "INVALID_REQUEST", "err_msg": message, "request_id": "sim"})


def _sounding(call: Call, form: str) -> Reply:
    text = without_directives(str(call.body["text"]))
    pieces = speech.pieces(form, text, speech.length_s(call, text))
    frames = (Frame(FrameKind.CONTENT, piece) for piece in pieces)
    return Reply(200, (("content-type", sounds.content_type(form)),), frames)


def _elevenlabs_speech(call: Call) -> Reply:
    body, form = call.body, ELEVENLABS_FORMS.get(call.query.get("output_format", "mp3_44100_128"))
    unknown = body.keys() - {"text", "model_id", "voice_settings", "language_code", "seed"}
    if unknown or not body.get("text"):
        raise elevenlabs_refusal(422, f"unknown or missing: {sorted(unknown)}")
    if call.params["voice"] not in ELEVENLABS_VOICES:
        raise elevenlabs_refusal(404, "A voice with that id was not found.", "voice_not_found")
    if body.get("model_id") not in ELEVENLABS_SPEAKERS or form is None:
        raise elevenlabs_refusal(400, "A model or a format of that name does not exist.", "invalid_model")
    return _sounding(call, form)


def _said(call: Call, file: JsonValue) -> tuple[list[Sentence], float]:
    content = transcription.content_of(file)
    name = str(file["filename"]) if isinstance(file, dict) else ""
    lasting_s = transcription.seconds(content, name)
    del call
    return transcription.heard(content, lasting_s), lasting_s


def _elevenlabs(call: Call) -> Reply:
    body = call.body
    known = {"model_id", "file", "language_code", "temperature", "timestamps_granularity", "tag_audio_events"}
    # The SDK sends the last three without a value.
    known |= {"diarize", "entity_detection", "entity_redaction", "webhook_metadata"}
    if body.keys() - known or body.get("model_id") not in {"scribe_v1", "scribe_v2"}:
        raise elevenlabs_refusal(400, f"unknown: {sorted(body.keys() - known)}", "invalid_model_id")
    said, _ = _said(call, body.get("file"))
    words: list[Json] = []
    for sentence in said:
        for word, start, end in sentence.words:
            voice: Json = {"speaker_id": f"speaker_{sentence.speaker}"} if body.get("diarize") == "true" else {}
            words += (
                {"text": word, "start": start, "end": end, "type": "word", "logprob": -0.1, **voice},
                {"text": " ", "start": end, "end": end, "type": "spacing", "logprob": 0.0},
            )
    text = " ".join(each.text for each in said)
    return json_reply({"language_code": "eng", "language_probability": 0.98, "text": text, "words": words[:-1]})


def _deepgram_speech(call: Call) -> Reply:
    asked = call.query
    form = DEEPGRAM_FORMS.get((asked.get("encoding", "mp3"), asked.get("container", "")))
    family, _, named = asked.get("model", "").rpartition("2-")
    voice = named.removesuffix("-en")
    if family != "aura-" or voice not in DEEPGRAM_VOICES or form is None or call.body.keys() != {"text"}:
        raise deepgram_refusal(400, "No such model/version combination found.")
    return _sounding(call, form)


def _deepgram(call: Call) -> Reply:
    asked = call.query
    if asked.get("model") not in {"nova-3", "nova-2"} or "json" in call.headers.get("content-type", ""):
        raise deepgram_refusal(400, "No such model/version combination found.")
    kind = call.headers["content-type"].rpartition("/")[2]
    name = f"said.{ {'mpeg': 'mp3', 'mp4': 'm4a'}.get(kind, kind) }"
    lasting_s = transcription.seconds(call.raw, name)
    said = transcription.heard(call.raw, lasting_s)

    def voice(sentence: Sentence) -> Json:
        return {"speaker": "AB".index(sentence.speaker)} if asked.get("diarize") == "true" else {}

    words: list[JsonValue] = [
        {
            "word": word.lower().rstrip("."), "punctuated_word": word, "start": start, "end": end, "confidence": 0.9,
            **voice(sentence),
        }
        for sentence in said
        for word, start, end in sentence.words
    ]  # fmt: skip
    utterances: list[JsonValue] = [
        {"start": each.start, "end": each.end, "transcript": each.text, "confidence": 0.9, "channel": 0, **voice(each)}
        for each in said
    ]
    heard: Json = {"transcript": " ".join(each.text for each in said), "confidence": 0.9, "words": words}
    language: Json = {"detected_language": "en"} if asked.get("detect_language") == "true" else {}
    results: Json = {"channels": [{"alternatives": [heard], **language}], "utterances": utterances}
    return json_reply({"metadata": {"request_id": "sim", "duration": lasting_s, "channels": 1}, "results": results})


def _mistral(call: Call) -> Reply:
    body = call.body
    known = {"model", "file", "language", "temperature", "timestamp_granularities", "diarize", "stream"}
    for name in body.keys() - known:
        raise openai_shapes.refusal(400, f"Unknown parameter: '{name}'.", None, name)
    if body.get("model") not in VOXTRALS:
        raise openai_shapes.refusal(404, "The model does not exist.", "model_not_found", "model")
    if body.get("language") and body.get("timestamp_granularities"):
        raise openai_shapes.refusal(400, "language and timestamp_granularities exclude each other.", None, "language")
    said, lasting_s = _said(call, body.get("file"))
    timed, diarized = body.get("timestamp_granularities") in ("segment", ["segment"]), body.get("diarize") == "true"
    segments: list[JsonValue] = [
        {
            "type": "transcription_segment", "text": each.text, "start": each.start, "end": each.end,
            **({"speaker_id": f"speaker_{each.speaker}"} if diarized else {}),
        }
        for each in said
    ]  # fmt: skip
    text = " ".join(each.text for each in said)
    usage: Json = {
        "prompt_audio_seconds": round(lasting_s),
        "prompt_tokens": 4,
        "completion_tokens": tokens.count(text),
    }
    return json_reply(
        {
            "model": str(body["model"]), "text": text, "language": None, "segments": segments if timed else [],
            "usage": usage,
        }
    )  # fmt: skip


def _gemini(call: Call) -> Reply:
    settings = call.body.get("generationConfig")
    if not isinstance(settings, dict) or settings.get("responseModalities") != ["AUDIO"]:
        raise gemini_checks.invalid("The requested combination of response modalities is not supported by the model.")
    given = "".join(str(part.get("text", "")) for part in call.body["contents"][0]["parts"])
    text = without_directives(given)
    lasting_s = speech.length_s(call, text)
    return Reply(200, (("content-type", "text/event-stream"),), _gemini_chunks(text, lasting_s))


def _gemini_chunks(text: str, lasting_s: float) -> Iterator[Frame]:
    for piece in speech.pieces("pcm", text, lasting_s):
        data: Json = {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": base64.b64encode(piece).decode()}
        content: Json = {"role": "model", "parts": [{"inlineData": data}]}
        yield Frame(FrameKind.CONTENT, sse({"candidates": [{"content": content, "index": 0}]}))
    read, made = tokens.count(text), round(lasting_s * GEMINI_TOKENS_PER_S)
    usage: Json = {"promptTokenCount": read, "candidatesTokenCount": made, "totalTokenCount": read + made}
    yield Frame(FrameKind.DONE, sse({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": usage}))
