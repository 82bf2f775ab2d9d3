"""Tests of the treatment of the notices queue's messages, and that queue and pauses have the same number of tries."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import asdict

from gateway.canonical.alerts import LowBalance, SpendAlert
from gateway.errors import ServiceUnavailable
from gateway.webhooks.batch import deliver_batch
from gateway.webhooks.delivering import LOST_S
from gateway.webhooks.posting import PAUSES_S, TryResult
from local.translation import parsed

pytestmark = pytest.mark.anyio

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
FAILED = {"batchItemFailures": [{"itemIdentifier": "m-gen_1"}]}
DONE: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


@dataclass
class Tries:
    """Delivery results that a test sets for each job, and the recorded calls."""

    outcomes: dict[str, TryResult | Exception]
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def deliver(self, job_id: str, number: int) -> TryResult:
        self.asked.append((job_id, number))
        outcome = self.outcomes[job_id]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@dataclass
class Looks:
    """The looks and the alerts that were asked for."""

    looks: list[tuple[str, str, bool]] = field(default_factory=list)
    alerts: list[tuple[SpendAlert, int]] = field(default_factory=list)
    result: TryResult = field(default_factory=lambda: TryResult(delivered=True))

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        self.looks.append((account_id, key_id, refused))

    async def deliver(self, alert: SpendAlert, number: int) -> TryResult:
        self.alerts.append((alert, number))
        return self.result


NO_ALERTS = Looks()


@dataclass
class Queue:
    """The messages that must come again."""

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
    tries, queue = Tries({"gen_1": TryResult(delivered=True)}), Queue()
    assert await deliver_batch(tries, NO_ALERTS, queue, {"Records": [record("gen_1", 3)]}) == DONE
    assert (tries.asked, queue.pauses) == ([("gen_1", 3)], {})


async def test_a_message_that_was_not_taken_stays_and_is_hidden_for_its_pause() -> None:
    queue = Queue()
    tries = Tries({"gen_1": TryResult(delivered=False, again_s=1800)})
    assert await deliver_batch(tries, NO_ALERTS, queue, {"Records": [record("gen_1", 5)]}) == FAILED
    assert queue.pauses == {"r-gen_1": 1800}


async def test_a_message_that_is_given_up_stays_for_the_dead_letter_queue(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue()
    assert (
        await deliver_batch(
            Tries({"gen_1": TryResult(delivered=False)}), NO_ALERTS, queue, {"Records": [record("gen_1", 12)]}
        )
        == FAILED
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
    assert await deliver_batch(tries, NO_ALERTS, Queue(), {"Records": [record("gen_1", body=body)]}) == FAILED
    assert tries.asked == []


async def test_a_try_that_fails_is_made_again() -> None:
    tries = Tries({"gen_1": ServiceUnavailable("away")})
    assert await deliver_batch(tries, NO_ALERTS, Queue(), {"Records": [record("gen_1")]}) == FAILED


async def test_a_message_that_cannot_be_hidden_stays_all_the_same() -> None:
    tries = Tries({"gen_1": TryResult(delivered=False, again_s=5)})
    assert await deliver_batch(tries, NO_ALERTS, Queue(is_away=True), {"Records": [record("gen_1")]}) == FAILED


async def test_one_message_says_nothing_of_another() -> None:
    tries = Tries(
        {
            "gen_1": ServiceUnavailable("away"),
            "gen_2": TryResult(delivered=True),
            "gen_3": TryResult(delivered=False, again_s=5),
        }
    )
    answer = await deliver_batch(
        tries, NO_ALERTS, Queue(), {"Records": [record(f"gen_{number}") for number in (1, 2, 3)]}
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-gen_1"}, {"itemIdentifier": "m-gen_3"}]}


@pytest.fixture(scope="module")
def queue() -> Any:
    return parsed(TEMPLATE.read_text())["Resources"]["NoticesQueue"]["Properties"]


def test_the_queue_hands_a_message_out_as_often_as_there_are_tries(queue: Any) -> None:
    assert queue["RedrivePolicy"]["maxReceiveCount"] == len(PAUSES_S) + 1


def test_the_queue_keeps_a_message_longer_than_its_tries_take(queue: Any) -> None:
    assert queue["MessageRetentionPeriod"] > 2 * sum(PAUSES_S)


def test_a_message_whose_try_died_is_not_taken_for_lost_before_it_comes_again(queue: Any) -> None:
    assert queue["VisibilityTimeout"] < LOST_S


def test_no_pause_is_longer_than_a_queue_can_hide_a_message_and_none_shorter_than_the_one_before() -> None:
    assert max(PAUSES_S) <= 12 * 3600
    assert all(before <= after for before, after in pairwise(PAUSES_S))


LOOK = '{"schema_version":1,"look":{"account_id":"acct_1","key_id":"key_1","refused":true}}'
ALERT = SpendAlert("acct_1", "key_1", 202611, 80, 8, 10, 7)
ALERT_BODY = orjson.dumps({"schema_version": 1, "alert": asdict(ALERT)}).decode()


async def test_a_look_at_a_keys_spend_is_asked_for_once() -> None:
    alerts = Looks()
    assert await deliver_batch(Tries({}), alerts, Queue(), {"Records": [record("gen_1", body=LOOK)]}) == DONE
    assert alerts.looks == [("acct_1", "key_1", True)]


async def test_an_alert_comes_again_like_a_jobs_webhook() -> None:
    alerts, queue = Looks(result=TryResult(delivered=False, again_s=30)), Queue()
    assert await deliver_batch(Tries({}), alerts, queue, {"Records": [record("gen_1", 2, ALERT_BODY)]}) == FAILED
    assert (alerts.alerts, queue.pauses) == ([(ALERT, 2)], {"r-gen_1": 30})


class Balances:
    """The watch over balances: what it was handed, and how the try ends."""

    def __init__(self, result: TryResult) -> None:
        self.result = result
        self.handed: list[object] = []

    async def look(self, account_id: str) -> None:
        self.handed.append(account_id)

    async def deliver(self, low: LowBalance, number: int) -> TryResult:
        self.handed.append((low, number))
        return self.result


async def test_a_balance_is_looked_at_and_a_low_one_told_until_it_is_taken() -> None:
    low = LowBalance("acct_1", 7, 8, 9)
    told = {"account_id": "acct_1", "balance_nanousd": 7, "threshold_nanousd": 8, "at_s": 9}
    notices = ({"balance": {"account_id": "acct_1"}}, {"low": told})
    bodies = [orjson.dumps({"schema_version": 1, **notice}) for notice in notices]
    records = {"Records": [record("gen_1", 2, body.decode()) for body in bodies]}
    balances = Balances(TryResult(delivered=False))
    answer = await deliver_batch(Tries({}), NO_ALERTS, Queue(), records, lambda: balances)
    assert balances.handed == ["acct_1", (low, 2)]
    assert len(answer["batchItemFailures"]) == 1
    assert await deliver_batch(Tries({}), NO_ALERTS, Queue(), {"Records": records["Records"][:1]}) == FAILED


@dataclass
class Places:
    """Deliveries of tasks' results that were asked for, all of which are taken."""

    handed: list[tuple[str, int, int]] = field(default_factory=list)

    async def deliver(self, job_id: str, place: int, number: int) -> TryResult:
        self.handed.append((job_id, place, number))
        return TryResult(delivered=True)


async def test_a_tasks_result_is_handed_to_what_delivers_it() -> None:
    body = orjson.dumps({"schema_version": 1, "deliverable": {"job_id": "task_1", "place": 2}}).decode()
    records, places = {"Records": [record("gen_1", 3, body)]}, Places()
    assert await deliver_batch(Tries({}), NO_ALERTS, Queue(), records, places=lambda: places) == DONE
    assert places.handed == [("task_1", 2, 3)]
    # A process that delivers none leaves the message in the queue.
    assert await deliver_batch(Tries({}), NO_ALERTS, Queue(), records) == FAILED
