"""Tests of transcription: the file is measured here, text comes back in the form that was asked for, and is paid."""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.money import EntryKind
from gateway.http.audio import transcribed
from gateway.http.routes import OperationRoute
from gateway.operations.transcription import TranscriptionOperation
from gateway.ports.upstream import Credential
from gateway.protocols.openai_transcriptions import TRANSCRIPTIONS, TRANSLATIONS
from gateway.providers.audio import gemini_transcription
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import FileType
from gateway.wiring.audio import CATALOG, transcription
from local.providers import forms, sounds
from tests.app.harness import Answer, AppUnderTest, Scripted, app_under_test, piece, sized
from tests.app.sounds import form, spoken

pytestmark = pytest.mark.anyio

PATH, ENGLISH_PATH = "/v1/audio/transcriptions", "/v1/audio/translations"
WHISPER, TOLD, DIARIZING = "whisper-1", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize"
SAID = "The sun rises. It sets."
SEGMENTS = [
    {"id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": " The sun rises.", "tokens": [1], "avg_logprob": -0.5},
    {"id": 1, "seek": 0, "start": 61.5, "end": 3723.0405, "text": " It --> sets.\n\nIt does.", "tokens": [2]},
]
WORDS = [{"word": "The", "start": 0.0, "end": 0.25}]
VERBOSE = {"task": "transcribe", "language": "english", "duration": 999.0, "text": SAID, "segments": SEGMENTS}
PLAIN = {"text": SAID, "usage": {"type": "duration", "seconds": 999}}
TOKENS = {
    "type": "tokens", "input_tokens": 80, "input_token_details": {"text_tokens": 8, "audio_tokens": 72},
    "output_tokens": 7, "total_tokens": 87,
}  # fmt: skip
# $0.006 a minute, and 5 %.
NANOUSD_A_SECOND = 105_000


def route_at(path: str, _query: Mapping[str, str]) -> OperationRoute:
    wire = TRANSLATIONS if path == ENGLISH_PATH else TRANSCRIPTIONS
    return OperationRoute(partial(transcription, wire), produce=transcribed)


def hearing(answer: Any, status: int = 200) -> Scripted:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(status, answer if isinstance(answer, bytes) else orjson.dumps(answer)))
        await writer.drain()

    return Scripted(script)


def streaming(events: Sequence[Any]) -> Scripted:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for each in events:
            writer.write(piece(b"data: " + orjson.dumps(each) + b"\n\n"))
            await writer.drain()
        writer.write(piece(b""))
        await writer.drain()

    return Scripted(script)


def under(scripted: Scripted, row: str = "openai", at: Callable[..., OperationRoute] = route_at, **more: Any) -> Any:
    rows = {row: Credential("key", scripted.base_url)}
    return app_under_test(scripted.base_url, wire_at=at, rows=rows, **more)


async def ask(
    gateway: AppUnderTest, fields: Mapping[str, Any], file: bytes | None = None, path: str = PATH, **headers: str
) -> Answer:
    listed = [
        (name, each) for name, value in fields.items() for each in (value if isinstance(value, list) else [value])
    ]
    body, content_type = form(listed, spoken(7.3) if file is None else file)
    return await gateway.ask(body, path=path, headers={"content-type": content_type, **headers})


def sent(scripted: Scripted, number: int = 0) -> dict[str, Any]:
    """Returns the fields of a form that the provider was sent."""
    (line,) = re.findall(rb"(?i)content-type: ([^\r]*)", scripted.heads[number])
    return forms.members(line.decode(), scripted.bodies[number])


async def charged(gateway: AppUnderTest) -> int:
    look = await gateway.look()
    assert look.holds == ()
    return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


