"""Tests that a provider's signed callback wakes the job of its attempt, and that no other callback has an effect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.jobs import Attempt, Job, JobKind, Phase
from gateway.canonical.media import Running
from gateway.canonical.money import Charge, Tier
from gateway.errors import AuthenticationFailed, NotFound
from gateway.jobs.media.callbacks import KEYS_TTL_S, Callbacks
from gateway.jobs.media.task_client import TASK_TIMEOUTS
from gateway.jobs.writer import JobWriter
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from gateway.providers.auth import standard_webhooks
from gateway.providers.media.vendor import Callback, MediaVendor
from tests.fakes.jobs import MemoryJobs
from tests.jobs.world import START_S, Machine, Time

pytestmark = pytest.mark.anyio

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KNOWN = Credential("", None, {"webhook_secret": SECRET})
NOW_S = int(START_S)
BODY = b'{"status":"succeeded","output":"https://forged.test/x.mp4"}'
WAITING = Job(
    job_id="gen_1",
    account_id="acct_1",
    key_id="key_1",
    kind=JobKind.VIDEO,
    model="test-video",
    created_at_s=NOW_S - 60,
    updated_at_s=NOW_S - 60,
    deadline_s=NOW_S + 3600,
    due_s=NOW_S + 600,
    order={},
    charge=Charge(5, "req", "gen-nxn-1", "test-video", "test-video", Tier.PASSTHROUGH, "v"),
    phase=Phase.AWAIT,
    run=3,
    attempt=Attempt(number=2, route=0, provider="test", model="v1", handle="task-1"),
    token="token-1",
)


async def _no_request(*_: object) -> None:
    raise AssertionError("a callback asks the vendor for nothing")


VENDOR = MediaVendor(
    name="test",
    submit=_no_request,  # type: ignore[arg-type]  # never called
    accepted=lambda _: "",
    poll=_no_request,  # type: ignore[arg-type]  # likewise
    state=lambda *_: Running(),
    source="",
)


def verified(headers: Mapping[str, str], body: bytes, settings: Credential, keys: bytes, now_s: float) -> None:
    """Verifies by the settings' secret, or by the vendor's published keys if it has any."""
    standard_webhooks.verify(keys.decode() or settings.extra["webhook_secret"], headers, body, now_s)


SECRET_SIGNS = Callback(needs="webhook_secret", verify=verified)
KEYS_SIGN = replace(SECRET_SIGNS, keys=lambda _: UpstreamRequest("http://keys.test/jwks", (), b"", method="GET"))


@dataclass
class Published:
    """The address of a vendor's keys."""

    status: int = 200
    asked: int = 0
    closed: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    async def warm(self, origin: str, patience: UpstreamTimeouts) -> None:
        raise AssertionError(f"{origin} within {patience}: keys are asked for once")

    async def send(self, _request: UpstreamRequest, _patience: UpstreamTimeouts) -> Any:
        self.asked += 1
        return self

    async def read(self) -> bytes:
        return SECRET.encode()

    def chunks(self) -> AsyncIterator[bytes]:
        raise AssertionError("keys are read whole")

    async def aclose(self) -> None:
        self.closed += 1


@dataclass
class CallbackReceiver:
    """The callback receiver, with every part that a test may change."""

    vendor: MediaVendor = field(default_factory=lambda: replace(VENDOR, callback=SECRET_SIGNS))
    credential: Credential | None = field(default_factory=lambda: KNOWN)
    time: Time = field(default_factory=Time)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    machine: Machine = field(default_factory=Machine)
    published: Published = field(default_factory=Published)

    def __post_init__(self) -> None:
        providers = ProviderClient(Rows(self), self.published, TASK_TIMEOUTS)
        writer = JobWriter(self.jobs, self.time)
        self.callbacks = Callbacks(self.jobs, writer, self.machine, {"test": self.vendor}, providers, self.time)

    async def hear(
        self, *, provider: str = "test", job_id: str = "gen_1", attempt: str = "2", secret: str = SECRET, age_s: int = 0
    ) -> None:
        headers = standard_webhooks.signed([secret], "msg_1", int(self.time.at_s) - age_s, BODY)
        await self.callbacks.receive(provider, job_id, attempt, headers, BODY)

    async def job(self) -> Job:
        found = await self.jobs.get("gen_1")
        assert found is not None
        return found


@dataclass
class Rows:
    """`Credentials` of the receiver's one vendor."""

    receiver: CallbackReceiver

    async def of(self, provider: str) -> list[Credential]:
        found = self.receiver.credential if provider == "test" else None
        return [] if found is None else [found]

    async def ready(self, provider: str, credential: Credential) -> Credential:
        del provider
        return credential


async def receiver(job: Job = WAITING, **turned: Any) -> CallbackReceiver:
    made = CallbackReceiver(**turned)
    await made.jobs.add(job)
    return made


async def test_a_signed_callback_ends_the_wait_of_its_job() -> None:
    made = await receiver()
    await made.hear()
    assert made.machine.woken == {"token-1": {"job_id": "gen_1", "run": 3, "next": "await", "wait_s": 1}}


