"""Tests that a file is charged for what another decoder, FFmpeg, finds in it, and not for what it states.

`SOUND_TAMPERS=0` tries every change of every file; else a draw of them is.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import orjson
import pytest

from gateway.errors import InvalidRequest
from gateway.untrusted.file_types import AUDIO, judge_file
from gateway.untrusted.sound_length import sound_seconds
from tests.environments import ROOT, python_with, run
from tests.untrusted.tampered_sound import tampered

SECONDS = 1.3
DRAWN = int(os.environ.get("SOUND_TAMPERS", "100"))
SCRIPTS = ROOT / "tests/stack/vendors"
# What encoders put around the sound is paid or not: up to four frames, which are less than this here.
PADDING_S = 0.12
MORE_S = 0.25


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("sound")
    run([python_with("audio-sdks"), str(SCRIPTS / "made_sound.py"), str(folder), str(SECONDS)], ROOT)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def decoded(folder: Path, contents: list[bytes]) -> list[float]:
    """Returns the most seconds that FFmpeg decodes of each file."""
    for number, content in enumerate(contents):
        (folder / f"{number:05}").write_bytes(content)
    told = run([python_with("audio-sdks"), str(SCRIPTS / "most_sound.py"), str(folder)], ROOT)
    found: list[float] = orjson.loads(told)
    return found


def charged(content: bytes) -> float | None:
    """Returns the seconds that are charged; none where the file is refused."""
    try:
        return sound_seconds(content, judge_file(content, "file", AUDIO), "file")
    except InvalidRequest:
        return None


def test_a_file_as_it_was_made_is_as_long_as_a_decoder_finds_it(files: dict[str, bytes], tmp_path: Path) -> None:
    found = decoded(tmp_path, list(files.values()))
    assert {name: charged(content) for name, content in files.items()} == {
        name: pytest.approx(seconds, abs=0.1) for name, seconds in zip(files, found, strict=True)
    }


def test_a_changed_file_is_charged_for_what_a_decoder_finds_or_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    changes = [change for name, content in files.items() for change in tampered(name, content)]
    drawn = random.Random(DRAWN).sample(changes, DRAWN) if DRAWN else changes
    taken = [(name, content, length) for name, content in drawn if (length := charged(content)) is not None]
    found = decoded(tmp_path, [content for _, content, _ in taken])
    honest = {name: charged(content) or 0.0 for name, content in files.items()}
    less, more = [], []
    for (name, _, length), seconds in zip(taken, found, strict=True):
        if length < seconds - PADDING_S:
            less.append((name, length, seconds))
        if length > max(seconds, honest[name.partition(":")[0]]) + MORE_S:
            more.append((name, length, seconds))
    assert (less, more) == ([], [])
    assert len(taken) > len(drawn) / 4