async def test_a_minute_is_one_of_the_file_and_not_of_the_report() -> None:
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": WHISPER, "language": "en", "prompt": "Sun", "temperature": "0.2"})
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert (answer.json["text"], answer.json["usage"]) == (SAID, {"type": "duration", "seconds": 8})
        assert answer.json["nexevo"]["cost_usd"] == "0.00084"
        assert await charged(gateway) == 8 * NANOUSD_A_SECOND
        fields = sent(openai)
        file = fields.pop("file")
        assert (file["filename"], file["type"]) == ("sound.wav", "audio/wav")
        assert fields == {
            "model": WHISPER, "language": "en", "prompt": "Sun", "temperature": "0.2", "response_format": "json"
        }  # fmt: skip
        assert spoken(7.3) in openai.bodies[0]


@pytest.mark.parametrize(
    ("wanted", "content_type", "body"),
    [
        ("text", "text/plain; charset=utf-8", f"{SAID}\n"),
        (
            "srt",
            "text/plain; charset=utf-8",
            (
                "1\n00:00:00,000 --> 00:00:01,500\nThe sun rises.\n\n"
                "2\n00:01:01,500 --> 01:02:03,040\nIt -> sets. It does.\n\n"
            ),
        ),
        (
            "vtt",
            "text/plain; charset=utf-8",
            (
                "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nThe sun rises.\n\n"
                "00:01:01.500 --> 01:02:03.040\nIt -> sets. It does.\n\n"
            ),
        ),
    ],
)
async def test_text_and_subtitles_are_made_of_what_was_heard(wanted: str, content_type: str, body: str) -> None:
    async with hearing(VERBOSE) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": WHISPER, "response_format": wanted})
        assert (answer.headers["content-type"], answer.body.decode()) == (content_type, body)
        assert sent(openai)["response_format"] == ("json" if wanted == "text" else "verbose_json")
        assert await charged(gateway) == 8 * NANOUSD_A_SECOND


async def test_times_of_sentences_and_words_are_those_of_the_provider() -> None:
    async with hearing({**VERBOSE, "words": WORDS}) as openai, under(openai) as gateway:
        asked = {"model": WHISPER, "response_format": "verbose_json", "timestamp_granularities[]": ["segment", "word"]}
        told = (await ask(gateway, asked)).json
        assert (told["segments"], told["words"]) == (SEGMENTS, WORDS)
        assert (told["task"], told["language"], told["duration"]) == ("transcribe", "english", 7.3)
        assert sent(openai)["timestamp_granularities"] == ["segment", "word"]
        only_words = (await ask(gateway, {**asked, "timestamp_granularities[]": ["word"]})).json
        assert ("segments" in only_words, only_words["words"]) == (False, WORDS)


async def test_translations_go_to_their_own_path() -> None:
    async with hearing({**VERBOSE, "task": "translate"}) as openai, under(openai) as gateway:
        told = (await ask(gateway, {"model": WHISPER, "response_format": "verbose_json"}, path=ENGLISH_PATH)).json
        assert (told["task"], told["text"]) == ("translate", SAID)
        assert openai.heads[0].startswith(b"POST /v1/audio/translations ")
        refused = await ask(gateway, {"model": TOLD}, path=ENGLISH_PATH)
        assert (refused.status, refused.error["param"]) == (400, "model")
        unknown = await ask(gateway, {"model": WHISPER, "language": "en"}, path=ENGLISH_PATH)
        assert (unknown.status, unknown.error["param"]) == (400, "language")


async def test_a_model_paid_by_tokens_is_billed_by_its_report() -> None:
    async with (
        hearing({"text": SAID, "usage": TOKENS, "logprobs": [{"token": "The"}]}) as openai,
        under(openai) as gateway,
    ):
        told = (await ask(gateway, {"model": TOLD, "include[]": ["logprobs"]})).json
        assert (told["usage"], told["logprobs"]) == (TOKENS, [{"token": "The"}])
        # $2.50, $6 and $10 a million tokens, and 5 %.
        assert await charged(gateway) == 8 * 2_625 + 72 * 6_300 + 7 * 10_500
        assert sent(openai)["include"] == ["logprobs"]
    beyond = {**TOKENS, "input_tokens": 10**6, "output_tokens": 10**6}
    async with hearing({"text": SAID, "usage": beyond}) as openai, under(openai) as gateway:
        await ask(gateway, {"model": TOLD})
        assert 0 < await charged(gateway) < 20_000_000


