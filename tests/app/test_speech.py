"""Tests of speech: sound leaves as it comes, with nothing in it but sound, and is paid by what it was made of."""

import asyncio
import base64
import io
import math
import wave
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.audio import PCM_BYTES_PER_S
from gateway.canonical.money import EntryKind
from gateway.canonical.response import Stamp
from gateway.http.audio import spoken
from gateway.http.routes import OperationRoute
from gateway.pipeline.operation import InboundRequest
from gateway.ports.upstream import Credential
from gateway.providers.audio.registry import speaker
from gateway.wiring.audio import speech
from local.providers import sounds
from tests.app.harness import Answer, AppUnderTest, Scripted, app_under_test, piece, sized
from tests.routing.catalogs import caller

pytestmark = pytest.mark.anyio

PATH = "/v1/audio/speech"
TEXT = "The sun rises in the east."
# Bytes that begin no stream of words, blanks among them, which PCM may well begin with.
SOUND = [b"\x20\x20", b"\x0a\x00\xff\xfb\x90" * 40, b"ID3" + bytes(range(256))]
OLDER = {"model": "tts-1", "input": TEXT, "voice": "alloy"}
TOLD = {"model": "gpt-4o-mini-tts", "input": TEXT, "voice": "coral"}
# $15 a million characters, and 5 %.
NANOUSD_A_CHARACTER = 15_750


def route_at(_path: str, _query: Mapping[str, str]) -> OperationRoute:
    return OperationRoute(speech, produce=spoken)


def head(content_type: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode()


def speaking(
    pieces: Sequence[bytes], content_type: str = "audio/mpeg", *, whole: bool = True, pause_s: float = 0.01
) -> Scripted:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(head(content_type))
        for each in pieces:
            writer.write(piece(each))
            await writer.drain()
            await asyncio.sleep(pause_s)
        if whole:
            writer.write(piece(b""))
            await writer.drain()
        else:
            writer.close()

    return Scripted(script)


def events(sound: Sequence[bytes], usage: Mapping[str, int] | None, **more: Any) -> Scripted:
    deltas = [{"type": "speech.audio.delta", "audio": base64.b64encode(each).decode()} for each in sound]
    ends = [{"type": "speech.audio.done", "usage": usage}] if usage is not None else []
    frames = [b"data: " + orjson.dumps(each) + b"\n\n" for each in (*deltas, *ends)]
    return speaking(frames, "text/event-stream", **more)


def refusing(status: int, body: bytes) -> Scripted:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(status, body))
        await writer.drain()

    return Scripted(script)


def under(scripted: Scripted, row: str = "openai", **more: Any) -> Any:
    rows = {row: Credential("key", scripted.base_url)}
    return app_under_test(scripted.base_url, wire_at=route_at, rows=rows, **more)


async def ask(gateway: AppUnderTest, body: Any, **more: Any) -> Answer:
    return await gateway.ask(body, path=PATH, **more)


async def charged(gateway: AppUnderTest) -> int:
    look = await gateway.look()
    assert look.holds == ()
    return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


async def test_sound_leaves_in_the_bytes_and_pieces_in_which_it_came() -> None:
    async with speaking(SOUND) as openai, under(openai) as gateway:
        answer = await ask(gateway, OLDER)
        assert (answer.status, answer.headers["content-type"], answer.ended) == (200, "audio/mpeg", True)
        assert [data for _, data in answer.pieces] == SOUND
        assert orjson.loads(openai.bodies[0]) == {**OLDER, "response_format": "mp3"}
        assert await charged(gateway) == NANOUSD_A_CHARACTER * len(TEXT)
        assert answer.headers["x-nexevo-model-used"] == "tts-1"


async def test_silence_puts_nothing_into_sound() -> None:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.write(head("audio/mpeg") + piece(SOUND[1]))
        await writer.drain()
        await asyncio.sleep(2)
        writer.write(piece(SOUND[2]) + piece(b""))
        await writer.drain()

    async with Scripted(script) as openai, under(openai) as gateway:
        answer = await ask(gateway, OLDER)
        assert answer.body == SOUND[1] + SOUND[2]
    async with Scripted(script) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**OLDER, "stream_format": "sse"})
        assert answer.body.startswith(b": NX\n\n")
        assert base64.b64decode(orjson.loads(answer.data[0])["audio"]) == SOUND[1]


