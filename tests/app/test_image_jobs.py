"""Tests of pictures in the background: each is one job with one hold and one end, also where its vendor fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.jobs import Job, JobStatus
from gateway.canonical.money import Tier
from gateway.errors import UpstreamError
from gateway.http.images import deferring
from gateway.http.routes import OperationRoute
from gateway.jobs.cancel import Canceling
from gateway.jobs.closing import Closing, charge
from gateway.jobs.media import pictures
from gateway.jobs.media.mirror import Mirroring
from gateway.jobs.media.pictures import GIVEN_BYTES_MAX, Painting, PictureJobs
from gateway.jobs.media.steps import MediaSteps, MediaWork, ProviderBusy
from gateway.jobs.media.task_client import TaskClient
from gateway.jobs.media.views import job_view
from gateway.jobs.opening import Opening
from gateway.jobs.writer import JobWriter
from gateway.operations.images import ImagesOperation
from gateway.pipeline.provider_client import ProviderClient, WholeAnswer
from gateway.pipeline.readmission import Readmission
from gateway.ports.provider_keys import Mode, ProviderKey
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.openai_images import GENERATIONS
from gateway.stores.keys.own_keys import StoredOwnKeys
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import FileType
from gateway.wiring.images import CATALOG
from tests.app.harness import ACCOUNT, KEY, RECORD, Answer, AppUnderTest, app_under_test
from tests.app.test_image_tasks import FILE
from tests.app.test_image_tasks import NANO as FLUX_NANO
from tests.app.test_images import EDIT, GPT, GPT_NANO, PATH, PICTURE, PNG, USAGE, WIRES, Wiring, charged
from tests.fakes.jobs import MemoryJobs
from tests.fakes.provider_keys import MemoryDataKeys, MemoryProviderKeys, own_key
from tests.hangs import HANGS_AFTER_S
from tests.jobs.world import Machine, QueuedNotices
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

ASKED = {"model": GPT, "prompt": "a cat", "background": True}
MADE = WholeAnswer(200, {}, orjson.dumps({"data": [{"b64_json": PICTURE}], "usage": USAGE}))
OWN = "sk-own-1234"
# Another provider of the model would be asked with the gateway's key.
AT_OPENAI = {**ASKED, "provider": {"only": ["openai"]}}
HOOK = "https://hooks.test/pictures"


class Providers:
    """The credentials of all providers."""

    def __init__(self, own_keys: StoredOwnKeys) -> None:
        self._own_keys = own_keys

    async def credential(self, provider: str, own: ProviderKey | None = None) -> Credential:
        if own is not None:
            return await self._own_keys.credential(own)
        return Credential(f"key of {provider}", "https://vendor.test/v1")


class Room(Wiring):
    """The app, the engine of jobs and one vendor, all in memory."""

    gateway: AppUnderTest

    def __init__(self) -> None:
        super().__init__()
        self.jobs, self.machine, self.told, self.clock = MemoryJobs(), Machine(), QueuedNotices(), LoopClock()
        self.writer = JobWriter(self.jobs, self.clock)
        self.key_store, self.data_keys = MemoryProviderKeys(), MemoryDataKeys()
        self.own_keys = self.read_keys()

    def read_keys(self) -> StoredOwnKeys:
        """The account's own provider keys as a process sees them that has read none before."""
        return StoredOwnKeys(self.key_store, self.data_keys, self.clock, {"openai": "https://vendor.test/v1"})

    def deferred_at(self, path: str, _: Mapping[str, str]) -> OperationRoute:
        operation = partial(ImagesOperation, WIRES[path], CATALOG, self.studio)
        return OperationRoute(operation, produce=deferring(self.opener))

    def opener(self) -> PictureJobs:
        opening = Opening(self.jobs, self.gateway.money, self.machine, self.clock)
        return PictureJobs(self.objects, opening, self.clock)

    def painting(self) -> Painting:
        operation = ImagesOperation(GENERATIONS, CATALOG, self.studio)
        return Painting(
            self.objects,
            operation,
            cast("ProviderClient", Providers(self.own_keys)),
            self.jobs,
            self.clock,
            self.own_keys,
        )

    @property
    def closing(self) -> Closing:
        return Closing(self.writer, self.gateway.money, self.clock)

    def steps(self) -> MediaSteps:
        readmission = Readmission(self.gateway.keys, self.gateway.money, self.clock)
        mirroring = Mirroring(self.writer, self.objects, lambda url, _: pytest.fail(url), self.clock)
        tasks = cast("TaskClient", None)
        work = MediaWork(
            self.jobs, self.writer, self.closing, self.machine, readmission, tasks, mirroring, self.told, self.clock,
            self.painting,
        )  # fmt: skip
        return MediaSteps(work)

    async def begin(self, body: Any = ASKED, path: str = PATH, **more: Any) -> str:
        answer = await self.gateway.ask(body, path=path, **more)
        assert answer.status == 202, answer.body
        job_id: str = answer.json["job_id"]
        return job_id

    async def step(self, job_id: str, step: str) -> str:
        told = await self.steps().run({"step": step, "job_id": job_id, "run": (await self.job(job_id)).run})
        return str(told["next"])

    async def finish(self, job_id: str) -> Job:
        """Runs the steps as the state machine does."""
        following = "submit"
        while following != "over":
            told = await self.step(job_id, following)
            following = {"settle": "notify", "notify": "over"}.get(following, told)
        return await self.job(job_id)

    async def job(self, job_id: str) -> Job:
        found = await self.jobs.get(job_id)
        assert found is not None
        return found

    @property
    def kept(self) -> list[str]:
        """The pictures in the media bucket, and requests that are still needed."""
        return sorted(self.objects._objects)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened(100) as made:
        yield made


