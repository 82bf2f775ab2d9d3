"""Tests that recorded answers of speech and transcription are told as they came, and charged as they are sold."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.audio import AudioModel
from gateway.canonical.money import Charge
from gateway.canonical.usage import Usage, uses_of
from gateway.http.audio import spoken, transcribed
from gateway.http.routes import OperationRoute
from gateway.ledger.audio_prices import audio_cost
from gateway.ports.upstream import Credential
from gateway.protocols.openai_transcriptions import TRANSCRIPTIONS, TRANSLATIONS
from gateway.wiring.audio import CATALOG, speech, transcription
from tests.app import sounds
from tests.app.harness import Answer, Scripted, app_under_test
from tests.recorded import body, files, read_recording

pytestmark = pytest.mark.anyio

SPEECH, HEARD, ENGLISH = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations"
ROUTES = {
    SPEECH: OperationRoute(speech, produce=spoken),
    HEARD: OperationRoute(partial(transcription, TRANSCRIPTIONS), produce=transcribed),
    ENGLISH: OperationRoute(partial(transcription, TRANSLATIONS), produce=transcribed),
}
MODELS = {model.id: model for model in CATALOG.current.models()}
# Recordings of OpenAI's form may leave the form out, and the model with it.
USUAL, USUAL_S = "whisper-1", 30


def model_of(path: Path) -> AudioModel | None:
    told = read_recording(path).get("model") or USUAL
    return MODELS.get(str(told))


def kept(*routes: str, refused: bool = False) -> list[Path]:
    """The recorded answers, or refusals, of models that are for sale."""
    return [
        path
        for path in files("*/audio/*.json")
        if read_recording(path)["request"]["path"] in routes
        and (read_recording(path)["response"]["status"] >= 400) is refused
        and model_of(path) is not None
    ]


def named(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


async def served(path: Path, request: bytes, content_type: str) -> tuple[Answer, Charge | None]:
    """The answer and the charge of a request whose provider answers as it was recorded."""
    recording = read_recording(path)
    kind, answer = recording["response"]["headers"]["content-type"], body(recording)

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {recording['response']['status']} X\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}"
        writer.write(f"{head}\r\n\r\n".encode() + answer)
        await writer.drain()

    async with Scripted(script) as provider:
        rows = {path.parts[-3]: Credential("key", provider.base_url)}
        async with app_under_test(provider.base_url, wire_at=lambda at, _: ROUTES[at], rows=rows) as gateway:
            route = recording["request"]["path"]
            found = await gateway.ask(request, path=route, headers={"content-type": content_type})
            look = await gateway.look()
            assert look.holds == ()
            return found, look.entries[-1].charge


def price(model: AudioModel, charge: Charge, usage: Usage) -> int:
    return audio_cost(model.targets[0].price, usage, charge.tier, model.sale)


def events_of(data: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    return [orjson.loads(line) for line in lines if line != b"[DONE]"]


def form_for(path: Path) -> tuple[bytes, str, int]:
    """A form like the recorded one, with a file of the length that its answer reports, in whole seconds."""
    told = body(read_recording(path))
    streams = "event-stream" in read_recording(path)["response"]["headers"]["content-type"]
    answer = {} if streams else orjson.loads(told)
    usage = answer.get("usage") or {}
    seconds = int(usage.get("seconds") or USUAL_S)
    fields = [("model", read_recording(path).get("model") or USUAL)]
    fields += [("stream", "true")] if streams else []
    timed = answer.get("segments")
    if timed is not None:
        fields += [("response_format", "diarized_json" if "speaker" in timed[0] else "verbose_json")]
    fields += [("timestamp_granularities[]", each) for each in ("word", "segment")] if answer.get("words") else []
    return *sounds.form(fields, sounds.spoken(seconds)), seconds


@pytest.mark.parametrize("path", kept(HEARD, ENGLISH), ids=named)
async def test_a_recorded_answer_of_transcription_is_told_and_charged(path: Path) -> None:
    request, content_type, seconds = form_for(path)
    answer, charge = await served(path, request, content_type)
    assert (answer.status, charge is not None) == (200, True), answer.body
    told, model = body(read_recording(path)), model_of(path)
    last = events_of(told)[-1] if told.startswith(b"data:") else orjson.loads(told)
    shown = answer.chunks[-1] if told.startswith(b"data:") else answer.json
    assert shown["text"] == last["text"]
    if told.startswith(b"data:"):
        deltas = "".join(each["delta"] for each in answer.chunks if each["type"] == "transcript.text.delta")
        assert deltas == last["text"]
    for name in ("segments", "words"):
        assert [each["start"] for each in shown.get(name) or ()] == [each["start"] for each in last.get(name) or ()]
    usage = last.get("usage") or {}
    assert charge is not None
    assert model is not None
    if model.targets[0].price.minute is not None:
        assert charge.cost_nanousd == price(model, charge, Usage(uses=uses_of({"audio_second": seconds})))
    else:
        heard = usage["input_token_details"]["audio_tokens"]
        counted = Usage(input=usage["input_tokens"], audio_input=heard, output=usage["output_tokens"])
        assert (charge.usage, charge.estimated) == (counted, False)
        assert charge.cost_nanousd == price(model, charge, counted)


@pytest.mark.parametrize("path", kept(SPEECH), ids=named)
async def test_a_recorded_answer_of_speech_is_told_and_charged(path: Path) -> None:
    recording = read_recording(path)
    asked, told, model = recording["request"]["body"], body(recording), model_of(path)
    asked = orjson.loads(asked) if isinstance(asked, str) else asked
    answer, charge = await served(path, orjson.dumps(asked), "application/json")
    assert (answer.status, charge is not None) == (200, True), answer.body
    assert charge is not None
    assert model is not None
    as_events = "event-stream" in recording["response"]["headers"]["content-type"]
    sound = b"".join(base64.b64decode(each.get("audio", "")) for each in events_of(told)) if as_events else told
    heard = answer.body
    if asked.get("stream_format") == "sse":
        heard = b"".join(base64.b64decode(each.get("audio", "")) for each in answer.chunks)
    assert heard == sound
    if model.targets[0].price.characters is not None:
        characters = Usage(uses=uses_of({"character": len(asked["input"])}))
        assert charge.cost_nanousd == price(model, charge, characters)
    elif as_events:
        usage = events_of(told)[-1]["usage"]
        made = usage["output_tokens"]
        counted = Usage(input=usage["input_tokens"], output=made, audio_output=made)
        assert charge.cost_nanousd == price(model, charge, counted)


@pytest.mark.parametrize("path", kept(HEARD, ENGLISH, SPEECH, refused=True), ids=named)
async def test_a_recorded_refusal_of_sound_is_told_and_free(path: Path) -> None:
    recording = read_recording(path)
    status, told = recording["response"]["status"], orjson.loads(body(recording))["error"]
    if recording["request"]["path"] == SPEECH:
        answer, charge = await served(path, orjson.dumps(recording["request"]["body"]), "application/json")
    else:
        request, content_type, _ = form_for(path)
        answer, charge = await served(path, request, content_type)
    assert charge is None
    if status == 400:
        assert (answer.status, answer.error["message"], answer.error["param"]) == (400, told["message"], told["param"])
    else:
        assert answer.status >= 400