async def test_a_model_paid_by_tokens_is_asked_for_events_and_billed_by_its_report() -> None:
    usage = {"input_tokens": 7, "output_tokens": 40, "total_tokens": 47}
    async with events(SOUND, usage) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**TOLD, "instructions": "Calmly.", "speed": 1.5, "response_format": "opus"})
        assert (answer.headers["content-type"], answer.body) == ("audio/opus", b"".join(SOUND))
        sent = orjson.loads(openai.bodies[0])
        assert sent == {
            **TOLD, "instructions": "Calmly.", "speed": 1.5, "response_format": "opus", "stream_format": "sse"
        }  # fmt: skip
        # $0.60 and $12 a million tokens, and 5 %.
        assert await charged(gateway) == 7 * 630 + 40 * 12_600


async def test_events_carry_the_sound_the_usage_and_the_cost() -> None:
    usage = {"input_tokens": 7, "output_tokens": 40, "total_tokens": 47}
    async with events(SOUND, usage) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**TOLD, "stream_format": "sse"})
        *deltas, done = answer.chunks
        assert [base64.b64decode(each["audio"]) for each in deltas] == SOUND
        assert {each["type"] for each in deltas} == {"speech.audio.delta"}
        assert (done["type"], done["usage"]["total_tokens"]) == ("speech.audio.done", 47)
        assert done["nexevo"]["cost_usd"] == "0.00050841"
    # A model without events has them made of its sound.
    async with speaking(SOUND) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**OLDER, "stream_format": "sse"})
        *deltas, done = answer.chunks
        assert b"".join(base64.b64decode(each["audio"]) for each in deltas) == b"".join(SOUND)
        assert done["usage"]["characters"] == len(TEXT)
        assert "stream_format" not in orjson.loads(openai.bodies[0])


@pytest.mark.parametrize("body", [OLDER, TOLD], ids=["characters", "tokens"])
async def test_a_cut_in_the_middle_is_seen_and_paid_for_what_came(body: dict[str, Any]) -> None:
    scripted = speaking(SOUND, whole=False) if body is OLDER else events(SOUND, None, whole=False)
    async with scripted as openai, under(openai) as gateway:
        with pytest.raises(Exception, match="cut off"):
            await ask(gateway, body)
        cost = await charged(gateway)
        assert cost == NANOUSD_A_CHARACTER * len(TEXT) if body is OLDER else 0 < cost < 100_000
    async with events(SOUND, None) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**TOLD, "stream_format": "sse"})
        assert answer.chunks[-1]["error"]["type"] == "upstream_error"


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_sound_fails_over_and_costs_nothing(status: int) -> None:
    refusal = b'{"error": {"message": "no", "type": "server_error"}}'
    async with refusing(status, refusal) as openai, under(openai) as gateway:
        answer = await ask(gateway, OLDER)
        assert (answer.status, answer.error["type"]) == (502, "upstream_error")
        assert answer.headers["content-type"] == "application/json"
        assert await charged(gateway) == 0
    async with refusing(status, refusal) as openai, speaking(SOUND) as azure:
        rows = {"openai": Credential("key", openai.base_url), "azure": Credential("key", azure.base_url)}
        async with app_under_test("", wire_at=route_at, rows=rows) as gateway:
            assert (await ask(gateway, OLDER)).body == b"".join(SOUND)
            assert b"POST /v1/openai/v1/audio/speech" in azure.heads[0]


async def test_a_caller_who_leaves_pays_for_what_was_delivered() -> None:
    begun = asyncio.Event()

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(head("text/event-stream"))
        # 38 frames of 1,152 samples, of 44,100 a second, and a part of one.
        second = sounds.whole("mp3", TEXT, 1)[:-100]
        event = {"type": "speech.audio.delta", "audio": base64.b64encode(second).decode()}
        writer.write(piece(b"data: " + orjson.dumps(event) + b"\n\n"))
        await writer.drain()
        begun.set()
        await asyncio.sleep(3_600)

    async with Scripted(script) as openai, under(openai) as gateway:
        asking = asyncio.ensure_future(ask(gateway, TOLD))
        await begun.wait()
        await asyncio.sleep(0.1)
        asking.cancel()
        await asyncio.wait({asking})
        (entry,) = [each for each in (await gateway.look()).entries if each.kind is EntryKind.CHARGE]
        # A second of MP3, at 20 tokens a second, and the text.
        assert entry.charge.usage.audio_output == 20
        assert -entry.amount_nanousd == 20 * 12_600 + 9 * 630