async def test_voices_are_told_apart() -> None:
    segment = {
        "type": "transcript.text.segment", "id": "seg_0", "speaker": "Ann", "start": 0.0, "end": 1.0, "text": SAID
    }  # fmt: skip
    heard = {"task": "transcribe", "duration": 9.0, "text": SAID, "segments": [segment], "usage": TOKENS}
    fields: dict[str, Any] = {
        "model": DIARIZING,
        "response_format": "diarized_json",
        "known_speaker_names[]": ["Ann"],
        "known_speaker_references[]": ["data:audio/wav;base64,AAAA"],
    }
    async with hearing(heard) as openai, under(openai) as gateway:
        told = (await ask(gateway, fields)).json
        assert (told["segments"], told["duration"]) == ([segment], 7.3)
        asked = sent(openai)
        assert (asked["chunking_strategy"], asked["known_speaker_names"]) == ("auto", ["Ann"])
        assert asked["known_speaker_references"] == ["data:audio/wav;base64,AAAA"]
        refused = await ask(gateway, {"model": WHISPER, "response_format": "diarized_json"})
        assert (refused.status, refused.error["param"]) == (400, "response_format")


async def test_a_stream_passes_text_on_as_it_is_heard() -> None:
    deltas = [{"type": "transcript.text.delta", "delta": part} for part in ("The sun", " rises. It sets.")]
    done = {"type": "transcript.text.done", "text": SAID, "usage": TOKENS}
    async with streaming([*deltas, done]) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": TOLD, "stream": "true"})
        assert answer.headers["content-type"].startswith("text/event-stream")
        *told, last = answer.chunks
        assert told == deltas
        assert (last["type"], last["text"], last["usage"]) == ("transcript.text.done", SAID, TOKENS)
        assert last["nexevo"]["cost_usd"] == "0.0005481"
        assert (sent(openai)["stream"], await charged(gateway)) == ("true", 548_100)
    # A model whose answers come whole is streamed from here.
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": WHISPER, "stream": "true"})
        assert [each["type"] for each in answer.chunks] == ["transcript.text.delta", "transcript.text.done"]
        assert "stream" not in sent(openai)
        assert await charged(gateway) == 8 * NANOUSD_A_SECOND
    # One that is cut ends with an error, and is paid.
    async with streaming(deltas) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": TOLD, "stream": "true"})
        assert answer.chunks[-1]["error"]["type"] == "upstream_error"
        assert 0 < await charged(gateway) < 10_000_000


async def test_silence_is_paid_and_a_failure_is_not() -> None:
    async with hearing({"text": ""}) as openai, under(openai) as gateway:
        assert (await ask(gateway, {"model": WHISPER})).json["text"] == ""
        assert await charged(gateway) == 8 * NANOUSD_A_SECOND
    async with hearing({"error": {"message": "no"}}, 500) as openai, under(openai) as gateway:
        assert (await ask(gateway, {"model": WHISPER})).status == 502
        assert await charged(gateway) == 0


async def test_the_least_that_a_provider_bills_is_billed() -> None:
    async with hearing(PLAIN) as groq, under(groq, "groq") as gateway:
        await ask(gateway, {"model": "whisper-large-v3"}, spoken(2))
        # $0.00185 a minute for ten seconds, and 5 %.
        assert await charged(gateway) == 323_750


