"""Speech on the whole stack, by OpenAI's own SDK; a decoder of its own judges each file."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import orjson
import pytest

from local.providers import sounds
from tests.environments import ROOT, python_with, run
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

TEXT = "The sun rises in the east and sets in the west."
MODELS = ("tts-1", "gpt-4o-mini-tts")
CODECS = {"mp3": "mp3float", "opus": "opus", "aac": "aac", "flac": "flac", "wav": "pcm_s16le"}


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=stack.api_key, base_url=stack.base_url, timeout=HANGS_AFTER_S, max_retries=0) as made:
        yield made


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


def judged(paths: list[Path]) -> list[list[object]]:
    """Returns the codec and the decoded seconds of each file."""
    script = Path(__file__).parent / "vendors" / "decoded_sound.py"
    told = run([python_with("audio-sdks"), str(script), *map(str, paths)], ROOT)
    found: list[list[object]] = orjson.loads(told)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_openais_sdk_saves_a_file_of_every_form(client: openai.OpenAI, tmp_path: Path, model: str) -> None:
    paths = [tmp_path / f"said.{form}" for form in CODECS]
    for path in paths:
        form = path.suffix[1:]
        with client.audio.speech.with_streaming_response.create(
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
    samples = client.audio.speech.create(model=model, voice="coral", input=TEXT, response_format="pcm").content
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


def test_models_that_speak_are_listed_with_their_prices(http: httpx.Client) -> None:
    rows = {row["id"]: row for row in http.get("/v1/models").json()["data"]}
    assert rows["tts-1"]["pricing"] == {"currency": "USD", "unit": "1M characters", "characters": "15"}
    assert rows["gpt-4o-mini-tts"]["pricing"]["output"] == "12"
    assert (rows["tts-1"]["kind"], rows["tts-1"]["modalities"]["output"]) == ("speech", ["audio"])
