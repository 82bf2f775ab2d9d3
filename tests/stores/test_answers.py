"""Tests that run on every store of cached answers: memory, DynamoDB Local, and moto."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.ports.answers import AnswerName, CacheCounts, CachedAnswer, CachedAnswers, Running
from gateway.stores.answers import INLINE_BYTES_MAX, DynamoAnswers
from gateway.transport import Client
from tests.fakes.answers import MemoryAnswers
from tests.fakes.objects import MemoryObjects
from tests.stores.conftest import StoppedClock, api, boto, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_000_000.5
NAME = AnswerName("acct_1", "d" * 64)
ANSWER = CachedAnswer(b"an answer \xff", NOW_S, int(NOW_S) + 100)
FIRST = Running("first", NOW_S + 15)
SECOND = replace(FIRST, attempt_id="second")


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def answers(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> CachedAnswers:
    if request.param == "memory":
        return MemoryAnswers()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    table = new_table(endpoint, "account_id", "answer")
    return DynamoAnswers(api(client, clock, "dynamodb", endpoint), table, MemoryObjects())


async def test_an_answer_is_found_until_it_expires(answers: CachedAnswers) -> None:
    assert await answers.find(NAME, NOW_S) is None
    assert await answers.keep(NAME, ANSWER)
    assert await answers.find(NAME, NOW_S, sure=True) == ANSWER
    assert await answers.find(NAME, ANSWER.expires_at_s, sure=True) is None


async def test_a_large_answer_is_found(answers: CachedAnswers) -> None:
    large = replace(ANSWER, content=bytes(range(256)) * INLINE_BYTES_MAX)
    assert await answers.keep(NAME, large)
    assert await answers.find(NAME, NOW_S, sure=True) == large


async def test_accounts_and_names_are_strangers(answers: CachedAnswers) -> None:
    await answers.keep(NAME, ANSWER)
    assert await answers.find(replace(NAME, account_id="acct_2"), NOW_S, sure=True) is None
    assert await answers.find(replace(NAME, digest="e" * 64), NOW_S, sure=True) is None


async def test_of_twenty_claims_at_once_one_stands(answers: CachedAnswers) -> None:
    claims = [replace(FIRST, attempt_id=f"attempt-{number}") for number in range(20)]
    outcomes = await asyncio.gather(*(answers.claim(NAME, claim, NOW_S) for claim in claims))
    assert outcomes.count(None) == 1
    standing = await answers.find(NAME, NOW_S, sure=True)
    assert isinstance(standing, Running)
    assert {outcome for outcome in outcomes if outcome is not None} == {standing}


async def test_a_claim_repeated_by_its_own_attempt_still_stands(answers: CachedAnswers) -> None:
    assert await answers.claim(NAME, FIRST, NOW_S) is None
    assert await answers.claim(NAME, FIRST, NOW_S) is None


async def test_a_claim_is_taken_over_after_its_lease(answers: CachedAnswers) -> None:
    await answers.claim(NAME, FIRST, NOW_S)
    assert await answers.claim(NAME, SECOND, FIRST.lease_until_s - 0.1) == FIRST
    later = replace(SECOND, lease_until_s=NOW_S + 30)
    assert await answers.claim(NAME, later, FIRST.lease_until_s) is None
    assert await answers.find(NAME, FIRST.lease_until_s, sure=True) == later
    assert not await answers.keep(NAME, ANSWER, claimed_by="first")


async def test_a_lease_is_prolonged_by_its_attempt_alone(answers: CachedAnswers) -> None:
    await answers.claim(NAME, FIRST, NOW_S)
    assert not await answers.prolong(NAME, replace(SECOND, lease_until_s=NOW_S + 60))
    longer = replace(FIRST, lease_until_s=NOW_S + 60)
    assert await answers.prolong(NAME, longer)
    assert await answers.claim(NAME, SECOND, NOW_S + 20) == longer


async def test_a_claimed_answer_is_kept_once_and_claimed_no_more(answers: CachedAnswers) -> None:
    await answers.claim(NAME, FIRST, NOW_S)
    assert await answers.keep(NAME, ANSWER, claimed_by="first")
    assert await answers.keep(NAME, ANSWER, claimed_by="first")
    assert await answers.claim(NAME, SECOND, NOW_S) == ANSWER
    assert not await answers.prolong(NAME, FIRST)
    await answers.free(NAME, "first")
    assert await answers.find(NAME, NOW_S, sure=True) == ANSWER


async def test_an_expired_answer_is_claimed(answers: CachedAnswers) -> None:
    await answers.keep(NAME, ANSWER)
    assert await answers.claim(NAME, replace(FIRST, lease_until_s=NOW_S + 200), NOW_S + 101) is None


async def test_a_freed_name_is_claimed_by_the_next(answers: CachedAnswers) -> None:
    await answers.claim(NAME, FIRST, NOW_S)
    await answers.free(NAME, "second")
    assert await answers.claim(NAME, SECOND, NOW_S) == FIRST
    await answers.free(NAME, "first")
    assert await answers.claim(NAME, SECOND, NOW_S) is None


async def test_an_answer_that_may_not_be_kept_says_so_for_a_while(answers: CachedAnswers) -> None:
    await answers.claim(NAME, FIRST, NOW_S)
    await answers.free(NAME, "first", alone_until_s=NOW_S + 5)
    alone = Running("first", NOW_S + 5, is_alone=True)
    assert await answers.find(NAME, NOW_S, sure=True) == alone
    assert await answers.claim(NAME, SECOND, NOW_S) == alone
    assert await answers.claim(NAME, SECOND, NOW_S + 5) is None


async def test_an_answer_deleted_meanwhile_is_not_kept(answers: CachedAnswers) -> None:
    await answers.claim(NAME, FIRST, NOW_S)
    assert await answers.forget("acct_1", 100) == (0, False)
    assert not await answers.keep(NAME, replace(ANSWER, content=b"x" * 99_999), claimed_by="first")
    assert await answers.find(NAME, NOW_S, sure=True) is None


async def test_answers_are_forgotten_by_account_and_the_counts_stay(answers: CachedAnswers) -> None:
    names = [replace(NAME, digest=f"{number}") for number in range(5)]
    for name in names:
        await answers.keep(name, ANSWER)
    await answers.keep(replace(NAME, account_id="acct_2"), ANSWER)
    await answers.count("acct_1", "20261130", CacheCounts(hits=1))
    assert await answers.forget("acct_1", 3) == (3, True)
    assert await answers.forget("acct_1", 3) == (2, False)
    assert [await answers.find(name, NOW_S, sure=True) for name in names] == [None] * 5
    assert await answers.find(replace(NAME, account_id="acct_2"), NOW_S, sure=True) == ANSWER
    assert len(await answers.counted("acct_1", "20261101")) == 1


async def test_counts_are_added_up_by_day(answers: CachedAnswers) -> None:
    await answers.count("acct_1", "20261129", CacheCounts(misses=1))
    for _ in range(2):
        await answers.count("acct_1", "20261130", CacheCounts(hits=1, saved_nanousd=7, saved_output_tokens=2))
    await answers.count("acct_2", "20261130", CacheCounts(hits=9))
    today = CacheCounts(hits=2, saved_nanousd=14, saved_output_tokens=4)
    assert await answers.counted("acct_1", "20261130") == {"20261130": today}
    assert await answers.counted("acct_1", "20261101") == {"20261129": CacheCounts(misses=1), "20261130": today}


async def test_a_table_reader_learns_nothing_of_an_answer(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    endpoint = endpoints.of("dynamodb")
    table = new_table(endpoint, "account_id", "answer")
    answers = DynamoAnswers(api(client, clock, "dynamodb", endpoint), table, MemoryObjects())
    await answers.claim(NAME, FIRST, NOW_S)
    await answers.keep(NAME, replace(ANSWER, content=b"the secret word"), claimed_by="first")
    (item,) = boto("dynamodb", endpoint).scan(TableName=table)["Items"]
    assert NAME.digest not in str(item)
    assert b"secret" not in item["sealed"]["B"]
    assert int(item["expires_at_s"]["N"]) == ANSWER.expires_at_s
    moved = {**item, "account_id": {"S": "acct_2"}}
    boto("dynamodb", endpoint).put_item(TableName=table, Item=moved)
    assert await answers.find(replace(NAME, account_id="acct_2"), NOW_S, sure=True) is None
