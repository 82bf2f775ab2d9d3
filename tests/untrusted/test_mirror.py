"""Tests of copying a provider's file into the bucket: in parts, resumed after a death, no leftovers of refused ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.errors import InvalidRequest, ServiceUnavailable, UpstreamError
from gateway.jobs.media import parts_upload as room
from gateway.jobs.media.parts_upload import Mirrored, Refused, Source, mirror, output_type
from gateway.untrusted.fetch import Opened
from gateway.untrusted.file_types import FileType
from tests.fakes.media import MemoryMediaObjects
from tests.untrusted import pillow_files as pillow
from tests.untrusted.file_forms import CLIP, HTML, SOUND, STL, ZIP

pytestmark = pytest.mark.anyio

NAME = "media/acc_1/job_1/0.mp4"
PART = 1000
FILM = CLIP + bytes(range(256)) * 14


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PART_BYTES", PART)


@dataclass
class File:
    """A provider's file. It breaks off at the byte `dies_at`; without `ranges` it always begins at its beginning."""

    content: bytes = FILM
    piece_bytes: int = 300
    dies_at: int | None = None
    ranges: bool = True
    says_size: bool = True
    asked: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self, first_byte: int = 0) -> AsyncIterator[Opened]:
        self.asked.append(first_byte)
        first = first_byte if self.ranges else 0
        yield Opened(self._pieces(first), first, len(self.content) if self.says_size else None, "video/mp4")

    async def _pieces(self, first: int) -> AsyncIterator[bytes]:
        for at in range(first, len(self.content), self.piece_bytes):
            if self.dies_at is not None and at >= self.dies_at:
                raise UpstreamError("The provider's file gives no readable answer.")
            yield self.content[at : at + self.piece_bytes]


@dataclass
class Job:
    """A job's record of its mirroring, and the bucket."""

    objects: MemoryMediaObjects = field(default_factory=MemoryMediaObjects)
    upload_id: str | None = None
    saved: int = 0
    overtaken: bool = False

    async def save(self, upload_id: str) -> bool:
        if self.overtaken:
            return False
        self.upload_id = upload_id
        self.saved += 1
        return True

    async def bring(self, file: Source, mime_type: str = "video/mp4") -> Mirrored:
        return await mirror(file, self.objects, NAME, mime_type, self.upload_id, self.save)

    async def content(self) -> bytes | None:
        return await self.objects.read(NAME, 0, 10**9)

    @property
    def leaves_nothing(self) -> bool:
        return (self.objects._objects, self.objects._uploads) == ({}, {})


def sized(size_bytes: int) -> bytes:
    return CLIP + bytes(size_bytes - len(CLIP))


@pytest.mark.parametrize("size_bytes", [len(CLIP), PART - 1, PART, PART + 1, 3 * PART - 1, 3 * PART, 3 * PART + 1])
@pytest.mark.parametrize("piece_bytes", [1, 300, PART, 10 * PART])
@pytest.mark.parametrize("says_size", [True, False])
async def test_a_file_comes_over_whole(size_bytes: int, piece_bytes: int, *, says_size: bool) -> None:
    job, content = Job(), sized(size_bytes)
    brought = await job.bring(File(content, piece_bytes, says_size=says_size))
    assert (brought, await job.content()) == (Mirrored(NAME, "video/mp4", size_bytes), content)
    at_once = says_size and size_bytes <= PART
    assert (job.saved, job.objects._uploads) == (0 if at_once else 1, {})


