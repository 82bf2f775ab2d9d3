"""Runs the apps of videos, generation and files over memory stores, with two funded accounts and a job engine."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from msgspec.structs import replace

from functions.files.app import app as files_app
from functions.generation.app import app as generation_app
from functions.videos.app import app as videos_app
from gateway.auth.principal import key_hash
from gateway.canonical.images import ImageModel
from gateway.canonical.jobs import Attempt, Job, JobError, JobKind, JobStatus, Result
from gateway.catalog.catalog import Catalog
from gateway.catalog.images import IMAGE_MODELS
from gateway.catalog.loader import load
from gateway.catalog.media import MEDIA_MODELS
from gateway.errors import InvalidRequest, ServiceUnavailable
from gateway.files.inputs import MediaInputs
from gateway.files.kept import Files
from gateway.files.uploads import Uploads
from gateway.http import files as http_files
from gateway.http import generation as http_generation
from gateway.http import uploads as http_uploads
from gateway.http.json_app import JsonApp
from gateway.idempotency.ring import Idempotency
from gateway.jobs.cancel import Canceling
from gateway.jobs.closing import Closing
from gateway.jobs.media.service import Generation
from gateway.jobs.opening import Opening
from gateway.jobs.writer import JobWriter
from gateway.operations.media import MediaOperation
from gateway.ports.keys import KeyRecord
from gateway.providers.images.registry import KNOWN as PAINTERS
from gateway.providers.media.registry import KNOWN
from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import FileType, judge_file
from gateway.untrusted.urls import judge_url
from gateway.wiring.control_plane import ControlServices
from local.resource_names import ResourceNames
from local.routes import Routes
from local.template import Stack, resolve, translate
from tests.control_plane.harness import CALLER_IP, NOW_S, StoppedClock, as_from_api_gateway
from tests.fakes.files import MemoryFileRecords
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.jobs import MemoryJobs
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.mcp import managed_mcp_servers
from tests.fakes.media import MemoryMediaObjects
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.fakes.provider_keys import managed_provider_keys
from tests.template.translated import ROOT

APPS = {"files": files_app, "generation": generation_app, "videos": videos_app}
ACCOUNT, KEY = "acc_one", "sk-xc-of-one"
OTHER_ACCOUNT, OTHER_KEY = "acc_two", "sk-xc-of-two"
DOLLAR = 10**9
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
CATALOG = load(MEDIA_MODELS, KNOWN)
PICTURES = load(IMAGE_MODELS, PAINTERS)


async def pictures() -> Catalog[ImageModel]:
    return PICTURES


VIDEO = {"model": "wan-2.6", "prompt": "a cat skating in neon Tokyo", "duration_sec": 5}


@cache
def stack() -> Stack:
    """Reads the resources that the template deploys."""
    return resolve(translate(ROOT / "template.yaml"), ROOT, ResourceNames("http://queues.test"))


@cache
def routes() -> Routes:
    """Reads the template's routes."""
    return Routes(stack().api.routes)


def app_of(method: str, path: str) -> JsonApp:
    """Returns the app to which API Gateway sends a request."""
    match = routes().match(method, path.partition("?")[0])
    assert match is not None, f"no route for {method} {path}"
    return APPS[stack().functions[match.route.function].family]


@dataclass
class Starts:
    """`Executions` that only record. `down` simulates a Step Functions that cannot be reached."""

    started: list[tuple[JobKind, str, int]] = field(default_factory=list)
    woken: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    down: bool = False

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        if self.down:
            raise ServiceUnavailable("no Step Functions")
        self.started.append((kind, job_id, run))

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        raise AssertionError(f"only the reconciler stops an execution: {kind} {job_id} {run}")

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        if self.down:
            raise ServiceUnavailable("no Step Functions")
        self.woken.append((token, output))