@pytest.mark.parametrize("asked", [OLDER, TOLD], ids=["characters", "tokens"])
def test_no_piece_takes_back_what_was_delivered(asked: dict[str, Any]) -> None:
    sound = [sounds.whole("mp3", TEXT, 1), sounds.whole("mp3", TEXT, 2)[:5_000], b"\xff", bytes(40)]
    operation = speech()
    request = operation.decode(InboundRequest(caller(), orjson.dumps(asked), "req", 0.0))
    transcoder = operation.transcoder(request, Stamp("id", asked["model"], 0))
    transcoder.begin(operation.plan(caller(), request).candidates[0])
    came = sound
    if asked is TOLD:
        deltas = [{"type": "speech.audio.delta", "audio": base64.b64encode(each).decode()} for each in sound]
        came = [b"data: " + orjson.dumps(each) + b"\n\n" for each in deltas]
    delivered = [one.delivered_bytes for each in came for one in transcoder.feed(each)]
    assert (len(delivered), min(delivered) >= 0) == (len(sound), True)
    if asked is OLDER:
        assert delivered == [len(each) for each in sound]


# The seconds of one frame of each form.
FRAME_S = {
    "mp3": sounds.MP3_SAMPLES / sounds.MP3_RATE,
    "aac": sounds.AAC_SAMPLES / sounds.AAC_RATE,
    "flac": sounds.FLAC_SAMPLES / sounds.RATE,
    "opus": sounds.OPUS_PACKETS * sounds.OPUS_SAMPLES / sounds.OPUS_RATE,
    "pcm": sounds.PCM_SAMPLES / sounds.RATE,
    "wav": sounds.PCM_SAMPLES / sounds.RATE,
}
HEADS = {"flac": 1, "opus": 2, "wav": 1}
# So much of the next frame comes, too. A frame of FLAC ends where the next one's head is; samples have no frames.
BEGUN_BYTES = {"flac": 20, "pcm": 0, "wav": 0}


@pytest.mark.parametrize("step", [97, 1_000_000], ids=["re-cut", "whole"])
@pytest.mark.parametrize("form", FRAME_S)
async def test_sound_that_its_provider_cuts_is_paid_to_the_frame(form: str, step: int) -> None:
    made, heads = list(sounds.frames(form, TEXT, 4.0)), HEADS.get(form, 0)
    count = (len(made) - heads) // 2
    sound = b"".join(made[: heads + count]) + made[heads + count][: BEGUN_BYTES.get(form, 5)]
    pieces = [sound[at : at + step] for at in range(0, len(sound), step)]
    async with events(pieces, None, pause_s=0) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**TOLD, "response_format": form, "stream_format": "sse"})
        assert b"".join(base64.b64decode(each["audio"]) for each in answer.chunks[:-1]) == sound
        tokens = math.ceil(round(20 * count * FRAME_S[form], 6))
        assert await charged(gateway) == tokens * 12_600 + 9 * 630


@pytest.mark.parametrize(("asked", "paid"), [(OLDER, "text"), (TOLD, "sound")], ids=["characters", "tokens"])
async def test_a_caller_who_is_lost_stops_the_provider(asked: dict[str, Any], paid: str) -> None:
    sent, second = 0, bytes(PCM_BYTES_PER_S)

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head("text/event-stream" if paid == "sound" else "audio/pcm"))
        delta = {"type": "speech.audio.delta", "audio": base64.b64encode(second).decode()}
        while not writer.is_closing():
            writer.write(piece(b"data: " + orjson.dumps(delta) + b"\n\n" if paid == "sound" else second))
            await writer.drain()
            sent += 1
            await asyncio.sleep(0.01)

    async with Scripted(script) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**asked, "response_format": "pcm"}, takes_bytes=3 * PCM_BYTES_PER_S)
        assert (answer.status, len(answer.body), answer.ended) == (200, 3 * PCM_BYTES_PER_S, False)
        # Three seconds at 20 tokens, and nine tokens of text.
        told = 60 * 12_600 + 9 * 630
        assert await charged(gateway) == (told if paid == "sound" else NANOUSD_A_CHARACTER * len(TEXT))
        so_far = sent
        await asyncio.sleep(0.2)
        assert sent <= so_far + 1


