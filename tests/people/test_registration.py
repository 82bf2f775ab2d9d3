"""Tests of registration: the letter, the link, the account; and that no answer tells who is registered."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.people.registration import Terms
from gateway.people.tokens import hashed
from tests.control_plane.harness import refusal
from tests.fakes.people import Outbox
from tests.people.harness import JANE, NEW_PASSWORD, OPEN, PASSWORD, TOKEN, House, work_of

pytestmark = pytest.mark.anyio
SENT_AT_ALL = (202, "letter")


async def test_a_link_that_is_opened_makes_a_person_with_an_account_and_its_starting_credit(house: House) -> None:
    wanted = {"email": " Jane@Example.COM ", "password": PASSWORD, "full_name": "Jane Doe"}
    answer = await house.post("register", wanted)
    assert (answer.status_code, answer.json()["object"]) == SENT_AT_ALL
    assert answer.headers["cache-control"] == "no-store"
    assert house.store.users == {}
    (letter,) = house.mail.letters
    assert (letter.to, "https://console.test/verify-email#token=" in letter.text) == (JANE, True)
    assert house.mailed_token() in letter.html
    link = {"token": house.mailed_token(), "registration_token": answer.json()["registration_token"]}
    made = (await house.post("verify-email", link)).json()
    assert {made[name] for name in ("email", "full_name", "email_verified")} == {JANE, "Jane Doe", True}
    assert (made["password_set"], len(house.mail.letters)) == (True, 1)
    account = await house.nexgate.money.read_account(made["account_id"])
    assert account is not None
    assert account.free_nanousd == 5 * 10**9


async def test_a_link_is_good_once_and_for_a_day(house: House) -> None:
    await house.post("register", {"email": JANE, "password": PASSWORD})
    token = house.mailed_token()
    house.later(24 * 3600)
    assert refusal(await house.post("verify-email", {"token": token})) == (400, "invalid_token", "token")
    await house.registered()
    used = house.mailed_token()
    assert refusal(await house.post("verify-email", {"token": used})) == (400, "invalid_token", "token")
    assert len(house.store.users) == 1


async def test_of_two_registrations_of_an_address_one_becomes_a_person(house: House) -> None:
    links = []
    for password in (PASSWORD, NEW_PASSWORD):
        answer = await house.post("register", {"email": JANE, "password": password})
        links.append({"token": house.mailed_token(), "registration_token": answer.json()["registration_token"]})
    assert (await house.post("verify-email", links[1])).status_code == 200
    assert refusal(await house.post("verify-email", links[0]))[1] == "invalid_token"
    await house.signed_in(password=NEW_PASSWORD)


async def test_a_link_whose_opening_was_cut_off_can_be_opened_again(house: House) -> None:
    await house.post("register", {"email": JANE, "password": PASSWORD})
    token = house.mailed_token()
    waiting = house.store.tokens[hashed(token)]
    made = (await house.post("verify-email", {"token": token})).json()
    # The person is there, and the token was not deleted.
    house.store.tokens[hashed(token)] = waiting
    assert (await house.post("verify-email", {"token": token})).json()["user_id"] == made["user_id"]
    account = await house.nexgate.money.read_account(made["account_id"])
    assert account is not None
    assert account.free_nanousd == 5 * 10**9


@pytest.mark.parametrize("shown", ["nothing", "another registration's", "the link's own"])
async def test_a_password_that_a_stranger_registered_is_void_and_the_owner_is_mailed_a_link_to_choose_one(
    house: House, shown: str
) -> None:
    by_stranger = {"email": JANE, "password": PASSWORD, "full_name": "A stranger"}
    await house.post("register", by_stranger)
    mailed = house.mailed_token()
    own = (await house.post("register", {"email": JANE, "password": NEW_PASSWORD})).json()["registration_token"]
    more = {"nothing": {}, "another registration's": {"registration_token": own}}
    link = {"token": mailed, **more.get(shown, {"registration_token": mailed})}
    made = (await house.post("verify-email", link)).json()
    assert (made["email"], made["full_name"], made["password_set"]) == (JANE, "", False)
    assert (house.store.stored_sessions, house.mail.letters[-1].subject) == ({}, "Choose your password")
    assert house.mail.letters[-1].to == JANE
    for guess in (PASSWORD, NEW_PASSWORD):
        answer = await house.post("login", {"email": JANE, "password": guess})
        assert refusal(answer)[:2] == (401, "invalid_credentials")
    chosen = {"token": house.mailed_token(), "new_password": "a password of her own"}
    assert (await house.post("reset-password", chosen)).status_code == 200
    assert refusal(await house.post("reset-password", chosen))[1] == "invalid_token"
    await house.signed_in(password="a password of her own")


async def test_a_link_to_choose_a_password_that_could_not_be_mailed_is_mailed_by_a_repeat(house: House) -> None:
    answer = await house.post("register", {"email": JANE, "password": PASSWORD})
    token = house.mailed_token()
    house.mail.is_down = True
    assert (await house.post("verify-email", {"token": token})).status_code == 503
    house.mail.is_down = False
    # The password stays void: the first opening has made the person.
    link = {"token": token, "registration_token": answer.json()["registration_token"]}
    assert (await house.post("verify-email", link)).json()["password_set"] is False
    assert house.mail.letters[-1].subject == "Choose your password"
    assert refusal(await house.post("verify-email", link))[1] == "invalid_token"


async def test_a_registered_address_gets_the_same_answer_by_the_same_work_and_a_letter_of_its_own(house: House) -> None:
    await house.registered()
    asked = []
    for email in ("new@example.com", JANE):
        before = house.work()
        answer = await house.post("register", {"email": email, "password": NEW_PASSWORD})
        shown = answer.json()
        # Both have a token of the same form, which is good for nothing without a letter's.
        shown["registration_token"] = bool(TOKEN.fullmatch(shown["registration_token"]))
        asked.append((answer.status_code, shown, work_of(before, house.work())))
    assert asked[0] == asked[1]
    assert asked[0][1]["registration_token"] is True
    assert asked[0][2] == {"count": 2, "user_id_at": 1, "hash": 1, "keep_token": 1, "letters": 1}
    letter = house.mail.letters[-1]
    assert (letter.to, "has one already" in letter.text, "#token=" in letter.text) == (JANE, True, False)
    # The token that was made for the sake of the work leads to no person.
    assert {waiting.until_s > house.nexgate.clock.now_s() for waiting in house.store.tokens.values()} == {True, False}


async def test_registration_is_closed_unless_the_operator_opens_it() -> None:
    assert Terms().mode == "closed"
    closed = House(terms=Terms())
    answer = await closed.post("register", {"email": JANE, "password": PASSWORD})
    assert refusal(answer) == (403, "registration_closed", None)
    assert closed.mail.letters == []


async def test_registration_by_invitation_uses_the_invitation_up() -> None:
    house = House(terms=replace(OPEN, mode="invite"))
    wanted = {"email": JANE, "password": PASSWORD}
    assert refusal(await house.post("register", wanted)) == (403, "invitation_required", "invitation")
    await house.store.invite(hashed("i" * 43), int(house.nexgate.clock.now_s()) + 60)
    first, second = {**wanted, "invitation": "i" * 43}, {**wanted, "email": "two@example.com", "invitation": "i" * 43}
    tokens = []
    for one in (first, second):
        assert (await house.post("register", one)).status_code == 202
        tokens.append(house.mailed_token())
    answers = [(await house.post("verify-email", {"token": token})).status_code for token in tokens]
    assert answers == [200, 400]
    assert refusal(await house.post("register", first))[1] == "invitation_required"


async def test_an_invitation_expires() -> None:
    house = House(terms=replace(OPEN, mode="invite"))
    await house.store.invite(hashed("i" * 43), int(house.nexgate.clock.now_s()))
    wanted = {"email": JANE, "password": PASSWORD, "invitation": "i" * 43}
    assert refusal(await house.post("register", wanted))[1] == "invitation_required"


@pytest.mark.parametrize("path", ["register", "forgot-password"])
async def test_what_needs_mail_says_that_there_is_none(path: str) -> None:
    house = House(mail=Outbox(is_configured=False))
    body = {"email": JANE, "password": PASSWORD} if path == "register" else {"email": JANE}
    assert refusal(await house.post(path, body))[:2] == (503, "mail_not_configured")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"email": JANE}, "password"),
        ({"email": "jane", "password": PASSWORD}, "email"),
        ({"email": "jane@example.com\nBcc: all@example.com", "password": PASSWORD}, "email"),
        ({"email": "jäne@example.com", "password": PASSWORD}, "email"),
        ({"email": JANE, "password": "short"}, "password"),
        ({"email": JANE, "password": "a" * 40}, "password"),
        ({"email": JANE, "password": "x" * 257}, "password"),
        ({"email": JANE, "password": PASSWORD, "full_name": "a\nb"}, "full_name"),
        ({"email": JANE, "password": PASSWORD, "account_id": "acct_other"}, "account_id"),
        ({"email": JANE, "password": PASSWORD, "role": "operator"}, "role"),
    ],
)
async def test_a_registration_that_does_not_fit_is_refused_by_its_path(
    house: House, body: dict[str, str], param: str
) -> None:
    status, _, found = refusal(await house.post("register", body))
    assert (status, found) == (400, param)
    assert house.mail.letters == []


async def test_letters_to_one_address_are_bounded_alike_for_every_address(house: House) -> None:
    await house.registered("known@example.com")
    for email, sent in (("known@example.com", 4), ("new@example.com", 5)):
        answers = [
            await house.post("register", {"email": email, "password": PASSWORD}, ip=f"198.51.100.{number}")
            for number in range(sent + 1)
        ]
        assert [answer.status_code for answer in answers] == [202] * sent + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
