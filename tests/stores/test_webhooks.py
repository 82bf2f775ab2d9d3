"""Tests that run on every store of webhook records: memory, DynamoDB Local, and moto."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import ServiceUnavailable
from gateway.ports.webhooks import Delivery, WebhookRecords, WebhookSecrets
from gateway.stores.aws.attributes import from_item
from gateway.stores.aws.client import AwsApi, Unanswered
from gateway.stores.webhooks import KEEP_S, DynamoWebhookRecords
from gateway.transport import Client
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_795_244_400
SECRETS = WebhookSecrets("acct_1", "whsec_first")
ROTATED = WebhookSecrets("acct_1", "whsec_second", "whsec_first", NOW_S + 60)
TRIED = Delivery(
    account_id="acct_1",
    delivery_id="01aa",
    job_id="gen_1",
    message_id="msg_gen_1_succeeded",
    event_type="job.succeeded",
    url="https://customer.test/hook",
    number=1,
    at_s=NOW_S,
    status=500,
    next_at_s=NOW_S + 5,
)
UNANSWERED = replace(TRIED, delivery_id="01ab", number=2, status=None, error="It did not answer.", next_at_s=None)


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def records(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> WebhookRecords:
    if request.param == "memory":
        return MemoryWebhookRecords()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoWebhookRecords(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "sk"))


async def test_an_account_without_secrets_has_none(records: WebhookRecords) -> None:
    assert await records.secrets("acct_1") is None


@pytest.mark.parametrize("secrets", [SECRETS, ROTATED], ids=["first", "rotated"])
async def test_secrets_come_back_as_they_were_put(records: WebhookRecords, secrets: WebhookSecrets) -> None:
    assert await records.put_secrets(secrets, instead_of=None)
    assert await records.secrets("acct_1") == secrets


async def test_first_secrets_are_put_once(records: WebhookRecords) -> None:
    await records.put_secrets(SECRETS, instead_of=None)
    assert not await records.put_secrets(replace(SECRETS, current="whsec_other"), instead_of=None)
    assert await records.secrets("acct_1") == SECRETS


async def test_secrets_are_replaced_by_a_writer_that_knows_the_current_one(records: WebhookRecords) -> None:
    await records.put_secrets(SECRETS, instead_of=None)
    assert await records.put_secrets(ROTATED, instead_of="whsec_first")
    assert await records.secrets("acct_1") == ROTATED


async def test_secrets_that_were_overtaken_change_nothing(records: WebhookRecords) -> None:
    await records.put_secrets(SECRETS, instead_of=None)
    assert not await records.put_secrets(ROTATED, instead_of="whsec_before_that")
    assert await records.secrets("acct_1") == SECRETS


async def test_secrets_of_an_account_that_has_none_are_not_replaced(records: WebhookRecords) -> None:
    assert not await records.put_secrets(ROTATED, instead_of="whsec_first")
    assert await records.secrets("acct_1") is None


async def test_a_repeat_of_a_put_that_stands_is_a_success(records: WebhookRecords) -> None:
    await records.put_secrets(SECRETS, instead_of=None)
    await records.put_secrets(ROTATED, instead_of="whsec_first")
    assert await records.put_secrets(ROTATED, instead_of="whsec_first")


async def test_of_ten_rotations_at_once_one_is_written(records: WebhookRecords) -> None:
    await records.put_secrets(SECRETS, instead_of=None)
    wanted = [replace(ROTATED, current=f"whsec_{number}") for number in range(10)]
    written = await asyncio.gather(*(records.put_secrets(one, instead_of="whsec_first") for one in wanted))
    assert [await records.secrets("acct_1")] == [one for one, done in zip(wanted, written, strict=True) if done]


@pytest.mark.parametrize("delivery", [TRIED, UNANSWERED], ids=["tried", "unanswered"])
async def test_a_delivery_comes_back_as_it_was_logged(records: WebhookRecords, delivery: Delivery) -> None:
    await records.log(delivery)
    assert list(await records.deliveries("acct_1", limit=10)) == [delivery]


async def test_a_delivery_that_is_logged_twice_is_there_once(records: WebhookRecords) -> None:
    await records.log(TRIED)
    await records.log(TRIED)
    assert list(await records.deliveries("acct_1", limit=10)) == [TRIED]


def numbered(number: int) -> Delivery:
    return replace(TRIED, delivery_id=f"01a{number}", number=number)


async def test_deliveries_come_newest_first_and_no_more_than_asked(records: WebhookRecords) -> None:
    for number in (2, 1, 3):
        await records.log(numbered(number))
    assert list(await records.deliveries("acct_1", limit=2)) == [numbered(3), numbered(2)]


async def test_a_page_goes_on_below_the_one_before(records: WebhookRecords) -> None:
    for number in range(5):
        await records.log(numbered(number))
    assert list(await records.deliveries("acct_1", limit=2, before="01a3")) == [numbered(2), numbered(1)]
    assert list(await records.deliveries("acct_1", limit=2, before="01a0")) == []


async def test_a_cursor_may_name_a_delivery_that_is_no_more(records: WebhookRecords) -> None:
    await records.log(numbered(1))
    assert list(await records.deliveries("acct_1", limit=2, before="01a2")) == [numbered(1)]


async def test_an_account_sees_its_own_deliveries_and_no_secrets_among_them(records: WebhookRecords) -> None:
    await records.put_secrets(SECRETS, instead_of=None)
    await records.log(TRIED)
    await records.log(replace(TRIED, account_id="acct_2"))
    assert list(await records.deliveries("acct_1", limit=10)) == [TRIED]


class Recording:
    """An API that records its calls, and does not answer the first `unanswered` of them, done or not."""

    def __init__(self, behind: AwsApi | None, unanswered: int = 0) -> None:
        self._behind = behind
        self._unanswered = unanswered
        self.asked: list[Any] = []

    async def call(self, service: str, operation: str, payload: Any) -> Any:
        self.asked.append(payload)
        answer = {} if self._behind is None else await self._behind.call(service, operation, payload)
        if len(self.asked) <= self._unanswered:
            raise Unanswered("TimedOut", operation)
        return answer


async def test_a_put_whose_answer_was_lost_is_ours_all_the_same(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    table = new_table(endpoints.moto, "account_id", "sk")
    behind = api(client, clock, "dynamodb", endpoints.moto)
    silent: Any = Recording(behind, unanswered=1)
    assert await DynamoWebhookRecords(silent, table).put_secrets(SECRETS, instead_of=None)


async def test_a_delivery_expires_after_thirty_days() -> None:
    recording: Any = Recording(None)
    await DynamoWebhookRecords(recording, "table").log(TRIED)
    item = from_item(recording.asked[0]["Item"])
    assert (item["expires_at_s"], KEEP_S) == (NOW_S + KEEP_S, 30 * 24 * 3600)


async def test_secrets_do_not_expire() -> None:
    recording: Any = Recording(None)
    await DynamoWebhookRecords(recording, "table").put_secrets(ROTATED, instead_of="whsec_first")
    assert "expires_at_s" not in recording.asked[0]["Item"]


async def test_a_store_that_is_away_is_said_so(endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
    records = DynamoWebhookRecords(api(client, clock, "dynamodb", endpoints.moto), "no-such-table")
    with pytest.raises(ServiceUnavailable):
        await records.secrets("acct_1")