@asynccontextmanager
async def opened(balance_usd: int, own: Mode | None = None) -> AsyncIterator[Room]:
    """Builds the room of an account, with its own key of OpenAI where a mode is given."""
    made = Room()
    if own is not None:
        await made.key_store.add(await own_key(ACCOUNT, "openai", OWN, made.data_keys, mode=own))
    more: dict[str, Any] = {"memory_mb": 512, "balance_usd": balance_usd, "own_keys": made.own_keys}
    async with app_under_test("", wire_at=made.deferred_at, rows={}, **more) as made.gateway:
        made.gateway.keys.records[key_hash(KEY)] = replace(RECORD, has_provider_keys=own is not None)
        yield made


async def test_pictures_in_the_background_are_a_job_that_is_paid_once_by_what_it_made(room: Room) -> None:
    answer = await room.gateway.ask({**ASKED, "webhook_url": HOOK}, path=PATH)
    job_id = answer.json["job_id"]
    assert (answer.status, answer.headers["x-nexevo-generation-id"]) == (202, job_id)
    assert {name: answer.json[name] for name in ("status", "kind", "model", "model_used")} == {
        "status": "pending", "kind": "image", "model": GPT, "model_used": GPT,
    }  # fmt: skip
    (hold,) = (await room.gateway.look()).holds
    assert hold.amount_nanousd > GPT_NANO
    assert room.kept == [f"media/{(await room.job(job_id)).account_id}/{job_id}/request"]
    room.answers = [MADE]
    job = await room.finish(job_id)
    shown = await job_view(job, room.objects, 0.0)
    (result,) = shown["results"]
    assert (room.stored(result["url"]), result["mime_type"], result["width"]) == (PNG, "image/png", 64)
    assert (shown["status"], shown["kind"], shown["charged_usd"]) == ("succeeded", "image", "0.04442025")
    assert (await charged(room.gateway), room.told.jobs) == (GPT_NANO, [job_id])
    assert len(room.kept) == 1
    assert orjson.loads(room.polled[0].body or b"")["size"] == "1024x1024"


async def test_a_vendor_s_task_is_waited_for_and_paid_by_the_picture(room: Room) -> None:
    job_id = await room.begin({"model": "flux-kontext-pro", "prompt": "x", "background": True, "n": 2})
    # The first target fails for good, and the second takes a task for each picture.
    room.at[FILE] = PNG
    done = WholeAnswer(200, {}, orjson.dumps({"id": "p", "status": "succeeded", "output": FILE}))
    refused = WholeAnswer(402, {}, b"{}")
    room.answers = [refused, refused, done, done]
    job = await room.finish(job_id)
    assert (job.status, len(job.results)) == (JobStatus.SUCCEEDED, 2)
    assert job.charge.usage.uses == (("image", 2),)
    assert (await charged(room.gateway), len(room.kept)) == (2 * FLUX_NANO, 2)


