"""Tests of the Idempotency-Key when keys are created: repeated requests create one key."""

import pytest

from tests.control_plane.harness import AppUnderTest

pytestmark = pytest.mark.anyio

NAMED = {"Idempotency-Key": "once"}


async def settled() -> AppUnderTest:
    nexgate = AppUnderTest()
    await nexgate.settle_in()
    return nexgate


async def created(nexgate: AppUnderTest, **settings: object) -> tuple[int, str, str | None]:
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "made", **settings}, headers=NAMED)
    return answer.status_code, answer.text, answer.headers.get("idempotent-replayed")


async def keys(nexgate: AppUnderTest) -> int:
    return len((await nexgate.ask("GET", "/v1/keys")).json()["data"])


async def test_a_creation_sent_again_answers_the_same_key() -> None:
    nexgate = await settled()
    before = await keys(nexgate)
    (first, text, _), second = await created(nexgate), await created(nexgate)
    assert (first, second, await keys(nexgate)) == (201, (201, text, "true"), before + 1)


async def test_another_creation_under_the_same_idempotency_key_is_a_409_that_is_not_worth_a_retry() -> None:
    nexgate = await settled()
    await created(nexgate)
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "other"}, headers=NAMED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert answer.headers["x-should-retry"] == "false"


async def test_a_creation_that_was_refused_leaves_the_idempotency_key_free() -> None:
    nexgate = await settled()
    refused = await created(nexgate, expires_at="2001-01-01T00:00:00Z")
    assert (refused[0], (await created(nexgate))[0]) == (400, 201)
