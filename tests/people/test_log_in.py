"""Tests of log-in: equal work for known and unknown addresses, and the bounds of attempts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.auth.sources import source_of
from tests.control_plane.harness import refusal
from tests.people.harness import JANE, PASSWORD, House, work_of

pytestmark = pytest.mark.anyio
WRONG = (401, "invalid_credentials", None)


async def test_an_unknown_address_and_a_wrong_password_are_one_to_a_stranger(house: House) -> None:
    await house.registered()
    asked = []
    for email in ("unknown@example.com", JANE):
        before = house.work()
        answer = await house.post("login", {"email": email, "password": "not the password"})
        assert refusal(answer) == WRONG
        asked.append((answer.content, work_of(before, house.work())))
    assert asked[0] == asked[1]
    assert asked[0][1] == {"count": 3, "user_id_at": 1, "user": 1, "hash": 1, "entries": 1}


async def test_attempts_at_an_address_from_a_source_are_bounded_alike_for_every_address(house: House) -> None:
    await house.registered()
    for email in (JANE, "unknown@example.com"):
        body = {"email": email, "password": "not the password"}
        found = [(await house.post("login", body)).status_code for _ in range(11)]
        assert found == [401] * 10 + [429]
        before = house.work()
        refused = await house.post("login", {"email": email, "password": PASSWORD})
        assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
        # What is beyond the bound is refused without the work of a hash, and without a write about the address.
        assert work_of(before, house.work()) == {"count": 1}
    house.later(900)
    await house.signed_in()


async def test_a_log_in_that_succeeds_empties_the_window(house: House) -> None:
    await house.registered()
    for _ in range(3):
        for _ in range(9):
            await house.post("login", {"email": JANE, "password": "not the password"})
        await house.signed_in()


async def test_a_source_is_bounded_over_all_addresses(house: House) -> None:
    found = [
        (await house.post("login", {"email": f"user{number}@example.com", "password": "guess a lot"})).status_code
        for number in range(101)
    ]
    assert found == [401] * 100 + [429]
    other = await house.post("login", {"email": "user1@example.com", "password": "guess a lot"}, ip="198.51.100.1")
    assert other.status_code == 401


async def test_strangers_do_not_lock_a_person_out_of_a_source_that_is_signed_in(house: House) -> None:
    await house.registered()
    await house.signed_in()
    guess = {"email": JANE, "password": "not the password"}
    found = [(await house.post("login", guess, ip=f"198.51.{n // 10}.1")).status_code for n in range(105)]
    assert found.count(429) == 6
    refused = await house.post("login", {"email": JANE, "password": PASSWORD}, ip="192.0.2.9")
    assert refused.status_code == 429
    await house.signed_in()


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:2::9", "2001:0db8:0001:0002::/64"),
        ("", "unknown"),
    ],
)
def test_a_source_is_an_address_or_the_network_of_a_customer(address: str, source: str) -> None:
    assert source_of(address) == source


async def test_a_hash_by_older_parameters_is_replaced_at_the_next_log_in(house: House) -> None:
    made = await house.registered()
    user = house.store.users[made["user_id"]]
    house.store.users[user.user_id] = replace(user, password_hash=f"old hash of {PASSWORD}")
    await house.signed_in()
    assert house.store.users[user.user_id].password_hash == f"hash of {PASSWORD}"