async def test_a_file_is_fetched_by_its_id_before_anything_is_held() -> None:
    class Inputs:
        async def read(
            self, account: str, given: str, param: str, accepted: object, most: int | None = None
        ) -> Fetched:
            del accepted, most
            assert (account, given, param) == ("acct_test", "file-nxn-1", "file")
            return Fetched(spoken(65), FileType.WAV)

    def at(_path: str, _query: Mapping[str, str]) -> OperationRoute:
        operation = TranscriptionOperation(TRANSCRIPTIONS, CATALOG, Inputs)
        return OperationRoute(lambda: operation, produce=transcribed)

    async with hearing(PLAIN) as openai, under(openai, at=at) as gateway:
        answer = await gateway.ask({"model": WHISPER, "file": "file-nxn-1"}, path=PATH)
        assert answer.json["usage"] == {"type": "duration", "seconds": 65}
        body, content_type = form([("model", WHISPER), ("file", "file-nxn-1")])
        await gateway.ask(body, path=PATH, headers={"content-type": content_type})
        assert await charged(gateway) == 2 * 65 * NANOUSD_A_SECOND


def waved(riff: int, sizes: Sequence[tuple[bytes, int]] = ((b"data", 0xFFFFFFFF),)) -> bytes:
    """Returns 7.3 s of WAV that states these lengths; its sound follows the last head."""
    head, sound = spoken(7.3)[:36], spoken(7.3)[44:]
    chunks = b"".join(name + size.to_bytes(4, "little") for name, size in sizes)
    return head[:4] + riff.to_bytes(4, "little") + head[8:] + chunks + sound


@pytest.mark.parametrize(
    "file",
    [
        b"".join(sounds.frames("wav", "a tone", 7.3)),
        waved(0xFFFFFFFF, [(b"data", 0)]),
        waved(0, [(b"data", 0)]),
        waved(0, [(b"LIST", 0), (b"data", 0xFFFFFFF0)]),
    ],
)
async def test_wav_that_was_streamed_is_as_long_as_its_bytes(file: bytes) -> None:
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": WHISPER, "response_format": "verbose_json"}, file)
        assert (answer.status, await charged(gateway)) == (200, 8 * NANOUSD_A_SECOND)


async def test_wav_whose_last_piece_is_short_is_paid_for_all_of_them() -> None:
    file = spoken(7.3) + b"data" + bytes((2, 0, 0, 0, 1, 1))
    whole = file[:4] + (len(file) - 8).to_bytes(4, "little") + file[8:]
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        assert (await ask(gateway, {"model": WHISPER}, whole)).status == 200
        assert await charged(gateway) == 8 * NANOUSD_A_SECOND


@pytest.mark.parametrize(
    ("fields", "file", "status", "param"),
    [
        ({}, None, 400, "model"),
        ({"model": "no-such-model"}, None, 404, "model"),
        ({"model": "tts-1"}, None, 404, "model"),
        ({"model": WHISPER}, b"no sound", 400, "file"),
        ({"model": WHISPER}, waved(0xFFFFFFF0), 400, "file"),
        ({"model": WHISPER}, b"fLaC\x80\x00\x00\x22" + bytes(34), 400, "file"),
        ({"model": WHISPER, "response_format": "docx"}, None, 400, "response_format"),
        ({"model": TOLD, "response_format": "srt"}, None, 400, "response_format"),
        ({"model": WHISPER, "stream": "true", "response_format": "srt"}, None, 400, "response_format"),
        ({"model": WHISPER, "stream": "true", "response_format": "vtt"}, None, 400, "response_format"),
        ({"model": WHISPER, "stream": "true", "response_format": "verbose_json"}, None, 400, "response_format"),
        ({"model": WHISPER, "temperature": "2"}, None, 400, "temperature"),
        ({"model": WHISPER, "timestamp_granularities[]": ["word"]}, None, 400, "timestamp_granularities"),
        ({"model": WHISPER, "include[]": ["logprobs"]}, None, 400, "include"),
        ({"model": DIARIZING, "prompt": "Sun"}, None, 400, "prompt"),
        ({"model": WHISPER, "chunking_strategy": "auto"}, None, 400, "chunking_strategy"),
        ({"model": DIARIZING, "known_speaker_names[]": ["Ann"]}, None, 400, "known_speaker_names"),
        ({"model": WHISPER, "hotwords": "Sun"}, None, 400, "hotwords"),
    ],
)
async def test_a_refusal_names_the_place(fields: dict[str, Any], file: bytes | None, status: int, param: str) -> None:
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        answer = await ask(gateway, fields, file)
        assert (answer.status, answer.error["param"]) == (status, param)
        assert openai.bodies == []
        assert await charged(gateway) == 0


