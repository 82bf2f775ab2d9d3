"""Tests of the Idempotency-Key where keys are created and secrets rotated: repeated requests do it once."""

import asyncio

import httpx
import pytest

from tests.control_plane.harness import ACCOUNT, MANAGER_KEY, AppUnderTest, refusal

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


async def test_different_idempotency_keys_in_one_request_are_refused_and_create_nothing() -> None:
    nexgate = await settled()
    before = await keys(nexgate)
    two = [("Authorization", f"Bearer {MANAGER_KEY}"), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "made"}, key=None, headers=two)
    assert refusal(answer) == (400, "different_idempotency_keys", None)
    assert await keys(nexgate) == before


async def rotated(nexgate: AppUnderTest, once: str = "once") -> httpx.Response:
    return await nexgate.ask("POST", "/v1/webhooks/secret/rotate", headers={"Idempotency-Key": once})


async def test_a_rotation_sent_again_answers_the_same_secret() -> None:
    nexgate = await settled()
    before = (await nexgate.ask("GET", "/v1/webhooks/secret")).json()["secret"]
    first = (await asyncio.gather(*(rotated(nexgate) for _ in range(6))))[0]
    again = await rotated(nexgate)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    stands = nexgate.webhooks._secrets[ACCOUNT]
    assert (stands.current, stands.previous) == (first.json()["secret"], before)


async def test_what_is_kept_of_a_rotation_does_not_show_the_secret() -> None:
    nexgate = await settled()
    secret = (await rotated(nexgate)).json()["secret"]
    kept = b"".join(nexgate.answers._bodies.values()) + repr(vars(nexgate.records)).encode()
    assert kept
    assert secret.encode() not in kept


async def test_a_rotation_whose_process_died_is_undone_before_another(monkeypatch: pytest.MonkeyPatch) -> None:
    nexgate = await settled()
    before = (await nexgate.ask("GET", "/v1/webhooks/secret")).json()["secret"]

    async def dies(*_: object) -> bool:
        raise Death

    with monkeypatch.context() as dying:
        dying.setattr(nexgate.records, "finish", dies)
        dying.setattr(nexgate.records, "free", dies)
        with pytest.raises(Death):
            await rotated(nexgate)
    assert nexgate.webhooks._secrets[ACCOUNT].previous == before
    nexgate.clock.at_s += 31
    secret = (await rotated(nexgate)).json()["secret"]
    stands = nexgate.webhooks._secrets[ACCOUNT]
    assert (stands.current, stands.previous) == (secret, before)


async def test_an_account_without_a_balance_may_rotate_its_secret() -> None:
    nexgate = await settled()
    await nexgate.spend("10")
    assert (await rotated(nexgate)).status_code == 200


class Death(BaseException):
    """The end of a process, as far as its code can see."""
