"""Sound on the whole stack, by OpenAI's own SDK; a decoder of its own judges each file."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import httpx
import openai
import orjson
import pytest
from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionMessageParam

from local.providers import sounds, transcription
from tests.environments import ROOT, python_with, run
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

TEXT = "The sun rises in the east and sets in the west."
MODELS = ("tts-1", "gpt-4o-mini-tts")
MB = 1_000_000
CODECS = {"mp3": "mp3float", "opus": "opus", "aac": "aac", "flac": "flac", "wav": "pcm_s16le"}


def judged(paths: list[Path]) -> list[list[object]]:
    """Returns the codec and the decoded seconds of each file."""
    script = Path(__file__).parent / "vendors" / "decoded_sound.py"
    told = run([python_with("audio-sdks"), str(script), *map(str, paths)], ROOT)
    found: list[list[object]] = orjson.loads(told)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_openais_sdk_saves_a_file_of_every_form(sdk: openai.OpenAI, tmp_path: Path, model: str) -> None:
    paths = [tmp_path / f"said.{form}" for form in CODECS]
    for path in paths:
        form = path.suffix[1:]
        with sdk.audio.speech.with_streaming_response.create(
            model=model,
            voice="coral",
            input=TEXT,
            response_format=form,  # type: ignore[arg-type]  # of a table
        ) as answer:
            assert answer.headers["content-type"] == sounds.content_type(form)
            answer.stream_to_file(path)
    found = judged(paths)
    assert [codec for codec, _ in found] == list(CODECS.values())
    assert [seconds for _, seconds in found] == pytest.approx([sounds.seconds(TEXT)] * len(CODECS), abs=0.1)
    samples = sdk.audio.speech.create(model=model, voice="coral", input=TEXT, response_format="pcm").content
    assert samples == sounds.whole("pcm", TEXT, sounds.seconds(TEXT))


def test_events_carry_the_same_sound(http: httpx.Client) -> None:
    body = {"model": "gpt-4o-mini-tts", "voice": "coral", "input": TEXT, "stream_format": "sse"}
    with http.stream("POST", "/v1/audio/speech", json=body) as answer:
        lines = [line[6:] for line in answer.iter_lines() if line.startswith("data: ")]
    *deltas, done = map(orjson.loads, lines)
    sound = b"".join(base64.b64decode(each["audio"]) for each in deltas)
    assert sound == sounds.whole("mp3", TEXT, sounds.seconds(TEXT))
    assert done["usage"]["output_tokens"] == round(sounds.seconds(TEXT) * sounds.TOKENS_PER_S)


def test_sound_that_is_cut_at_the_provider_is_no_clean_end(http: httpx.Client) -> None:
    body = {"model": "tts-1", "voice": "coral", "input": f"{TEXT} [[sim: cut_after=5000]]"}
    with (
        http.stream("POST", "/v1/audio/speech", json=body) as answer,
        pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)),
    ):
        answer.read()


def test_a_client_that_leaves_pays_for_the_sound_that_was_delivered(stack: Stack) -> None:
    mine = stack.with_new_account("10")
    told = f"{TEXT} [[sim: media_s=600 chunk_ms=20]]"
    body = {"model": "gpt-4o-mini-tts", "voice": "coral", "input": told, "response_format": "pcm"}
    headers = {"Authorization": f"Bearer {mine.api_key}"}
    with (
        httpx.Client(base_url=mine.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as http,
        http.stream("POST", "/v1/audio/speech", json=body) as answer,
    ):
        read = sum(len(data) for data, _ in zip(answer.iter_raw(4_800), range(10), strict=False))
    (charge,) = mine.charges()
    usage = charge["usage"]
    # 600 seconds are 12,000 tokens; a client that reads is seconds behind what was sent to it.
    assert 20 * read / (2 * sounds.RATE) <= usage["output"] < 12_000
    assert -charge["amount_nano"] == usage["output"] * 12_600 + usage["input"] * 630


def test_models_that_speak_are_listed_with_their_prices(http: httpx.Client) -> None:
    rows = {row["id"]: row for row in http.get("/v1/models").json()["data"]}
    asked = {"currency": "USD", "unit": "1M characters", "characters": "15", "margin_percent": "5"}
    assert rows["tts-1"]["pricing"] == asked
    assert rows["gpt-4o-mini-tts"]["pricing"]["output"] == "12"
    assert (rows["tts-1"]["kind"], rows["tts-1"]["modalities"]["output"]) == ("speech", ["audio"])


CUE = re.compile(r"(\d+)\n(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})\n(.+)\n")


def cues(srt: str) -> list[tuple[float, float, str]]:
    """Reads SubRip: numbers from one, times that go up, a line of text, a blank line."""
    blocks = srt.removesuffix("\n\n").split("\n\n")
    found = []
    for number, block in enumerate(blocks, 1):
        cue = CUE.fullmatch(f"{block}\n")
        assert cue is not None, block
        assert int(cue[1]) == number
        begun, ended = (
            int(cue[at]) * 3_600 + int(cue[at + 1]) * 60 + int(cue[at + 2]) + int(cue[at + 3]) / 1_000 for at in (2, 6)
        )
        found.append((begun, ended, cue[10]))
    assert [each[0] for each in found] == sorted(each[0] for each in found)
    return found


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "opus"])
def test_openais_sdk_reads_what_was_heard(sdk: openai.OpenAI, form: str) -> None:
    file = sounds.whole(form, TEXT, 7.3)
    name = f"said.{form.replace('opus', 'ogg')}"
    heard = transcription.heard(file, transcription.seconds(file, name))
    text = " ".join(each.text for each in heard)
    plain = sdk.audio.transcriptions.create(model="whisper-1", file=(name, file))
    assert plain.text == text
    subtitles = sdk.audio.transcriptions.create(model="whisper-1", file=(name, file), response_format="srt")
    assert cues(subtitles) == [(each.start, round(each.end, 3), each.text) for each in heard]
    vtt = sdk.audio.transcriptions.create(model="whisper-1", file=(name, file), response_format="vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n")
    verbose = sdk.audio.transcriptions.create(
        model="whisper-1",
        file=(name, file),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert verbose.duration == pytest.approx(7.3, abs=0.1)
    assert [each.text.strip() for each in verbose.segments or []] == [each.text for each in heard]
    assert [each.word for each in verbose.words or []] == text.split()
    # The SDK warns of the endpoint's age.
    with pytest.deprecated_call():
        english = sdk.audio.translations.create(model="whisper-1", file=(name, file), response_format="text")
    assert str(english) == f"{text}\n"


def test_openais_sdk_streams_what_is_heard(sdk: openai.OpenAI) -> None:
    file = sounds.whole("wav", TEXT, 7.3)
    heard = transcription.heard(file, 7.3)
    with sdk.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", file), stream=True) as events:
        told = list(events)
    deltas = "".join(each.delta for each in told if each.type == "transcript.text.delta")
    last = told[-1]
    assert last.type == "transcript.text.done"
    assert deltas == last.text == " ".join(each.text for each in heard)
    assert last.usage is not None
    assert last.usage.input_tokens == 73
    voices = sdk.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=("a.wav", file),
        response_format="diarized_json",
        chunking_strategy="auto",
    )
    assert [each.speaker for each in voices.segments] == [each.speaker for each in heard]


def uploaded(http: httpx.Client, file: bytes, mime_type: str = "audio/wav", purpose: str = "user_data") -> str:
    """Uploads a file by a presigned form, and returns its id."""
    asked = {"purpose": purpose, "size": len(file), "type": mime_type}
    signed = http.post("/v1/files/presign", json=asked).raise_for_status().json()
    sent = httpx.post(
        signed["url"], data=signed["fields"], files={"file": file}, timeout=HANGS_AFTER_S, trust_env=False
    )
    assert sent.is_success, sent.text
    name: str = signed["id"]
    return name


def test_a_transcription_of_25_mb_comes_by_an_uploaded_file(sdk: openai.OpenAI, http: httpx.Client) -> None:
    file = sounds.whole("wav", TEXT, 520)
    told = http.post("/v1/audio/transcriptions", json={"model": "whisper-1", "file": uploaded(http, file)})
    assert told.json()["usage"] == {"type": "duration", "seconds": 520}, told.text
    with pytest.raises(openai.APIStatusError) as refused:
        sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", file))
    assert refused.value.status_code == 413


def peaks(stack: Stack, ask: Callable[[], None], family: str = "audio") -> int:
    """Returns how far the memory of a function's process rose while it answered, in bytes: the most of all of them."""
    before = {}
    for pid in stack.processes(family):
        # 5 has Linux count the peak anew (proc_pid_clear_refs(5)).
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        before[pid] = memory(pid, "VmRSS")
    ask()
    return max(memory(pid, "VmHWM") - standing for pid, standing in before.items())