async def test_a_request_has_one_file() -> None:
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        answer = await gateway.ask({"model": WHISPER}, path=PATH)
        assert (answer.status, answer.error["param"]) == (400, "file")


GEMINI_TOLD = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": f"{SAID}\n"}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 270, "candidatesTokenCount": 7, "totalTokenCount": 277,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 14}, {"modality": "AUDIO", "tokenCount": 256}],
    },
}  # fmt: skip


@pytest.mark.parametrize(("path", "told"), [(PATH, "Transcribe"), (ENGLISH_PATH, "Translate")])
async def test_gemini_is_told_in_words_what_to_hear_and_is_paid_by_its_tokens(path: str, told: str) -> None:
    async with hearing(GEMINI_TOLD) as gemini, under(gemini, "gemini") as gateway:
        answer = await ask(gateway, {"model": "gemini-2.5-flash", "prompt": "Sun"}, path=path)
        assert answer.json["text"] == SAID
        asked = orjson.loads(gemini.bodies[0])
        words, sound = asked["contents"][0]["parts"]
        assert words["text"].startswith(told)
        assert words["text"].endswith("\nSun")
        assert base64.b64decode(sound["inlineData"]["data"]) == spoken(7.3)
        assert sound["inlineData"]["mimeType"] == "audio/wav"
        assert asked["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}
        assert b"/models/gemini-2.5-flash:generateContent" in gemini.heads[0]
        # $0.30, $1 for sound and $2.50 a million tokens, and 5 %.
        assert await charged(gateway) == 14 * 315 + 256 * 1_050 + 7 * 2_625


@pytest.mark.parametrize(
    ("reason", "said"), [("MAX_TOKENS", SAID), ("SAFETY", SAID), ("OTHER", SAID), ("STOP", " \n"), ("MAX_TOKENS", "")]
)
async def test_text_of_gemini_that_is_not_whole_is_refused_and_costs_what_is_reported(reason: str, said: str) -> None:
    candidate = {"content": {"role": "model", "parts": [{"text": said}]}, "finishReason": reason}
    async with hearing({**GEMINI_TOLD, "candidates": [candidate]}) as gemini, under(gemini, "gemini") as gateway:
        answer = await ask(gateway, {"model": "gemini-2.5-flash"})
        assert (answer.status, answer.error["type"], len(gemini.bodies)) == (502, "upstream_error", 1)
        assert await charged(gateway) == 14 * 315 + 256 * 1_050 + 7 * 2_625


async def test_gemini_tells_no_times_and_takes_no_large_files(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hearing(GEMINI_TOLD) as gemini, under(gemini, "gemini") as gateway:
        refused = await ask(gateway, {"model": "gemini-2.5-flash", "response_format": "srt"})
        assert (refused.status, refused.error["param"]) == (400, "response_format")
        small = replace(gemini_transcription.TRANSCRIPTION, file_bytes_max=1_000)
        monkeypatch.setattr("gateway.operations.transcription.transcriber", lambda *_: small)
        refused = await ask(gateway, {"model": "gemini-2.5-flash"})
        assert (refused.status, refused.error["param"]) == (400, "file")
        assert gemini.bodies == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/mixed; boundary=x"])
async def test_a_form_without_files_is_of_an_unsupported_type(kind: str) -> None:
    async with hearing(PLAIN) as openai, under(openai) as gateway:
        refused = await gateway.ask(b"model=whisper-1&file=file-1", path=PATH, headers={"content-type": kind})
        assert (refused.status, refused.error["code"]) == (415, "unsupported_media_type")
        assert openai.bodies == []