@dataclass
class Web:
    """The internet: files by URL, and the requests for them."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, url: str, param: str, *, size_bytes_max: int, accepted: Collection[FileType]) -> Fetched:
        judge_url(url, param)
        self.asked.append(url)
        content = self.files.get(url)
        if content is None or len(content) > size_bytes_max:
            raise InvalidRequest("The URL does not lead to a file.", param=param)
        return Fetched(content, judge_file(content, param, accepted))


@dataclass
class Studio:
    """Two accounts with 100 dollars each, and the apps over them."""

    clock: StoppedClock = field(default_factory=StoppedClock)
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    money: MemoryMoney = field(default_factory=MemoryMoney)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    objects: MemoryMediaObjects = field(default_factory=MemoryMediaObjects)
    file_records: MemoryFileRecords = field(default_factory=MemoryFileRecords)
    executions: Starts = field(default_factory=Starts)
    web: Web = field(default_factory=Web)

    def __post_init__(self) -> None:
        self.writer = JobWriter(self.jobs, self.clock)
        self.closing = Closing(self.writer, self.money, self.clock)
        ring = Idempotency(MemoryIdempotencyRecords(), MemoryObjects(), self.clock)
        own, mcp = managed_provider_keys(self.keys, self.clock), managed_mcp_servers(self.clock)
        control = ControlServices(
            self.clock, self.keys, self.keys, self.money, ring, provider_keys=lambda: own, mcp_servers=lambda: mcp
        )
        uploads = Uploads(self.objects, MediaInputs(self.objects, self.web, self.clock), self.clock)
        files = Files(self.objects, self.file_records, self.clock)
        self.services = Generation(
            jobs=self.jobs,
            money=self.money,
            objects=self.objects,
            catalog=CATALOG,
            pictures=pictures,
            operation=MediaOperation(CATALOG),
            uploads=uploads,
            opening=Opening(self.jobs, self.money, self.executions, self.clock),
            canceling=Canceling(self.writer, self.closing, self.executions),
            clock=self.clock,
        )
        for app in APPS.values():
            app._services = lambda: control
        vars(http_generation)["generation"] = lambda: self.services
        vars(http_uploads)["uploads"] = lambda: uploads
        vars(http_files)["files"] = lambda: files

    async def settle_in(self) -> None:
        for account_id, key in ((ACCOUNT, KEY), (OTHER_ACCOUNT, OTHER_KEY)):
            await self.money.open_account(account_id, 1_000)
            await self.money.credit(account_id, 100 * DOLLAR, once="start", now_s=NOW_S)
            await self.give_key(key, KeyRecord(f"key_of_{account_id}", account_id, "first", key[-4:], int(NOW_S)))

    async def give_key(self, text: str, record: KeyRecord) -> None:
        await self.keys.add(key_hash(text), record)

    async def ask(
        self, method: str, path: str, body: object = None, key: str | None = KEY, **rest: Any
    ) -> httpx.Response:
        """Sends one call. A body of bytes is sent unchanged, any other as JSON."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        sent = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        app = as_from_api_gateway(app_of(method, path))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(CALLER_IP, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.test") as client:
            return await client.request(method, path, headers=headers | rest.pop("headers", {}), **sent, **rest)

    async def create(self, key: str = KEY, path: str = "/v1/videos/generations", **changes: object) -> str:
        """Creates a job and returns its id."""
        answer = await self.ask("POST", path, {**VIDEO, **changes}, key)
        assert answer.status_code == 202, answer.text
        made: str = answer.json()["job_id"]
        return made

    async def create_asset(self, key: str = KEY) -> str:
        answer = await self.ask("POST", "/v1/3d/generations", {"model": "hunyuan-3d-2", "prompt": "a longboat"}, key)
        made: str = answer.json()["job_id"]
        return made

    async def upload(self, content: bytes = PNG, key: str = KEY) -> dict[str, Any]:
        answer = await self.ask("POST", "/v1/generation/upload", key=key, files={"file": ("a.png", content)})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def job(self, job_id: str) -> Job:
        found = await self.jobs.get(job_id)
        assert found is not None
        return found

    async def free_nanousd(self, account_id: str = ACCOUNT) -> int:
        look = await self.money.read_account(account_id)
        assert look is not None
        assert look.balanced
        return look.free_nanousd

    async def run(self, job_id: str, **changes: Any) -> Job:
        """Runs the job's engine until its provider has accepted it, and returns the job."""
        route = (await self.job(job_id)).order["routes"][0]
        attempt = Attempt(1, 0, route["provider"], route["upstream_model"], handle="task-1")
        return await self.writer.change(
            await self.job(job_id),
            lambda job: replace(job, status=JobStatus.RUNNING, attempt=attempt, **changes),
        )

    async def succeed(self, job_id: str) -> Job:
        running = await self.run(job_id)
        name = f"media/{running.account_id}/{job_id}/0.mp4"
        await self.objects.put(name, b"film", "video/mp4")
        result = Result(name, "video/mp4", 4, 5_000, 1280, 720)
        job = await self.writer.change(running, lambda standing: replace(standing, results=(result,)))
        return await self.closing.close(await self.writer.decide(job, JobStatus.SUCCEEDED))

    async def fail(self, job_id: str) -> Job:
        error = JobError("content_policy_violation", "Not that.", retryable=False)
        return await self.closing.close(await self.writer.decide(await self.run(job_id), JobStatus.FAILED, error))