async def test_a_try_that_was_overtaken_gives_its_own_upload_up() -> None:
    job = Job(overtaken=True)
    with pytest.raises(UpstreamError, match=r"^Another try"):
        await job.bring(File())
    assert job.leaves_nothing


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("dies_at", [0, 1, 999, 1000, 1001, 2500, 3300])
async def test_after_a_death_it_goes_on_from_the_last_full_part(dies_at: int, *, ranges: bool) -> None:
    job = Job()
    with pytest.raises(UpstreamError):
        await job.bring(File(dies_at=dies_at, piece_bytes=1))
    file = File(ranges=ranges)
    assert (await job.bring(file), await job.content()) == (Mirrored(NAME, "video/mp4", len(FILM)), FILM)
    assert (file.asked, job.saved) == ([dies_at // PART * PART], 1)


async def test_it_goes_on_as_often_as_it_takes() -> None:
    job = Job()
    for dies_at in (1500, 2500, 3500):
        with pytest.raises(UpstreamError):
            await job.bring(File(dies_at=dies_at, piece_bytes=100))
    file = File()
    await job.bring(file)
    assert (file.asked, await job.content(), job.saved) == ([3000], FILM, 1)


class DiesAtTheEnd(MemoryMediaObjects):
    """A store that cannot be reached once, when the object is to be completed."""

    died = False

    async def complete(self, name: str, upload_id: str, parts: object) -> None:
        if not self.died:
            self.died = True
            raise ServiceUnavailable("down")
        await super().complete(name, upload_id, parts)  # type: ignore[arg-type]  # as it was given


@pytest.mark.parametrize("size_bytes", [3 * PART, 3 * PART + 5])
async def test_after_a_death_before_the_end_only_the_end_is_done_again(size_bytes: int) -> None:
    job = Job(DiesAtTheEnd())
    with pytest.raises(ServiceUnavailable):
        await job.bring(File(sized(size_bytes)))
    file = File(sized(size_bytes))
    await job.bring(file)
    assert (file.asked, await job.content()) == ([3 * PART], sized(size_bytes))


async def test_a_file_that_is_there_already_is_not_asked_for_again() -> None:
    job, again = Job(), File()
    first = await job.bring(File())
    assert (await job.bring(again), again.asked) == (first, [])


async def test_an_upload_that_was_given_up_begins_anew() -> None:
    job, file = Job(upload_id="upload-0"), File()
    await job.bring(file)
    assert (file.asked, await job.content(), job.upload_id) == ([0], FILM, "upload-1")


async def test_a_part_that_is_missing_in_between_is_fetched_again() -> None:
    job = Job()
    upload_id = job.upload_id = await job.objects.begin(NAME, "video/mp4")
    for number in (1, 3):
        await job.objects.put_part(NAME, upload_id, number, FILM[(number - 1) * PART : number * PART])
    file = File()
    await job.bring(file)
    assert (file.asked, await job.content()) == ([PART], FILM)


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (HTML, "video/mp4"),
        (b'{"error": "expired"}', "video/mp4"),
        (ZIP, "video/mp4"),
        (pillow.PNG, "video/mp4"),
        (FILM, "image/png"),
        (HTML, "model/obj"),
        (b"\x00" * 5000, "video/mp4"),
        (FILM, "application/octet-stream"),
    ],
    ids=["page", "json", "archive", "picture", "film", "page for a model", "nothing", "no declaration"],
)
async def test_what_is_not_of_the_declared_kind_is_refused_before_anything_is_begun(
    content: bytes, declared: str
) -> None:
    job = Job()
    with pytest.raises(Refused):
        await job.bring(File(content), declared)
    assert (job.leaves_nothing, job.saved) == (True, 0)


@pytest.mark.parametrize(("content", "file_type"), SOUND.values(), ids=SOUND)
def test_every_sound_file_is_what_it_is_declared_to_be(content: bytes, file_type: FileType) -> None:
    assert output_type(content, len(content), file_type) == file_type


@pytest.mark.parametrize(
    ("content", "declared", "expected"),
    [
        (pillow.JPEG, "image/png", FileType.JPEG),
        (CLIP, "video/webm; codecs=vp9", FileType.MP4),
        (ZIP, "model/obj", FileType.ZIP),
        (STL, "model/gltf-binary", FileType.STL),
    ],
)
def test_a_type_of_the_declared_kind_is_kept_as_what_it_is(content: bytes, declared: str, expected: FileType) -> None:
    assert output_type(content, len(content), declared) == expected


async def test_a_file_without_a_byte_is_refused() -> None:
    with pytest.raises(Refused, match=r"^The provider's file is empty\.$"):
        await Job().bring(File(b""))


async def test_a_file_that_says_it_is_too_large_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FILE_BYTES_MAX", len(FILM) - 1)
    job = Job()
    with pytest.raises(Refused):
        await job.bring(File())
    assert (job.leaves_nothing, job.saved) == (True, 0)


async def test_a_file_that_turns_out_too_large_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FILE_BYTES_MAX", len(FILM) - 1)
    job = Job()
    with pytest.raises(Refused):
        await job.bring(File(says_size=False))
    assert (job.leaves_nothing, job.saved) == (True, 1)


async def test_a_file_of_just_the_bound_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FILE_BYTES_MAX", len(FILM))
    job = Job()
    await job.bring(File(says_size=False))
    assert await job.content() == FILM


async def test_a_file_that_changed_in_between_is_given_up_and_begins_anew() -> None:
    job = Job()
    with pytest.raises(UpstreamError):
        await job.bring(File(dies_at=2500, piece_bytes=100))
    with pytest.raises(UpstreamError, match=r"^The provider's file changed"):
        await job.bring(File(FILM[:1500], ranges=False))
    assert job.leaves_nothing
    await job.bring(File(FILM[:1500]))
    assert await job.content() == FILM[:1500]


class Forbidden:
    """A file at an address that may not be connected to."""

    def opened(self, first_byte: int = 0) -> AbstractAsyncContextManager[Opened]:
        del first_byte
        raise InvalidRequest("The URL must lead to a public host.")


async def test_an_address_that_is_refused_is_the_providers_and_leaves_nothing_behind() -> None:
    job = Job()
    with pytest.raises(UpstreamError):
        await job.bring(File(dies_at=2500))
    with pytest.raises(Refused, match=r"^The URL must lead to a public host\.$"):
        await job.bring(Forbidden())
    assert job.leaves_nothing
