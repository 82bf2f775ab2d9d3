"""Tests that run on every store of answered questions: memory, DynamoDB Local, and moto."""

import pytest
from msgspec.structs import replace

from gateway.cache.semantic import packed
from gateway.ports.answers import AnswerName
from gateway.ports.questions import CachedQuestions, Checks, Partition, Question
from gateway.stores.answers import DynamoAnswers
from gateway.stores.questions import DynamoQuestions
from gateway.transport import Client
from tests.fakes.objects import MemoryObjects
from tests.fakes.questions import MemoryQuestions
from tests.stores.conftest import StoppedClock, api, boto, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_000_000
PARTITION = Partition("acct_1", "d" * 64)
NORTH, EAST, SOUTH = packed([0.0, 1.0]), packed([1.0, 0.1]), packed([0.0, -1.0])
QUESTION = Question("How high is it?", NORTH, "a" * 64, NOW_S + 100)


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def questions(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> CachedQuestions:
    if request.param == "memory":
        return MemoryQuestions()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoQuestions(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "answer"))


async def test_the_nearest_questions_are_found_first(questions: CachedQuestions) -> None:
    for number, vector in enumerate((SOUTH, EAST, NORTH)):
        await questions.add(PARTITION, replace(QUESTION, vector=vector, answer=str(number) * 64))
    found = await questions.nearest(PARTITION, NORTH, NOW_S, 2)
    assert [question.vector for _, question in found] == [NORTH, EAST]
    assert found[0][0] == pytest.approx(1.0)


async def test_a_question_is_found_in_its_own_partition_until_it_expires(questions: CachedQuestions) -> None:
    await questions.add(PARTITION, QUESTION)
    for partition in (replace(PARTITION, account_id="acct_2"), replace(PARTITION, digest="e" * 64)):
        assert await questions.nearest(partition, NORTH, NOW_S, 5) == []
    assert len(await questions.nearest(PARTITION, NORTH, NOW_S, 5)) == 1
    assert await questions.nearest(PARTITION, NORTH, QUESTION.expires_at_s, 5) == []


async def test_a_question_is_kept_once(questions: CachedQuestions) -> None:
    await questions.add(PARTITION, QUESTION)
    await questions.add(PARTITION, replace(QUESTION, expires_at_s=NOW_S + 500))
    found = await questions.nearest(PARTITION, NORTH, NOW_S, 5)
    assert [question.expires_at_s for _, question in found] == [NOW_S + 500]


async def test_checks_are_counted_by_key(questions: CachedQuestions) -> None:
    await questions.note("acct_1", "key_1", agreed=True)
    assert await questions.note("acct_1", "key_1", agreed=False) == Checks(2, 1)
    await questions.stop("acct_1", "key_1", NOW_S)
    await questions.stop("acct_1", "key_1", NOW_S + 5)
    assert await questions.checks("acct_1") == {"key_1": Checks(2, 1, NOW_S)}
    assert await questions.checks("acct_2") == {}


async def test_the_table_shows_no_question_and_forgets_all_with_the_answers(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    endpoint = endpoints.of("dynamodb")
    table, aws = new_table(endpoint, "account_id", "answer"), api(client, clock, "dynamodb", endpoint)
    questions = DynamoQuestions(aws, table)
    await questions.add(PARTITION, QUESTION)
    items = boto("dynamodb", endpoint).scan(TableName=table)["Items"]
    assert len(items) == 1
    assert not any(secret in repr(items) for secret in (QUESTION.text, QUESTION.answer, PARTITION.digest))
    answers = DynamoAnswers(aws, table, MemoryObjects())
    assert await answers.find(AnswerName("acct_1", "d" * 64), NOW_S) is None
    assert await answers.forget("acct_1", 100) == (0, False)
    assert await questions.nearest(PARTITION, NORTH, NOW_S, 5) == []
