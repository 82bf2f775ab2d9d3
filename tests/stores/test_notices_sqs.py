"""Tests of the notices queue: its messages, and their return after a failed delivery."""

from typing import Any

import orjson
import pytest

from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import Unanswered
from gateway.stores.aws.notices import SqsNotices
from gateway.transport import Client
from gateway.webhooks.batch import ResultDelivery, read_notice
from tests.stores.conftest import StoppedClock, api, boto, fresh
from tests.stores.servers import Endpoints
from tests.webhooks.conftest import JOB

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(endpoints: Endpoints) -> str:
    made: str = boto("sqs", endpoints.moto).create_queue(QueueName=fresh("notices"))["QueueUrl"]
    return made


@pytest.fixture
def notices(endpoints: Endpoints, client: Client, clock: StoppedClock, url: str) -> SqsNotices:
    return SqsNotices(api(client, clock, "sqs", endpoints.moto), url)


def received(endpoints: Endpoints, url: str) -> list[Any]:
    """Lists the messages that can be seen now."""
    found: list[Any] = boto("sqs", endpoints.moto).receive_message(QueueUrl=url).get("Messages", [])
    return found


async def test_a_message_names_the_job_and_nothing_else(endpoints: Endpoints, notices: SqsNotices, url: str) -> None:
    await notices.put(JOB)
    (message,) = received(endpoints, url)
    assert orjson.loads(message["Body"]) == {"schema_version": 1, "job_id": "gen_1"}


async def test_what_is_put_can_be_read_by_the_notifier(endpoints: Endpoints, notices: SqsNotices, url: str) -> None:
    await notices.put(JOB)
    (message,) = received(endpoints, url)
    assert read_notice(message["Body"]) == JOB.job_id


async def test_a_tasks_delivery_is_read_by_the_notifier(endpoints: Endpoints, notices: SqsNotices, url: str) -> None:
    await notices.put_deliverable("task_1", 2)
    (message,) = received(endpoints, url)
    assert read_notice(message["Body"]) == ResultDelivery("task_1", 2)


async def test_a_received_message_is_hidden_until_it_is_to_come_again(
    endpoints: Endpoints, notices: SqsNotices, url: str
) -> None:
    await notices.put(JOB)
    (message,) = received(endpoints, url)
    assert received(endpoints, url) == []
    await notices.again(message["ReceiptHandle"], 0)
    (again,) = received(endpoints, url)
    assert again["MessageId"] == message["MessageId"]


class Silent:
    """An API that answers nothing, and counts its calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def call(self, _service: str, operation: str, _payload: Any) -> Any:
        self.asked.append(operation)
        raise Unanswered("TimedOut", operation)


@pytest.mark.parametrize("operation", ["SendMessage", "ChangeMessageVisibility"])
async def test_a_queue_that_is_away_is_asked_a_few_times_and_said_so(operation: str) -> None:
    silent: Any = Silent()
    notices = SqsNotices(silent, "http://127.0.0.1:1/queue")
    with pytest.raises(ServiceUnavailable):
        await (notices.put(JOB) if operation == "SendMessage" else notices.again("receipt", 5))
    assert silent.asked == [operation] * 4