async def test_a_callback_changes_nothing_of_the_job_and_nothing_it_says_is_believed() -> None:
    made = await receiver()
    await made.hear()
    assert await made.job() == WAITING


async def test_a_callback_that_comes_twice_wakes_once_more_at_most() -> None:
    made = await receiver()
    await made.hear()
    await made.hear()
    assert list(made.machine.woken) == ["token-1"]


async def test_a_forged_callback_wakes_no_execution() -> None:
    made = await receiver()
    with pytest.raises(AuthenticationFailed):
        await made.hear(secret="whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2Vk")
    assert made.machine.woken == {}


@pytest.mark.parametrize("age_s", [301, -301])
async def test_a_callback_that_was_signed_at_another_time_wakes_no_execution(age_s: int) -> None:
    made = await receiver()
    with pytest.raises(AuthenticationFailed):
        await made.hear(age_s=age_s)
    assert made.machine.woken == {}


async def test_a_forged_callback_does_not_learn_which_jobs_there_are() -> None:
    made = await receiver()
    for job_id in ("gen_1", "gen_none"):
        with pytest.raises(AuthenticationFailed):
            await made.hear(job_id=job_id, secret="whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2Vk")


@pytest.mark.parametrize(
    "named", [{"job_id": "gen_none"}, {"attempt": "1"}, {"attempt": "3"}, {"attempt": "02"}, {"attempt": "x"}], ids=str
)
async def test_a_signed_callback_for_another_attempt_is_taken_and_does_nothing(named: dict[str, str]) -> None:
    made = await receiver()
    await made.hear(**named)  # type: ignore[arg-type]  # names of parameters that are all text
    assert made.machine.woken == {}


async def test_a_callback_of_another_provider_than_the_attempts_does_nothing() -> None:
    assert WAITING.attempt is not None
    made = await receiver(replace(WAITING, attempt=replace(WAITING.attempt, provider="other")))
    await made.hear()
    assert made.machine.woken == {}


@pytest.mark.parametrize(
    "job",
    [
        replace(WAITING, attempt=None, phase=Phase.SUBMIT, token=None),
        replace(WAITING, phase=Phase.SUBMIT, token=None),
        replace(WAITING, phase=Phase.AWAIT, token=None),
        replace(WAITING, phase=Phase.MIRROR),
        replace(WAITING, phase=Phase.SETTLE),
        replace(WAITING, phase=Phase.ENDED),
    ],
    ids=lambda job: f"{job.phase} {job.token}",
)
async def test_a_job_that_does_not_wait_is_left_alone(job: Job) -> None:
    made = await receiver(job)
    await made.hear()
    assert (made.machine.woken, await made.job()) == ({}, job)


async def test_a_late_job_is_looked_at_by_the_next_reconciler() -> None:
    made = await receiver(replace(WAITING, phase=Phase.LATE, token=None, due_s=NOW_S + 900))
    await made.hear()
    assert [job.job_id async for job in made.jobs.due(made.time.at_s)] == ["gen_1"]
    assert made.machine.woken == {}


async def test_an_unknown_provider_has_no_callbacks() -> None:
    made = await receiver()
    with pytest.raises(NotFound):
        await made.hear(provider="unheard-of")


@pytest.mark.parametrize(
    "turned",
    [{"vendor": VENDOR}, {"credential": None}, {"credential": Credential("")}, {"credential": Credential("key")}],
    ids=["no webhooks", "no settings", "no secret", "a key"],
)
async def test_a_provider_that_cannot_be_known_has_no_callbacks(turned: dict[str, Any]) -> None:
    made = await receiver(**turned)
    with pytest.raises(NotFound):
        await made.hear()


async def test_published_keys_are_read_once_a_day_however_many_callbacks_come() -> None:
    made = await receiver(vendor=replace(VENDOR, callback=KEYS_SIGN), credential=KNOWN)
    await made.hear()
    with pytest.raises(AuthenticationFailed):
        await made.hear(secret="whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2Vk")
    assert (made.published.asked, list(made.machine.woken)) == (1, ["token-1"])
    made.time.at_s += KEYS_TTL_S
    await made.hear()
    assert (made.published.asked, made.published.closed) == (2, 2)


async def test_without_the_published_keys_nothing_is_believed_and_they_are_asked_for_again() -> None:
    made = await receiver(vendor=replace(VENDOR, callback=KEYS_SIGN), credential=KNOWN)
    made.published.status = 500
    with pytest.raises(AuthenticationFailed):
        await made.hear()
    assert made.machine.woken == {}
    made.published.status = 200
    await made.hear()
    assert (made.published.asked, list(made.machine.woken)) == (2, ["token-1"])


async def test_a_delivery_that_does_not_claim_to_be_the_accounts_asks_for_no_keys() -> None:
    def claim(_headers: Mapping[str, str], _settings: Credential, _now_s: float) -> None:
        raise AuthenticationFailed("Another account's.")

    made = await receiver(vendor=replace(VENDOR, callback=replace(KEYS_SIGN, claim=claim)), credential=KNOWN)
    with pytest.raises(AuthenticationFailed):
        await made.hear()
    assert (made.published.asked, made.machine.woken) == (0, {})