def memory(pid: int, line: str) -> int:
    (told,) = re.findall(rf"{line}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return 1_024 * int(told)


def test_100_mb_of_speech_leave_in_flat_memory(http: httpx.Client, stack: Stack) -> None:
    def say(lasting_s: int) -> int:
        told = f"{TEXT} [[sim: media_s={lasting_s}]]"
        body = {"model": "tts-1", "voice": "coral", "input": told, "response_format": "pcm"}
        with http.stream("POST", "/v1/audio/speech", json=body) as answer:
            return sum(map(len, answer.iter_raw()))

    assert say(1) == 2 * sounds.RATE
    sizes: list[int] = []
    rise = peaks(stack, lambda: sizes.append(say(2_100)))
    assert sizes == [2_100 * 2 * sounds.RATE]
    assert rise < 8 * MB


def test_transcriptions_of_25_mb_leave_no_memory_behind(http: httpx.Client, stack: Stack) -> None:
    file = sounds.whole("wav", TEXT, 520)
    name = uploaded(http, file)

    def hear() -> None:
        told = http.post("/v1/audio/transcriptions", json={"model": "whisper-1", "file": name})
        assert told.json()["usage"] == {"type": "duration", "seconds": 520}, told.text

    hear()
    # What was fetched, and the form that is sent.
    rises = [peaks(stack, hear) for _ in range(4)]
    assert max(rises) < 3 * len(file)


# A model of each vendor beside OpenAI, with the voice and the form that are asked for.
SPEAKERS = [
    ("eleven_multilingual_v2", "george", "mp3"),
    ("eleven_flash_v2_5", "alloy", "wav"),
    ("eleven_v3", "sarah", "opus"),
    ("aura-2", "thalia", "flac"),
    ("aura-2", "coral", "aac"),
    ("canopylabs/orpheus-v1-english", "hannah", "wav"),
    ("gemini-2.5-flash-preview-tts", "Kore", "wav"),
]


@pytest.mark.parametrize(("model", "voice", "form"), SPEAKERS)
def test_each_vendor_speaks(sdk: openai.OpenAI, tmp_path: Path, model: str, voice: str, form: str) -> None:
    path = tmp_path / f"said.{form}"
    with sdk.audio.speech.with_streaming_response.create(
        model=model,
        voice=voice,
        input=TEXT,
        response_format=form,  # type: ignore[arg-type]  # of a table
    ) as answer:
        answer.stream_to_file(path)
    assert path.read_bytes() == b"".join(sounds.frames(form, TEXT, sounds.seconds(TEXT)))


@pytest.mark.parametrize(
    "model", ["whisper-large-v3", "whisper-large-v3-turbo", "scribe_v1", "nova-3", "voxtral-mini-latest"]
)
def test_each_vendor_listens(sdk: openai.OpenAI, model: str) -> None:
    file = sounds.whole("mp3", TEXT, 7.3)
    heard = transcription.heard(file, transcription.seconds(file, "a.mp3"))
    text = " ".join(each.text for each in heard)
    assert sdk.audio.transcriptions.create(model=model, file=("a.mp3", file)).text == text
    subtitles = cues(sdk.audio.transcriptions.create(model=model, file=("a.mp3", file), response_format="srt"))
    assert [(begun, said) for begun, _, said in subtitles] == [(each.start, each.text) for each in heard]
    if not model.startswith("whisper"):
        voices = sdk.audio.transcriptions.create(model=model, file=("a.mp3", file), response_format="diarized_json")
        assert len({each.speaker for each in voices.segments}) == len({each.speaker for each in heard})


def test_a_chat_model_hears_and_speaks(sdk: openai.OpenAI) -> None:
    heard = base64.b64encode(sounds.whole("wav", TEXT, 2)).decode()
    question: ChatCompletionContentPartParam = {"type": "text", "text": "What is in this recording?"}
    sound: ChatCompletionContentPartParam = {"type": "input_audio", "input_audio": {"data": heard, "format": "wav"}}
    turns: list[ChatCompletionMessageParam] = [{"role": "user", "content": [question, sound]}]
    answer = sdk.chat.completions.create(
        model="gpt-audio", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}, messages=turns
    )
    audio, usage = answer.choices[0].message.audio, answer.usage
    assert audio is not None
    assert audio.transcript
    length_s = sounds.seconds(audio.transcript)
    assert base64.b64decode(audio.data) == sounds.whole("wav", audio.transcript, length_s)
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    listened, spoken = usage.prompt_tokens_details.audio_tokens, usage.completion_tokens_details.audio_tokens
    assert spoken == round(length_s * sounds.TOKENS_PER_S)
    assert listened == 21
    # $2.50 and $10 a million tokens of text, $32 and $64 of sound, and 5 %.
    cost = (usage.prompt_tokens - 21) * 2_625 + 21 * 33_600
    cost += (usage.completion_tokens - spoken) * 10_500 + spoken * 67_200
    assert answer.model_extra is not None
    assert Decimal(answer.model_extra["nexevo"]["cost_usd"]) == Decimal(cost) / 10**9
    with sdk.chat.completions.create(
        model="gpt-audio",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        messages=turns,
        stream=True,
    ) as stream:
        told = [chunk.choices[0].delta.audio for chunk in stream if chunk.choices]
    text = "".join(each.transcript or "" for each in told if each is not None)
    samples = b"".join(base64.b64decode(each.data or "") for each in told if each is not None)
    assert text
    assert samples == sounds.whole("pcm", text, sounds.seconds(text))


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gemini-2.5-flash"])
def test_a_wire_that_carries_no_sound_is_refused_by_name(sdk: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.chat.completions.create(
            model=model,
            modalities=["text", "audio"],
            audio={"voice": "alloy", "format": "wav"},
            messages=[{"role": "user", "content": "Hello!"}],
        )
    assert refused.value.param in {"modalities", "audio"}