async def test_a_lost_callers_key_has_the_whole_sound_kept_for_it() -> None:
    async with speaking(SOUND) as openai, under(openai) as gateway:
        lost = await ask(gateway, OLDER, headers={"idempotency-key": "lost"}, takes_bytes=1)
        assert (lost.body, lost.ended) == (SOUND[0], False)
        again = await ask(gateway, OLDER, headers={"idempotency-key": "lost"})
        assert (again.body, again.headers["idempotent-replayed"]) == (b"".join(SOUND), "true")
        assert await charged(gateway) == NANOUSD_A_CHARACTER * len(TEXT)
        assert len(openai.bodies) == 1


async def test_wav_is_made_of_the_samples_where_a_vendor_has_no_wav(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(speaker("openai", "tts-1"), forms=("pcm",))
    monkeypatch.setattr("gateway.operations.speech.speaker", lambda *_: row)
    samples = bytes(range(200))
    async with speaking([samples[:7], samples[7:]], "audio/pcm") as openai, under(openai) as gateway:
        answer = await ask(gateway, {**OLDER, "response_format": "pcm"})
        assert (answer.headers["content-type"], answer.body) == ("audio/pcm", samples)
        answer = await ask(gateway, OLDER)
        assert answer.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(answer.body)) as found:
            assert found.getparams()[:3] == (1, 2, 24_000)
            assert found.readframes(1_000) == samples
        assert orjson.loads(openai.bodies[1])["response_format"] == "pcm"
        refused = await ask(gateway, {**OLDER, "response_format": "mp3"})
        assert (refused.status, refused.error["param"]) == (400, "response_format")


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"model": None}, 400, "model"),
        ({"input": None}, 400, "input"),
        ({"input": ""}, 400, "input"),
        ({"input": "a" * 4_097}, 400, "input"),
        ({"voice": "no-such-voice"}, 400, "voice"),
        ({"voice": {"id": "voice_1234"}}, 400, "voice"),
        ({"response_format": "midi"}, 400, "response_format"),
        ({"stream_format": "pigeon"}, 400, "stream_format"),
        ({"speed": 5}, 400, "speed"),
        ({"instructions": "Calmly."}, 400, "instructions"),
        ({"modalities": ["audio"]}, 400, "modalities"),
        ({"model": "no-such-model"}, 404, "model"),
    ],
)
async def test_a_refusal_names_the_place_and_asks_no_provider(change: dict[str, Any], status: int, param: str) -> None:
    async with speaking(SOUND) as openai, under(openai) as gateway:
        answer = await ask(gateway, {name: value for name, value in {**OLDER, **change}.items() if value is not None})
        assert (answer.status, answer.error["param"]) == (status, param)
        assert openai.bodies == []


async def test_the_worst_case_is_held_and_no_report_is_charged_beyond_it() -> None:
    usage = {"input_tokens": 10**6, "output_tokens": 10**6, "total_tokens": 2 * 10**6}
    async with events(SOUND, usage) as openai, under(openai) as gateway:
        await ask(gateway, TOLD)
        text, sound = len(TEXT), 750 + 10 * len(TEXT)
        assert (text * 630 + sound * 12_600) <= await charged(gateway) < (text + 64) * 630 + sound * 12_600
    async with speaking(SOUND) as openai, under(openai, balance_usd=0) as gateway:
        assert (await ask(gateway, OLDER)).status == 402


async def test_a_repeat_of_the_key_has_the_same_sound_and_pays_once() -> None:
    async with speaking(SOUND) as openai, under(openai) as gateway:
        first, again = [await ask(gateway, OLDER, headers={"idempotency-key": "once"}) for _ in range(2)]
        assert (first.body, again.body) == (b"".join(SOUND), b"".join(SOUND))
        assert again.headers["content-type"] == "audio/mpeg"
        assert await charged(gateway) == NANOUSD_A_CHARACTER * len(TEXT)
        assert len(openai.bodies) == 1
