"""Tests of the length of sound: what a file states is not believed, and what can be decoded is counted."""

import pytest

from gateway.errors import InvalidRequest
from gateway.untrusted.file_types import AUDIO, judge_file
from gateway.untrusted.sound_length import sound_seconds
from local.providers import sounds

SECONDS = 7.3
# A frame more or less, and an encoder's padding.
NEAR = 0.1


def seconds(content: bytes) -> float:
    return sound_seconds(content, judge_file(content, "file", AUDIO), "file")


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
def test_each_form_of_speech_is_as_long_as_it_is(form: str) -> None:
    assert seconds(sounds.whole(form, "a tone", SECONDS)) == pytest.approx(SECONDS, abs=NEAR)


def test_flac_that_states_few_samples_is_counted_by_its_frames() -> None:
    file = bytearray(sounds.whole("flac", "a tone", SECONDS))
    file[22:26] = (2_400).to_bytes(4, "big")
    assert seconds(bytes(file)) == pytest.approx(SECONDS)


def test_ogg_whose_page_was_changed_is_refused() -> None:
    file = bytearray(sounds.whole("opus", "a tone", SECONDS))
    last = file.rindex(b"OggS")
    file[last + 6 : last + 14] = (2_400).to_bytes(8, "little")
    with pytest.raises(InvalidRequest):
        seconds(bytes(file))


def test_wav_of_packed_samples_is_refused() -> None:
    file = bytearray(sounds.whole("wav", "a tone", SECONDS))
    file[20:22] = (0x11).to_bytes(2, "little")
    with pytest.raises(InvalidRequest):
        seconds(bytes(file))
