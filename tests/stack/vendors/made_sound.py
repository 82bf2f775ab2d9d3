"""Writes a tone of so many seconds as a sound file of each form, for a test to measure: FOLDER SECONDS."""

import math
import sys
from array import array
from importlib import import_module
from pathlib import Path
from typing import Any

# Imported by name: FFmpeg's library is not among the packages that this repository is type-checked with.
av: Any = import_module("av")

# A file's name, its container, its coder, its rate, and what these are asked for.
FORMS: tuple[tuple[str, str, str, int, dict[str, str], dict[str, str]], ...] = (
    ("whole.m4a", "ipod", "aac", 44_100, {}, {}),
    ("slow.m4a", "ipod", "aac", 16_000, {}, {}),
    ("first.mp4", "mp4", "aac", 48_000, {"movflags": "faststart"}, {}),
    ("opus.mp4", "mp4", "libopus", 48_000, {}, {}),
    ("fragments.mp4", "mp4", "aac", 44_100, {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"}, {}),
    ("moof.mp4", "mp4", "aac", 44_100, {"movflags": "frag_every_frame+empty_moov+default_base_moof"}, {}),
    ("constant.mp3", "mp3", "libmp3lame", 44_100, {}, {"b": "64000"}),
    ("variable.mp3", "mp3", "libmp3lame", 24_000, {}, {"q": "5", "flags": "+qscale", "global_quality": "590"}),
    ("index.mp3", "mp3", "libmp3lame", 24_000, {"write_xing": "0", "id3v2_version": "0"}, {"flags": "+qscale"}),
    ("plain.aac", "adts", "aac", 24_000, {}, {}),
    ("opus.webm", "webm", "libopus", 48_000, {}, {}),
    ("live.webm", "webm", "libopus", 48_000, {"live": "1"}, {}),
    ("vorbis.webm", "webm", "vorbis", 44_100, {}, {"strict": "experimental"}),
    ("vorbis.ogg", "ogg", "vorbis", 44_100, {}, {"strict": "experimental"}),
    ("opus.ogg", "ogg", "libopus", 48_000, {}, {}),
    ("long.ogg", "ogg", "libopus", 48_000, {}, {"frame_duration": "60"}),
    ("plain.flac", "flac", "flac", 16_000, {}, {}),
    ("plain.wav", "wav", "pcm_s16le", 16_000, {}, {}),
    ("wide.wav", "wav", "pcm_s24le", 48_000, {}, {}),
    ("law.wav", "wav", "pcm_mulaw", 8_000, {}, {}),
)
PIECE = 1_000


def write(path: Path, form: tuple[str, str, str, int, dict[str, str], dict[str, str]], seconds: float) -> None:
    """Writes one file."""
    _, container, coder, rate, options, asked = form
    # FFmpeg's own Vorbis has two channels.
    layout = "stereo" if coder == "vorbis" else "mono"
    with av.open(str(path), "w", format=container, options=options) as file:
        stream = file.add_stream(coder, rate=rate, layout=layout, options=asked)
        coding = stream.codec_context
        coding.open()
        resampler = av.AudioResampler(coding.format, layout, rate, coding.frame_size or PIECE)
        tone = array("h", (int(9_000 * math.sin(at * 2_764 / rate)) for at in range(int(seconds * rate))))
        frame = av.AudioFrame("s16", "mono", len(tone))
        frame.sample_rate, frame.pts = rate, 0
        frame.planes[0].update(tone.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))


for each in FORMS:
    write(Path(sys.argv[1]) / each[0], each, float(sys.argv[2]))
