"""Tests of the SDKs of ElevenLabs, Deepgram, Mistral and Groq against their simulators of sound."""

import hashlib
from pathlib import Path

from local.providers import sounds, transcription
from tests.conftest import Rows
from tests.environments import python_with
from tests.stack.vendors.conftest import seen

TEXT = "The sun rises in the east and sets in the west."


def test_each_sdk_speaks_and_listens_at_its_simulator(rows: Rows, tmp_path: Path) -> None:
    file = sounds.whole("wav", TEXT, 7.3)
    path = tmp_path / "a.wav"
    path.write_bytes(file)
    told = seen(python_with("audio-sdks"), "sdk_audio.py", rows, TEXT, str(path))
    heard = " ".join(each.text for each in transcription.heard(file, 7.3))

    def digest(form: str) -> str:
        frames = sounds.frames(form, TEXT, sounds.seconds(TEXT))
        return hashlib.sha256(b"".join(frames)).hexdigest()

    assert {name: each["text"] for name, each in told.items()} == dict.fromkeys(told, heard)
    assert (told["elevenlabs"]["said"], told["deepgram"]["said"]) == (digest("mp3"), digest("mp3"))
    assert told["groq"]["said"] == digest("wav")
    assert told["elevenlabs"]["words"] == told["deepgram"]["words"] == heard.split()
    assert " ".join(told["mistral"]["segments"]) == heard