async def test_a_refusal_and_a_failure_are_free_and_leave_nothing(room: Room) -> None:
    blocked = {"error": {"message": "No.", "type": "x", "code": "moderation_blocked"}}
    job_id = await room.begin()
    room.answers = [WholeAnswer(400, {}, orjson.dumps(blocked))] * 2
    job = await room.finish(job_id)
    assert (job.status, job.error and job.error.code) == (JobStatus.FAILED, "moderation_blocked")
    assert (await charged(room.gateway), room.kept) == (0, [])


async def test_a_vendor_that_is_down_is_asked_again_by_the_engine(room: Room) -> None:
    job_id = await room.begin({"model": "stable-image-core", "prompt": "x", "background": True})
    room.answers = [WholeAnswer(503, {}, b"{}"), WholeAnswer(200, {}, orjson.dumps({"image": PICTURE}))]
    with pytest.raises(ProviderBusy):
        await room.step(job_id, "submit")
    assert (await room.finish(job_id)).status is JobStatus.SUCCEEDED
    assert await charged(room.gateway) == 31_500_000


async def test_a_step_that_died_before_it_wrote_paints_again_and_is_paid_once(room: Room) -> None:
    job_id = await room.begin()
    room.answers = [MADE, MADE]
    job = await room.steps()._begin(await room.job(job_id))
    await room.painting().paint(job)
    await room.finish(job_id)
    # A further run of each step finds the end.
    for step in "submit", "settle", "notify":
        await room.step(job_id, step)
    assert (await charged(room.gateway), len(room.polled)) == (GPT_NANO, 2)


async def test_a_job_that_is_canceled_while_it_is_painted_is_free_and_its_pictures_are_deleted(room: Room) -> None:
    job_id = await room.begin()
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def ask(_: UpstreamRequest) -> WholeAnswer:
        begun.set()
        await going_on.wait()
        return MADE

    vars(room)["ask"] = ask
    painting = asyncio.create_task(room.step(job_id, "submit"))
    await begun.wait()
    assert (await room.job(job_id)).status is JobStatus.RUNNING
    canceled = await Canceling(room.writer, room.closing, room.machine).cancel(await room.job(job_id))
    going_on.set()
    await painting
    job = await room.finish(job_id)
    assert (canceled.status, job.status, job.results) == (JobStatus.CANCELED, JobStatus.CANCELED, ())
    assert (await charged(room.gateway), [name for name in room.kept if "img_" in name]) == (0, [])


async def test_a_vendor_s_task_is_given_up_once_its_job_is_canceled(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "WATCH_S", 0.01)
    job_id = await room.begin({"model": "flux-kontext-pro", "prompt": "x", "background": True})
    begun = asyncio.Event()
    given_up = []

    async def ask(request: UpstreamRequest) -> WholeAnswer:
        if request.url.endswith("/cancel"):
            given_up.append(request.url)
        elif "bfl" in repr(request.headers):
            return WholeAnswer(402, {}, b"{}")
        begun.set()
        return WholeAnswer(201, {}, orjson.dumps({"id": "p1", "status": "processing"}))

    vars(room)["ask"] = ask
    painting = asyncio.create_task(room.step(job_id, "submit"))
    await begun.wait()
    await Canceling(room.writer, room.closing, room.machine).cancel(await room.job(job_id))
    async with asyncio.timeout(HANGS_AFTER_S):
        assert await painting == "settle"
    assert [url.rpartition("/v1/")[2] for url in given_up] == ["predictions/p1/cancel"]
    assert ((await room.finish(job_id)).status, await charged(room.gateway)) == (JobStatus.CANCELED, 0)


async def test_an_edit_has_the_pictures_that_it_was_ordered_with(room: Room) -> None:
    job_id = await room.begin({**ASKED, "images": [{"file_id": "file-nxn-1"}]}, EDIT)
    room.inputs.files.clear()
    room.answers = [MADE]
    assert (await room.finish(job_id)).status is JobStatus.SUCCEEDED
    assert PNG in (room.polled[0].body or b"")


def refused(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.error["param"], answer.error["code"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"stream": True}, (400, "stream", "unsupported_value")),
        ({"response_format": "b64_json"}, (400, "response_format", "unsupported_value")),
        ({"background": False, "webhook_url": HOOK}, (400, "webhook_url", "invalid_value")),
        ({"webhook_url": "http://127.0.0.1/"}, (400, "webhook_url", None)),
        ({"n": 11}, (400, "n", "integer_above_max_value")),
        ({"reference_image_url": "file-nxn-none"}, (404, "reference_image_url", "file_not_found")),
    ],
)
async def test_what_is_wrong_with_a_job_leaves_none_and_holds_nothing(
    room: Room, more: dict[str, Any], told: tuple[int, str, str]
) -> None:
    assert refused(await room.gateway.ask({**ASKED, **more}, path=PATH)) == told
    assert (room.jobs._documents, room.machine.running, await charged(room.gateway)) == ({}, set(), 0)


