"""What becomes of the messages of the notices queue, and whether queue and pauses agree about the number of tries."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from gateway.errors import ServiceUnavailable
from gateway.webhooks.batch import tell_batch
from gateway.webhooks.delivering import LOST_S, PAUSES_S, Told

pytestmark = pytest.mark.anyio

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
FAILED = {"batchItemFailures": [{"itemIdentifier": "m-gen_1"}]}
DONE: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


@dataclass
class Tries:
    """Says what a test wants of each job, and notes what it was asked."""

    outcomes: dict[str, Told | Exception]
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def tell(self, job_id: str, number: int) -> Told:
        self.asked.append((job_id, number))
        outcome = self.outcomes[job_id]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@dataclass
class Queue:
    """The messages that are to come again."""

    pauses: dict[str, int] = field(default_factory=dict)
    is_away: bool = False

    async def again(self, receipt: str, after_s: int) -> None:
        if self.is_away:
            raise ServiceUnavailable("away")
        self.pauses[receipt] = after_s


def record(job_id: str, receipts: int = 1, body: str | None = None) -> dict[str, Any]:
    return {
        "messageId": f"m-{job_id}",
        "receiptHandle": f"r-{job_id}",
        "body": f'{{"schema_version":1,"job_id":"{job_id}"}}' if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(receipts)},
    }


async def test_a_message_that_was_told_leaves_the_queue() -> None:
    tries, queue = Tries({"gen_1": Told(delivered=True)}), Queue()
    assert await tell_batch(tries, queue, {"Records": [record("gen_1", 3)]}) == DONE
    assert (tries.asked, queue.pauses) == ([("gen_1", 3)], {})


async def test_a_message_that_was_not_taken_stays_and_is_hidden_for_its_pause() -> None:
    queue = Queue()
    tries = Tries({"gen_1": Told(delivered=False, again_s=1800)})
    assert await tell_batch(tries, queue, {"Records": [record("gen_1", 5)]}) == FAILED
    assert queue.pauses == {"r-gen_1": 1800}


async def test_a_message_that_is_given_up_stays_for_the_dead_letter_queue(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue()
    assert (
        await tell_batch(Tries({"gen_1": Told(delivered=False)}), queue, {"Records": [record("gen_1", 12)]}) == FAILED
    )
    assert queue.pauses == {}
    assert [line.getMessage() for line in caplog.records] == ["notice m-gen_1 was not taken by its webhook in 12 tries"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "gen_1",
        "[]",
        "{}",
        '{"job_id":"gen_1"}',
        '{"schema_version":2,"job_id":"gen_1"}',
        '{"schema_version":1,"job_id":1}',
    ],
)
async def test_a_message_that_cannot_be_read_stays_for_the_dead_letter_queue(body: str) -> None:
    tries = Tries({})
    assert await tell_batch(tries, Queue(), {"Records": [record("gen_1", body=body)]}) == FAILED
    assert tries.asked == []


async def test_a_try_that_fails_is_made_again() -> None:
    tries = Tries({"gen_1": ServiceUnavailable("away")})
    assert await tell_batch(tries, Queue(), {"Records": [record("gen_1")]}) == FAILED


async def test_a_message_that_cannot_be_hidden_stays_all_the_same() -> None:
    tries = Tries({"gen_1": Told(delivered=False, again_s=5)})
    assert await tell_batch(tries, Queue(is_away=True), {"Records": [record("gen_1")]}) == FAILED


async def test_one_message_says_nothing_of_another() -> None:
    tries = Tries(
        {"gen_1": ServiceUnavailable("away"), "gen_2": Told(delivered=True), "gen_3": Told(delivered=False, again_s=5)}
    )
    answer = await tell_batch(tries, Queue(), {"Records": [record(f"gen_{number}") for number in (1, 2, 3)]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-gen_1"}, {"itemIdentifier": "m-gen_3"}]}


@pytest.fixture(scope="module")
def queue() -> Any:
    return yaml_parse(TEMPLATE.read_text())["Resources"]["NoticesQueue"]["Properties"]


def test_the_queue_hands_a_message_out_as_often_as_there_are_tries(queue: Any) -> None:
    assert queue["RedrivePolicy"]["maxReceiveCount"] == len(PAUSES_S) + 1


def test_the_queue_keeps_a_message_longer_than_its_tries_take(queue: Any) -> None:
    assert queue["MessageRetentionPeriod"] > 2 * sum(PAUSES_S)


def test_a_message_whose_try_died_is_not_taken_for_lost_before_it_comes_again(queue: Any) -> None:
    assert queue["VisibilityTimeout"] < LOST_S


def test_no_pause_is_longer_than_a_queue_can_hide_a_message_and_none_shorter_than_the_one_before() -> None:
    assert max(PAUSES_S) <= 12 * 3600
    assert all(before <= after for before, after in pairwise(PAUSES_S))
