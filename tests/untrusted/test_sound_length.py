"""Tests of the length of sound: what a file states is not believed, and what can be decoded is counted."""

import base64
import math
import struct
import tracemalloc

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.request import MeasuredSound
from gateway.errors import InvalidRequest
from gateway.operations import heard_sound
from gateway.protocols import gemini
from gateway.untrusted.file_types import AUDIO, FileType, judge_file
from gateway.untrusted.sound import mp4
from gateway.untrusted.sound.steps import STEP_BYTES, STEPS_MAX, Steps, Unreadable
from gateway.untrusted.sound_length import UNKNOWN, sound_seconds
from local.providers import sounds
from tests.untrusted.tampered_sound import checked

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


def test_ogg_with_a_page_inside_a_page_is_refused() -> None:
    file = sounds.whole("opus", "a tone", SECONDS)
    second = file.index(b"OggS", 1)
    third = file.index(b"OggS", second + 1)
    # The last packet of the second page takes in the head of the third, and its checksum is right.
    longer = file[: second + 27] + bytes([file[second + 27] + 27]) + file[second + 28 :]
    assert file[second + 26] == 1
    assert refused(checked(longer))
    assert seconds(checked(file[:second] + file[second:third] + file[third:])) == seconds(file)


def test_wav_of_packed_samples_is_refused() -> None:
    file = bytearray(sounds.whole("wav", "a tone", SECONDS))
    file[20:22] = (0x11).to_bytes(2, "little")
    with pytest.raises(InvalidRequest):
        seconds(bytes(file))


def refused(content: bytes) -> bool:
    try:
        seconds(content)
    except InvalidRequest as refusal:
        return (refusal.code, str(refusal)) == ("unknown_duration", UNKNOWN)
    return False


def wave(samples: bytes, coding: int = 1) -> bytes:
    head = struct.pack("<IHHIIHH", 16, coding, 2, 44_100, 176_400, 4, 16)
    body = b"WAVEfmt " + head + b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def box(name: str, *inside: bytes) -> bytes:
    content = b"".join(inside)
    return (8 + len(content)).to_bytes(4, "big") + name.encode() + content


def numbers(*given: int) -> bytes:
    return struct.pack(f">{len(given)}I", *given)


def film(entry: bytes, sizes: list[int], *more: bytes) -> bytes:
    """Builds M4A of one chunk whose samples have these sizes."""
    brand = box("ftyp", b"M4A \0\0\0\0M4A ")
    place = len(brand) + 8
    table = box(
        "stbl",
        box("stsd", numbers(0, 1), entry),
        box("stts", numbers(0, 1, len(sizes), 1_024)),
        box("stsz", numbers(0, 0, len(sizes), *sizes)),
        box("stsc", numbers(0, *((1, 1, len(sizes), 1) if sizes else (0,)))),
        box("stco", numbers(0, *((1, place) if sizes else (0,)))),
    )
    media = box("mdia", box("hdlr", numbers(0, 0), b"soun", bytes(12)), box("minf", table))
    head = box("moov", box("trak", box("tkhd", numbers(0, 0, 0, 1)), media), *more)
    return brand + box("mdat", b"\x01" * sum(sizes)) + head


def aac_entry(config: bytes = b"\x12\x08") -> bytes:
    """Builds the sample entry of AAC with one channel at 44.1 kHz, or with another configuration."""
    decoder = b"\x04" + bytes([15 + len(config)]) + b"\x40\x15" + bytes(11) + b"\x05" + bytes([len(config)]) + config
    described = b"\x03" + bytes([3 + len(decoder)]) + bytes(3) + decoder
    return box("mp4a", bytes(28), box("esds", bytes(4), described))


FRAME_S = 1_024 / 44_100


def test_m4a_is_as_long_as_its_samples() -> None:
    assert seconds(film(aac_entry(), [200] * 100)) == pytest.approx(100 * FRAME_S)


def test_a_sample_of_aac_that_is_larger_than_a_frame_is_refused() -> None:
    assert not refused(film(aac_entry(), [768, 768]))
    assert refused(film(aac_entry(), [768, 769]))


def test_a_sample_that_the_end_of_the_file_cuts_is_refused() -> None:
    """Decoders go on in what is there of it, which may be all the frames of the file."""
    whole = film(aac_entry(b"\x12\x38"), [200] * 10)
    assert refused(whole.replace(numbers(200, 200), numbers(200, 6_000), 1))


@pytest.mark.parametrize("name", ["trak", "stbl", "moof", "trun", "cmov"])
def test_m4a_with_a_part_in_a_place_that_is_not_its_own_is_refused(name: str) -> None:
    assert not refused(film(aac_entry(), [9], box("udta", box("free", bytes(40)))))
    assert refused(film(aac_entry(), [9], box("udta", box(name, bytes(40)))))


def fragment(*parts: bytes, sound: int) -> bytes:
    return box("moof", box("mfhd", numbers(0, 1)), *parts) + box("mdat", bytes(sound))


