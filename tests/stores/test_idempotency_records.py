"""Tests that run on every store of idempotency records: memory, DynamoDB Local, and moto."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.ports.idempotency import IdempotencyRecord, IdempotencyRecords, StoredAnswer
from gateway.stores.idempotency import DynamoIdempotencyRecords
from gateway.transport import Client
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_000_000
FIRST = IdempotencyRecord(
    scope="acct_1#abc",
    fingerprint="f" * 64,
    attempt_id="first",
    claimed_at_s=NOW_S,
    lease_until_s=NOW_S + 100,
    expires_at_s=NOW_S + 86_400,
)
SECOND = replace(FIRST, attempt_id="second")
ANSWER = StoredAnswer(201, {"Content-Type": "application/json", "X-Nexevo-Cache": "miss"}, "answers/name")


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def records(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> IdempotencyRecords:
    if request.param == "memory":
        return MemoryIdempotencyRecords()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoIdempotencyRecords(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "scope"))


async def test_a_first_claim_stands(records: IdempotencyRecords) -> None:
    assert await records.claim(FIRST, NOW_S) is None
    assert await records.claim(SECOND, NOW_S) == FIRST


async def test_a_claim_repeated_by_its_own_attempt_still_stands(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    assert await records.claim(FIRST, NOW_S) is None


async def test_of_twenty_claims_at_once_one_stands(records: IdempotencyRecords) -> None:
    claims = [replace(FIRST, attempt_id=f"attempt-{number}") for number in range(20)]
    outcomes = await asyncio.gather(*(records.claim(claim, NOW_S) for claim in claims))
    assert outcomes.count(None) == 1


async def test_scopes_are_strangers(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    assert await records.claim(replace(SECOND, scope="acct_2#abc"), NOW_S) is None


async def test_a_finished_record_answers_with_what_was_kept(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    finished = replace(FIRST, answer=ANSWER, expires_at_s=NOW_S + 90_000)
    assert await records.finish(finished) is True
    assert await records.claim(SECOND, NOW_S) == finished


async def test_finishing_again_changes_nothing(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    finished = replace(FIRST, answer=ANSWER)
    await records.finish(finished)
    assert await records.finish(finished) is True
    assert await records.claim(SECOND, NOW_S) == finished


async def test_a_finished_record_cannot_be_claimed_by_its_own_attempt(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    finished = replace(FIRST, answer=ANSWER)
    await records.finish(finished)
    assert await records.claim(FIRST, NOW_S) == finished


async def test_an_expired_record_counts_for_nothing(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    await records.finish(replace(FIRST, answer=ANSWER))
    assert await records.claim(SECOND, FIRST.expires_at_s - 1) == replace(FIRST, answer=ANSWER)
    assert await records.claim(SECOND, FIRST.expires_at_s) is None


async def test_an_unfinished_attempt_can_be_succeeded_by_name(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    assert await records.claim(SECOND, NOW_S, after="first") is None
    assert await records.claim(FIRST, NOW_S) == SECOND


async def test_only_one_attempt_succeeds_another(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    await records.claim(SECOND, NOW_S, after="first")
    assert await records.claim(replace(FIRST, attempt_id="third"), NOW_S, after="first") == SECOND


async def test_a_finished_attempt_cannot_be_succeeded(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    finished = replace(FIRST, answer=ANSWER)
    await records.finish(finished)
    assert await records.claim(SECOND, NOW_S, after="first") == finished


async def test_an_attempt_that_was_succeeded_cannot_finish(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    await records.claim(SECOND, NOW_S, after="first")
    assert await records.finish(replace(FIRST, answer=ANSWER)) is False
    assert await records.claim(FIRST, NOW_S) == SECOND


async def test_a_freed_key_can_be_claimed(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    await records.free(FIRST)
    assert await records.claim(SECOND, NOW_S) is None


async def test_an_attempt_does_not_free_the_key_of_another(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    await records.free(SECOND)
    assert await records.claim(SECOND, NOW_S) == FIRST


async def test_an_answer_is_not_freed(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    finished = replace(FIRST, answer=ANSWER)
    await records.finish(finished)
    await records.free(FIRST)
    assert await records.claim(SECOND, NOW_S) == finished


async def test_an_attempt_that_was_freed_cannot_finish(records: IdempotencyRecords) -> None:
    await records.claim(FIRST, NOW_S)
    await records.free(FIRST)
    assert await records.finish(replace(FIRST, answer=ANSWER)) is False
