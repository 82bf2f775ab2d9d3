"""Tests of an account's webhook secrets: created on first use, stored, rotated, and both valid for a day."""

import base64

import pytest

from gateway.errors import Conflict
from gateway.ports.webhooks import WebhookSecrets
from gateway.webhooks.secrets import OVERLAP_S, new_secret, rotate, rotation_id, secrets_of, undo_rotation
from gateway.webhooks.views import deliveries_page, delivery_view, secrets_view
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.webhooks.conftest import JOB, NOW_S, Post

pytestmark = pytest.mark.anyio
ACCOUNT = "acct_1"


async def test_a_secret_is_made_at_first_need_and_stays() -> None:
    records = MemoryWebhookRecords()
    first = await secrets_of(records, ACCOUNT)
    assert len(base64.b64decode(first.current.removeprefix("whsec_"))) == 32
    assert await secrets_of(records, ACCOUNT) == first


async def test_each_account_has_a_secret_of_its_own() -> None:
    records = MemoryWebhookRecords()
    assert (await secrets_of(records, ACCOUNT)).current != (await secrets_of(records, "acct_2")).current


class Overtaken(MemoryWebhookRecords):
    """A store in which another process writes between a read and a write."""

    def __init__(self, by: WebhookSecrets) -> None:
        super().__init__()
        self._by: WebhookSecrets | None = by

    async def put_secrets(self, secrets: WebhookSecrets, *, instead_of: str | None) -> bool:
        if self._by is not None:
            by, self._by = self._by, None
            self._secrets[by.account_id] = by
        return await super().put_secrets(secrets, instead_of=instead_of)


async def test_of_two_first_needs_at_once_both_get_the_same_secret() -> None:
    other = WebhookSecrets(ACCOUNT, "whsec_b3RoZXI=")
    assert await secrets_of(Overtaken(other), ACCOUNT) == other


async def test_a_rotation_beside_another_is_a_conflict() -> None:
    records = Overtaken(WebhookSecrets(ACCOUNT, "whsec_b3RoZXI="))
    records._secrets[ACCOUNT] = WebhookSecrets(ACCOUNT, "whsec_Zmlyc3Q=")
    with pytest.raises(Conflict) as refused:
        await rotate(records, ACCOUNT, new_secret(), NOW_S)
    assert refused.value.code == "rotation_in_progress"


async def test_after_a_rotation_both_are_good_for_a_day() -> None:
    records = MemoryWebhookRecords()
    before = (await secrets_of(records, ACCOUNT)).current
    after = await rotate(records, ACCOUNT, new_secret(), NOW_S)
    assert after.good(NOW_S + OVERLAP_S - 1) == (after.current, before)
    assert after.good(NOW_S + OVERLAP_S) == (after.current,)


async def test_a_second_rotation_leaves_the_last_two() -> None:
    records = MemoryWebhookRecords()
    await secrets_of(records, ACCOUNT)
    first = await rotate(records, ACCOUNT, new_secret(), NOW_S)
    second = await rotate(records, ACCOUNT, new_secret(), NOW_S + 1)
    assert second.good(NOW_S + 2) == (second.current, first.current)


async def test_a_rotation_that_is_undone_leaves_the_secret_before_it_and_may_be_undone_again() -> None:
    records = MemoryWebhookRecords()
    before = await secrets_of(records, ACCOUNT)
    after = await rotate(records, ACCOUNT, new_secret(), NOW_S)
    for _ in range(2):
        await undo_rotation(records, ACCOUNT, rotation_id(after.current))
        assert await records.secrets(ACCOUNT) == before


async def test_a_rotation_that_another_has_followed_is_not_undone() -> None:
    records = MemoryWebhookRecords()
    first = await rotate(records, ACCOUNT, new_secret(), NOW_S)
    second = await rotate(records, ACCOUNT, new_secret(), NOW_S + 1)
    await undo_rotation(records, ACCOUNT, rotation_id(first.current))
    await undo_rotation(records, "acct_2", rotation_id(first.current))
    assert await records.secrets(ACCOUNT) == second


def test_an_owner_sees_the_secret_and_until_when_the_old_one_signs() -> None:
    rotated = WebhookSecrets(ACCOUNT, "whsec_new", "whsec_old", NOW_S + OVERLAP_S)
    assert secrets_view(rotated, NOW_S) == {
        "object": "webhook_secret",
        "secret": "whsec_new",
        "previous_valid_until": "2026-11-22T07:00:00Z",
    }
    assert secrets_view(rotated, NOW_S + OVERLAP_S)["previous_valid_until"] is None


async def test_an_owner_sees_each_try(post: Post) -> None:
    post.receiver.status = 500
    await post.add()
    await post.deliveries.deliver(JOB.job_id, 1)
    (delivery,) = (await deliveries_page(post.records, ACCOUNT, 20, None)).elements
    assert delivery_view(delivery) == {
        "object": "webhook_delivery",
        "id": delivery.delivery_id,
        "job_id": "gen_1",
        "message_id": "msg_gen_1_succeeded",
        "type": "job.succeeded",
        "url": "https://customer.test/hook",
        "attempt": 1,
        "delivered": False,
        "status_code": 500,
        "error": None,
        "created_at": "2026-11-21T07:00:00Z",
        "next_attempt_at": "2026-11-21T07:00:05Z",
    }


async def test_the_log_is_paged_from_the_newest(post: Post) -> None:
    post.receiver.status = 500
    await post.add()
    for number in range(1, 6):
        await post.deliveries.deliver(JOB.job_id, number)
        post.time.at_s += 1
    pages, cursor = [], None
    while True:
        page = await deliveries_page(post.records, ACCOUNT, 2, cursor)
        pages.append([delivery.number for delivery in page.elements])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == [[5, 4], [3, 2], [1]]