def part(flags: int, sizes: list[int], *fields: int) -> bytes:
    run = box("trun", numbers(0x200 | 1, len(sizes), 0, *sizes))
    return box("traf", box("tfhd", numbers(flags, 1, *fields)), run)


def test_a_second_part_of_a_fragment_says_where_it_is() -> None:
    whole = film(aac_entry(), [])
    from_fragment, unsaid = part(0x20000, [9] * 40), part(0, [9] * 40)
    assert seconds(whole + fragment(from_fragment, from_fragment, sound=720)) == pytest.approx(80 * FRAME_S)
    assert seconds(whole + fragment(unsaid, sound=720)) == pytest.approx(40 * FRAME_S)
    assert refused(whole + fragment(unsaid, unsaid, sound=720))


class Counted(Steps):
    """Steps that tell how many were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def take(self, read_bytes: int = 0) -> None:
        self.taken += 1 + read_bytes // STEP_BYTES
        super().take(read_bytes)


def test_a_run_of_any_number_of_nothing_is_refused_at_once() -> None:
    """A run whose samples have no size and no fields has room for four milliards of them."""
    run = box("trun", numbers(1, 900_000, 0))
    nothing = box("traf", box("tfhd", numbers(0x20000, 1)), run)
    steps = Counted()
    with pytest.raises(Unreadable):
        mp4.length(film(aac_entry(), [9] * 40) + fragment(nothing, sound=0), steps)
    assert steps.taken < 1_000


def test_all_sound_of_a_request_shares_the_steps_of_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Counted()
    monkeypatch.setattr(heard_sound, "Steps", lambda: steps)
    run = box("trun", numbers(1, 90_000, 0))
    most = box("traf", box("tfhd", numbers(0x20010, 1, 1)), run)
    sound = film(aac_entry(), []) + fragment(most, sound=90_000)
    heard = {"mimeType": FileType.M4A.value, "data": base64.b64encode(sound).decode()}
    asked = {"model": "gemini-2.5-flash", "contents": [{"role": "user", "parts": [{"inlineData": heard}] * 20}]}
    request = heard_sound.with_sound_measured(gemini.CLIENT.decode_request(orjson.dumps(asked)))
    # Eleven have a fragment of 90,000 steps; the others keep the bound of their bytes.
    measured = MeasuredSound(11 * len(heard["data"]), request.sound.tokens)
    assert (request.sound, STEPS_MAX < steps.taken < STEPS_MAX + 10) == (measured, True)


def test_a_step_that_copies_counts_by_its_bytes() -> None:
    nested = b"\x04\x0d\x40" + bytes(12)
    steps = Counted()
    with pytest.raises(Unreadable):
        mp4.length(film(box("mp4a", bytes(28), box("esds", bytes(4), nested * 400)), []), steps)
    assert steps.taken > len(nested) * 400 * 400 // 2 // STEP_BYTES


def test_each_head_of_a_fragment_counts_the_tracks_among_which_it_is_looked_for() -> None:
    whole = film(aac_entry(), [])
    begun = whole.index(b"moov") - 4
    track = whole[begun + 8 :]
    many = whole[:begun] + box("moov", *[track] * 50)
    steps = Counted()
    mp4.length(many + fragment(*[box("traf", box("tfhd", numbers(0x20000, 2)))] * 50, sound=0), steps)
    assert steps.taken > 50 * 50


def test_a_number_of_more_than_eight_bytes_is_refused() -> None:
    whole = WHOLE[FileType.WEBM]
    at = whole.index(b"\x16T\xaek")
    for size in (8, 200):
        scale = b"\x2a\xd7\xb1" + element(b"\xff" * size)
        content = whole[:at] + scale + b"\x44\x89\x84" + struct.pack(">f", 1.0) + whole[at:]
        assert outcome(content, FileType.WEBM) == ("counted" if size == 8 else "unknown_duration")


def test_wav_whose_samples_are_another_coding_is_refused() -> None:
    plain = struct.pack("<88200h", *(int(3_000 * math.sin(at / 16)) for at in range(88_200)))
    assert seconds(wave(plain)) == pytest.approx(1.0)
    for form in ("aac", "mp3"):
        coded = sounds.whole(form, "a tone", SECONDS)
        assert refused(wave(coded))
        assert refused(wave(bytes(64) + coded))
    assert refused(wave(b"\x0b\x77" + plain))
    assert refused(wave((b"\x7f\xfe\x80\x01" + bytes(2_044)) * 20))
    assert refused(wave(plain, 0x55))


def test_tags_are_passed_over_where_all_decoders_do_so() -> None:
    sound = sounds.whole("mp3", "a tone", SECONDS)
    tag = b"ID3\4\0\0\0\0\1\0" + bytes(128)
    assert seconds(tag + tag + sound) == seconds(sound)
    assert seconds(tag[:5] + b"\x10" + tag[6:] + tag[:10] + sound) == seconds(sound)
    assert refused(tag[:8] + b"\x81\0" + bytes(128) + sound)
    assert refused(tag + sounds.whole("flac", "a tone", SECONDS))
    assert refused(tag + sounds.whole("wav", "a tone", SECONDS))


def test_mp3_that_also_has_frames_of_free_format_is_refused() -> None:
    sound = sounds.whole("mp3", "a tone", SECONDS)
    free = (b"\xff\xfb\x00\xc4" + bytes(196)) * 50
    assert refused(sound + free)
    assert refused(sound[: sounds.MP3_BYTES * 9] + free + sound)


def test_frames_that_a_larger_one_hides_are_counted() -> None:
    """A head of another rate, which decoders of this one pass over, spans many small frames."""
    small, hiding = (b"\xff\xf3\x14\xc4" + bytes(20)) * 30, b"\xff\xf3\xe8\xc4" + bytes(20)
    assert seconds(small + hiding + small + hiding + small) == pytest.approx(90 * 576 / 24_000)


def test_an_index_is_no_sound_and_hides_none() -> None:
    frame = b"\xff\xfb\x90\xc4" + bytes(413)
    index = frame[:36] + b"Xing" + frame[40:]
    assert seconds(index + frame * 100) == pytest.approx(100 * 1_152 / 44_100)
    assert seconds(index * 100) == pytest.approx(99 * 1_152 / 44_100)


@pytest.mark.parametrize("kind", sorted(AUDIO))
@given(tail=st.binary(max_size=400), data=st.data())
def test_any_bytes_are_counted_or_refused(kind: FileType, tail: bytes, data: st.DataObject) -> None:
    whole = WHOLE[kind]
    at = data.draw(st.integers(0, len(whole)))
    for content in (tail, whole[:at] + tail, whole[:at] + tail + whole[at + len(tail) :]):
        assert outcome(content, kind) in ("counted", "unknown_duration")
    assert outcome(whole, kind) == "counted"


# TimestampScale, Duration, and what a track tells.
ELEMENTS = (b"\x2a\xd7\xb1", b"\x44\x89", b"\xd7", b"\x83", b"\x86", b"\x63\xa2")
REPEATED = st.builds(
    bytes.__mul__, st.sampled_from((b"\0", b"\1", b"\x7f", b"\xff")), st.sampled_from((0, 1, 4, 8, 200))
)


@given(st.lists(st.tuples(st.sampled_from(ELEMENTS), REPEATED), min_size=2, max_size=8))
def test_elements_of_any_length_are_counted_or_refused(elements: list[tuple[bytes, bytes]]) -> None:
    whole, more = WHOLE[FileType.WEBM], b"".join(name + element(data) for name, data in elements)
    inside = whole.index(b"\x16T\xaek")
    track, end = inside + 7, inside + 21
    in_track = whole[: inside + 4] + element(b"\xae" + element(whole[track:end] + more)) + whole[end:]
    assert outcome(whole[: inside + 4] + element(b"\xae" + element(whole[track:end])) + whole[end:], FileType.WEBM) == (
        "counted"
    )
    for content in (whole[:inside] + more + whole[inside:], in_track):
        assert outcome(content, FileType.WEBM) in ("counted", "unknown_duration")


def element(data: bytes) -> bytes:
    """Builds the size and the content of an element."""
    return (len(data) | 1 << 14).to_bytes(2, "big") + data


def outcome(content: bytes, kind: FileType) -> str | None:
    try:
        return "counted" if 0 < sound_seconds(content, kind, "file") < math.inf else "none"
    except InvalidRequest as refusal:
        return refusal.code


WHOLE = {
    FileType.WAV: sounds.whole("wav", "a tone", 0.1),
    FileType.MP3: sounds.whole("mp3", "a tone", 0.2),
    FileType.AAC: sounds.whole("aac", "a tone", 0.2),
    FileType.FLAC: sounds.whole("flac", "a tone", 0.1),
    FileType.OGG: sounds.whole("opus", "a tone", 0.2),
    FileType.M4A: film(aac_entry(), [20] * 9),
    FileType.MP4: film(aac_entry(), []) + fragment(part(0x20000, [9] * 4), sound=36),
    FileType.WEBM: b"\x1aE\xdf\xa3\x87B\x82\x84webm\x18S\x80g\xff\x16T\xaek\x90\xae\x8e\xd7\x81\x01\x83\x81\x02\x86"
    b"\x86A_OPUS\x1fC\xb6u\xff" + b"\xa3\x85\x81\0\0\x80\xf8" * 20,
}


@pytest.mark.parametrize("form", ["mp3", "aac", "opus"])
def test_a_file_of_25_mb_is_measured_in_little_memory(form: str) -> None:
    sound = sounds.whole(form, "a tone", 60)
    content = sound + bytes(25_000_000 - len(sound))
    tracemalloc.start()
    try:
        assert 0 < sound_seconds(content, judge_file(content, "file", AUDIO), "file") < math.inf
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(content) + 1_000_000
