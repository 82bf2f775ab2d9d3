"""An Idempotency-Key where keys are created: one key per key, however often it is asked for."""

import pytest

from tests.control_plane.harness import House

pytestmark = pytest.mark.anyio

NAMED = {"Idempotency-Key": "once"}


async def settled() -> House:
    house = House()
    await house.settle_in()
    return house


async def created(house: House, **settings: object) -> tuple[int, str, str | None]:
    answer = await house.ask("POST", "/v1/keys", {"name": "made", **settings}, headers=NAMED)
    return answer.status_code, answer.text, answer.headers.get("idempotent-replayed")


async def keys(house: House) -> int:
    return len((await house.ask("GET", "/v1/keys")).json()["data"])


async def test_a_creation_sent_again_answers_the_same_key() -> None:
    house = await settled()
    before = await keys(house)
    (first, text, _), second = await created(house), await created(house)
    assert (first, second, await keys(house)) == (201, (201, text, "true"), before + 1)


async def test_another_creation_under_the_same_idempotency_key_is_a_409_that_is_not_worth_a_retry() -> None:
    house = await settled()
    await created(house)
    answer = await house.ask("POST", "/v1/keys", {"name": "other"}, headers=NAMED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert answer.headers["x-should-retry"] == "false"


async def test_a_creation_that_was_refused_leaves_the_idempotency_key_free() -> None:
    house = await settled()
    refused = await created(house, expires_at="2001-01-01T00:00:00Z")
    assert (refused[0], (await created(house))[0]) == (400, 201)