async def test_pictures_that_are_too_much_together_are_refused(room: Room) -> None:
    content = b"\x89PNG" + bytes(GIVEN_BYTES_MAX // 2)

    async def read(*_: Any, **__: Any) -> Fetched:
        return Fetched(content, FileType.PNG)

    vars(room.inputs)["read"] = read
    two = {**ASKED, "images": [{"file_id": "file-nxn-1"}, {"file_id": "file-nxn-2"}]}
    assert (await room.gateway.ask(two, path=PATH)).status == 413
    assert (room.jobs._documents, room.kept, await charged(room.gateway)) == ({}, [], 0)


async def test_a_poor_account_opens_no_job() -> None:
    async with opened(0) as room:
        assert (await room.gateway.ask(ASKED, path=PATH)).status == 402
        assert (room.jobs._documents, room.kept) == ({}, [])


async def test_a_repeated_key_opens_one_job(room: Room) -> None:
    keyed = {"idempotency-key": "once"}
    assert await room.begin(headers=keyed) == await room.begin(headers=keyed)
    assert len(room.jobs._documents) == 1


async def test_an_attempt_without_its_request_fails_for_good(room: Room) -> None:
    job_id = await room.begin()
    await room.objects.delete((await room.job(job_id)).order["request"])
    with pytest.raises(UpstreamError):
        await room.painting().paint(await room.steps()._begin(await room.job(job_id)))
    assert (await room.finish(job_id)).status is JobStatus.FAILED
    assert await charged(room.gateway) == 0


def shown_keys(room: Room) -> list[str]:
    headers = [dict(request.headers) for request in room.polled]
    return [each["authorization"] for each in headers if "authorization" in each]


@pytest.mark.parametrize("mode", ["first", "only"])
async def test_an_account_s_own_key_makes_its_pictures_for_the_fee(mode: Mode) -> None:
    async with opened(100, mode) as room:
        job_id = await room.begin()
        room.answers = [MADE]
        job = await room.finish(job_id)
        assert (job.status, job.charge.tier, shown_keys(room)) == (JobStatus.SUCCEEDED, Tier.BYOK, [f"Bearer {OWN}"])
        assert await charged(room.gateway) == 0


async def test_a_refused_own_key_gives_way_to_the_gateway_s_which_is_paid() -> None:
    async with opened(100, "first") as room:
        job_id = await room.begin()
        room.answers = [WholeAnswer(401, {}, b"{}"), MADE]
        job = await room.finish(job_id)
        assert shown_keys(room) == [f"Bearer {OWN}", "Bearer key of openai"]
        assert (job.status, job.charge.tier) == (JobStatus.SUCCEEDED, Tier.PASSTHROUGH)
        assert charge(job).route == "openai|gpt-image-1|failed|own\nopenai"
        assert await charged(room.gateway) == GPT_NANO


async def test_an_own_key_that_serves_alone_fails_by_name_where_it_is_refused_or_gone() -> None:
    async with opened(100, "only") as room:
        job_id = await room.begin(AT_OPENAI)
        room.answers = [WholeAnswer(401, {}, b"{}")]
        job = await room.finish(job_id)
        assert (job.status, job.error and job.error.code) == (JobStatus.FAILED, "provider_key_refused")
        assert await charged(room.gateway) == 0
    async with opened(100, "only") as room:
        job_id = await room.begin(AT_OPENAI)
        room.key_store.keys.clear()
        room.own_keys = room.read_keys()
        job = await room.finish(job_id)
        assert (job.status, room.polled, await charged(room.gateway)) == (JobStatus.FAILED, [], 0)


async def test_own_keys_need_no_balance_and_serve_alone_then() -> None:
    async with opened(0, "first") as room:
        job_id = await room.begin(AT_OPENAI)
        room.answers = [WholeAnswer(401, {}, b"{}")]
        job = await room.finish(job_id)
        assert (job.status, shown_keys(room)) == (JobStatus.FAILED, [f"Bearer {OWN}"])
    async with opened(0) as room:
        assert (await room.gateway.ask(ASKED, path=PATH)).status == 402
