"""Tests of a job's webhook: its content, its retries, and its log."""

import pytest

from gateway.canonical.jobs import JobStatus, Phase
from gateway.errors import UpstreamTimeout
from gateway.ports.webhooks import Delivery
from gateway.providers.auth.standard_webhooks import verify
from gateway.webhooks.delivering import LOST_S
from gateway.webhooks.posting import PAUSES_S, TryResult
from gateway.webhooks.secrets import new_secret, rotate, secrets_of
from tests.webhooks.conftest import JOB, NOW_S, URL, Post

pytestmark = pytest.mark.anyio


async def logged(post: Post) -> list[Delivery]:
    """Lists the account's tries, oldest first."""
    return list(await post.records.deliveries(JOB.account_id, limit=100))[::-1]


async def test_a_webhook_is_told_once_and_the_job_has_ended(post: Post) -> None:
    await post.add()
    assert await post.deliveries.deliver(JOB.job_id, 1) == TryResult(delivered=True)
    assert (await post.job()).phase is Phase.ENDED
    assert [url for url, _, _ in post.receiver.received] == [URL]


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED])
async def test_it_is_told_the_job_as_its_owner_sees_it(post: Post, status: JobStatus) -> None:
    await post.add(status=status, verdict=status)
    await post.deliveries.deliver(JOB.job_id, 1)
    assert post.receiver.bodies == [
        {
            "type": f"job.{status}",
            "timestamp": "2026-11-21T06:59:55Z",
            "data": {"id": "gen_1", "status": status},
        }
    ]


async def test_the_delivery_is_signed_with_the_accounts_secret(post: Post) -> None:
    await post.add()
    await post.deliveries.deliver(JOB.job_id, 1)
    ((_, headers, body),) = post.receiver.received
    verify((await secrets_of(post.records, JOB.account_id)).current, headers, body, NOW_S)
    assert headers["content-type"] == "application/json"


async def test_after_a_rotation_both_secrets_sign(post: Post) -> None:
    await post.add()
    before = await secrets_of(post.records, JOB.account_id)
    after = await rotate(post.records, JOB.account_id, new_secret(), NOW_S)
    await post.deliveries.deliver(JOB.job_id, 1)
    ((_, headers, body),) = post.receiver.received
    for secret in (before.current, after.current):
        verify(secret, headers, body, NOW_S)


async def test_every_try_bears_the_same_message_and_a_signature_of_its_own_time(post: Post) -> None:
    post.receiver.status = 500
    await post.add()
    for number in (1, 2):
        await post.deliveries.deliver(JOB.job_id, number)
        post.time.at_s += 700
    first, second = post.receiver.received
    assert first[2] == second[2]
    assert first[1]["webhook-id"] == second[1]["webhook-id"] == "msg_gen_1_succeeded"
    assert (first[1]["webhook-timestamp"], second[1]["webhook-timestamp"]) == (str(NOW_S), str(NOW_S + 700))


@pytest.mark.parametrize("status", [199, 301, 302, 400, 410, 429, 500])
async def test_only_a_2xx_takes_it(post: Post, status: int) -> None:
    post.receiver.status = status
    await post.add()
    assert await post.deliveries.deliver(JOB.job_id, 1) == TryResult(delivered=False, again_s=5)
    (delivery,) = await logged(post)
    assert (delivery.delivered, delivery.status, delivery.error) == (False, status, None)


async def test_a_receiver_that_does_not_answer_is_asked_again_and_the_log_says_why(post: Post) -> None:
    post.receiver.error = UpstreamTimeout("It did not answer in 15 s.")
    await post.add()
    assert await post.deliveries.deliver(JOB.job_id, 1) == TryResult(delivered=False, again_s=5)
    (delivery,) = await logged(post)
    assert (delivery.delivered, delivery.status, delivery.error) == (False, None, "It did not answer in 15 s.")


async def test_the_pauses_grow_until_more_than_a_day_has_passed(post: Post) -> None:
    post.receiver.status = 503
    await post.add()
    pauses = []
    for number in range(1, len(PAUSES_S) + 2):
        pauses.append((await post.deliveries.deliver(JOB.job_id, number)).again_s)
        post.time.at_s += pauses[-1] or 0
    assert pauses == [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 28_800, 28_800, None]
    assert post.time.at_s - NOW_S > 24 * 3600


async def test_the_last_try_ends_the_job_although_it_fails(post: Post) -> None:
    post.receiver.status = 503
    await post.add()
    assert await post.deliveries.deliver(JOB.job_id, len(PAUSES_S) + 1) == TryResult(delivered=False)
    assert (await post.job()).phase is Phase.ENDED


async def test_each_try_is_in_the_log_and_says_when_the_next_is_due(post: Post) -> None:
    post.receiver.status = 500
    await post.add()
    await post.deliveries.deliver(JOB.job_id, 1)
    post.time.at_s += 5
    post.receiver.status = 204
    await post.deliveries.deliver(JOB.job_id, 2)
    said = [(one.number, one.at_s, one.status, one.next_at_s) for one in await logged(post)]
    assert said == [(1, NOW_S, 500, NOW_S + 5), (2, NOW_S + 5, 204, None)]


async def test_a_job_that_waits_for_its_next_try_is_taken_for_lost_only_after_it(post: Post) -> None:
    post.receiver.status = 500
    await post.add()
    await post.deliveries.deliver(JOB.job_id, 4)
    job = await post.job()
    assert (job.phase, job.due_s) == (Phase.NOTIFY, NOW_S + 600 + LOST_S)


async def test_telling_does_not_change_when_the_job_ended(post: Post) -> None:
    post.receiver.status = 500
    await post.add()
    await post.deliveries.deliver(JOB.job_id, 1)
    assert (await post.job()).updated_at_s == JOB.updated_at_s


@pytest.mark.parametrize("changes", [{"phase": Phase.ENDED}, {"phase": Phase.SETTLE}, {"webhook_url": None}], ids=str)
async def test_a_job_that_has_nothing_to_tell_is_done(post: Post, changes: dict[str, object]) -> None:
    await post.add(**changes)
    assert await post.deliveries.deliver(JOB.job_id, 1) == TryResult(delivered=True)
    assert post.receiver.received == []


async def test_a_job_that_is_gone_is_done(post: Post) -> None:
    assert await post.deliveries.deliver("gen_none", 1) == TryResult(delivered=True)
