"""Tests of the files that requests name in their media fields: by id, by URL, as a data: URL."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.files.inputs import FILE_BYTES_MAX, IMAGE_BYTES_MAX, MediaInputs, new_file_id
from gateway.untrusted.file_types import AUDIO, IMAGES, FileType
from tests.control_plane.harness import StoppedClock
from tests.fakes.media import MemoryMediaObjects
from tests.generation.studio import Web
from tests.untrusted.file_forms import CLIP, WAV
from tests.untrusted.pillow_files import PNG

pytestmark = pytest.mark.anyio

MINE = "file-nxn-01m7ydax8g00000000"
CAT = "https://pictures.example/cat.png"


class Room:
    """A bucket, the internet, and what reads them."""

    def __init__(self) -> None:
        self.objects, self.web, self.clock = MemoryMediaObjects(), Web(), StoppedClock()
        self.inputs = MediaInputs(self.objects, self.web, self.clock)

    async def keep(self, content: bytes, account_id: str = "acc_one", file_id: str = MINE) -> str:
        name = f"uploads/{account_id}/{file_id}"
        await self.objects.put(name, content, "image/png")
        return await self.objects.url(name, 0.0)

    async def read(self, given: str, accepted: Collection[FileType] = IMAGES, **bound: Any) -> tuple[bytes, FileType]:
        found = await self.inputs.read("acc_one", given, "image", accepted, **bound)
        return found.content, found.file_type

    async def refusal(
        self, given: str, accepted: Collection[FileType] = IMAGES, **bound: Any
    ) -> tuple[int, str | None, str | None]:
        with pytest.raises(GatewayError) as refused:
            await self.read(given, accepted, **bound)
        return refused.value.status, refused.value.code, refused.value.param


@pytest.fixture
def room() -> Room:
    return Room()


async def test_a_file_is_read_by_its_id_and_by_its_url(room: Room) -> None:
    url = await room.keep(PNG)
    assert await room.read(MINE) == await room.read(url) == (PNG, FileType.PNG)
    assert room.web.asked == []


async def test_a_url_elsewhere_is_fetched(room: Room) -> None:
    room.web.files[CAT] = PNG
    assert await room.read(CAT) == (PNG, FileType.PNG)


async def test_a_url_that_looks_like_ours_on_another_host_is_fetched_from_there(room: Room) -> None:
    await room.keep(PNG)
    foreign = f"https://elsewhere.example/uploads/acc_one/{MINE}"
    assert await room.refusal(foreign) == (400, None, "image")
    assert room.web.asked == [foreign]


@pytest.mark.parametrize("head", ["data:image/png;base64,", "DATA:;base64,", "data:application/octet-stream;base64,"])
async def test_a_data_url_holds_the_file_itself(room: Room, head: str) -> None:
    assert await room.read(head + base64.b64encode(PNG).decode()) == (PNG, FileType.PNG)


async def test_a_data_url_may_be_percent_encoded(room: Room) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in PNG)
    assert await room.read(f"data:image/png,{escaped}") == (PNG, FileType.PNG)


@pytest.mark.parametrize("given", ["file-abc", "file-nxn-0", "file-NXN-0", "file_011CNha8iCJcU1wXNR6q4V8w", "file-"])
async def test_an_id_of_no_file_is_unknown_in_any_vendor_s_spelling(room: Room, given: str) -> None:
    assert await room.refusal(given) == (404, "file_not_found", "image")
    assert room.web.asked == []


@pytest.mark.parametrize(
    "given", ["data:image/png;base64,*", "data:image/png;base64", "data:", "data:image/jpeg;base64,", "x"]
)
async def test_what_names_no_file_is_refused_at_its_place(room: Room, given: str) -> None:
    assert await room.refusal(given) == (400, None, "image")


async def test_a_data_url_of_another_type_than_it_declares_is_refused(room: Room) -> None:
    given = "data:image/jpeg;base64," + base64.b64encode(PNG).decode()
    assert await room.refusal(given) == (400, None, "image")


async def test_a_file_of_another_account_is_as_unknown_as_none(room: Room) -> None:
    url = await room.keep(PNG, "acc_two")
    unknown = (404, "file_not_found", "image")
    assert [await room.refusal(given) for given in (MINE, url, "file-nxn-0")] == [unknown] * 3


async def test_a_type_by_content_that_is_not_taken_is_refused(room: Room) -> None:
    await room.keep(WAV)
    assert await room.refusal(MINE) == (400, None, "image")
    assert await room.read(MINE, AUDIO) == (WAV, FileType.WAV)


async def test_a_film_is_taken_where_its_sound_is_meant(room: Room) -> None:
    await room.keep(CLIP)
    assert await room.read(MINE, AUDIO) == (CLIP, FileType.MP4)


@pytest.mark.parametrize(("accepted", "most"), [(IMAGES, IMAGE_BYTES_MAX), (AUDIO, FILE_BYTES_MAX)])
async def test_a_file_over_the_bound_of_its_types_is_too_large(
    room: Room, accepted: Collection[FileType], most: int
) -> None:
    url = await room.keep(bytes(most + 1))
    assert await room.refusal(MINE, accepted) == (413, "request_too_large", "image")
    assert await room.refusal(url, accepted) == (413, "request_too_large", "image")


async def test_a_caller_of_the_reader_may_bound_it_further(room: Room) -> None:
    await room.keep(PNG)
    bound = len(PNG) - 1
    inline = "data:image/png;base64," + base64.b64encode(PNG).decode()
    refused = (413, "request_too_large", "image")
    assert [await room.refusal(given, bytes_max=bound) for given in (MINE, inline)] == [refused, refused]
    assert await room.read(MINE, bytes_max=len(PNG)) == (PNG, FileType.PNG)


async def test_a_file_is_unknown_once_the_lifetime_in_its_id_is_over(room: Room) -> None:
    file_id = new_file_id(room.clock.now_s(), 7, 3600)
    url = await room.keep(PNG, file_id=file_id)
    room.clock.at_s += 3599
    assert await room.read(file_id) == await room.read(url) == (PNG, FileType.PNG)
    room.clock.at_s += 1
    assert await room.refusal(file_id) == await room.refusal(url) == (404, "file_not_found", "image")


async def test_a_lifetime_that_was_changed_in_an_id_is_another_file(room: Room) -> None:
    file_id = new_file_id(room.clock.now_s(), 7, 3600)
    await room.keep(PNG, file_id=file_id)
    assert await room.refusal(file_id[:-6] + "zzzzzz") == (404, "file_not_found", "image")
