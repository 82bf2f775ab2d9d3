"""Tests of the stores of people, alike in memory, on DynamoDB Local and on moto; and of SES."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import AuthenticationFailed, ServiceUnavailable
from gateway.people.sessions import Sessions
from gateway.ports.mail import Letter
from gateway.ports.people import MailedToken, PeopleStore, Session, User
from gateway.ports.provider_keys import Envelope
from gateway.stores.aws.client import Unanswered
from gateway.stores.aws.ses import SesMail
from gateway.stores.people import DynamoPeople
from gateway.transport import Client
from tests.fakes.people import MemoryPeople
from tests.stores.conftest import StoppedClock, api, boto, deaf_once, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
JANE = User(
    user_id="user_000000000000000001",
    account_id="acct_one",
    email="jane@example.com",
    password_hash="$argon2id$...",
    created_at_s=1,
    full_name="Jane Doe",
    totp=Envelope("d3JhcHBlZA==", "c2VhbGVk"),
    totp_step=7,
    recovery_hashes=("one", "two"),
)
SESSION = Session(
    user_id=JANE.user_id,
    session_id="sess_1",
    epoch=1,
    created_at_s=1,
    used_at_s=2,
    source="203.0.113.7",
    user_agent="",
    access_hash="a",
    access_until_s=900,
    refresh_hash="r",
    refresh_until_s=2_000_000_000,
    ends_at_s=2_000_000_000,
)
LETTER = Letter("jane@example.com", "A subject", "text", "<p>text</p>")


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def store(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> PeopleStore:
    if request.param == "memory":
        return MemoryPeople()
    endpoint = endpoints.of(request.param)
    return DynamoPeople(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "id", "sk"), "ledger")


async def test_a_person_is_read_as_it_was_added_by_id_by_address_and_by_account(store: PeopleStore) -> None:
    assert await store.add(JANE, "hash of jane")
    assert await store.user(JANE.user_id) == JANE
    assert await store.user_id_at("hash of jane") == JANE.user_id
    assert await store.owner_of("acct_one") == JANE.user_id
    assert [await store.user("user_2"), await store.user_id_at("other"), await store.owner_of("other")] == [None] * 3


async def test_an_address_is_one_persons_and_a_repeat_is_no_second_one(store: PeopleStore) -> None:
    assert await store.add(JANE, "hash of jane")
    assert await store.add(JANE, "hash of jane")
    other = replace(JANE, user_id="user_000000000000000002", account_id="acct_two")
    assert not await store.add(other, "hash of jane")
    assert (await store.user(other.user_id), await store.owner_of("acct_two")) == (None, None)


async def test_an_invitation_is_used_up_by_the_person_that_it_brings(store: PeopleStore) -> None:
    await store.invite("hash", 100)
    assert (await store.invited("hash", 99.0), await store.invited("hash", 100.0)) == (True, False)
    assert await store.add(JANE, "hash of jane", invitation_hash="hash")
    assert await store.add(JANE, "hash of jane", invitation_hash="hash")
    other = replace(JANE, user_id="user_000000000000000002", account_id="acct_two")
    assert not await store.add(other, "hash of another", invitation_hash="hash")
    assert await store.user_id_at("hash of another") is None


async def test_a_change_replaces_the_version_that_it_was_made_from_alone(store: PeopleStore) -> None:
    await store.add(JANE, "hash of jane")
    changed = replace(JANE, full_name="Jane Roe", totp=None, recovery_hashes=(), version=2)
    assert await store.put(changed, instead_of=JANE)
    assert not await store.put(replace(JANE, full_name="other", version=2), instead_of=JANE)
    assert await store.user(JANE.user_id) == changed


async def test_of_writers_of_one_version_one_wins_even_where_they_write_the_same(store: PeopleStore) -> None:
    await store.add(JANE, "hash of jane")
    used = replace(JANE, totp_step=8, version=2)
    won = await asyncio.gather(*(store.put(used, instead_of=JANE) for _ in range(6)))
    assert won.count(True) == 1
    assert await store.user(JANE.user_id) == used
    erased = replace(JANE, email="", deactivated=True, version=3)
    won = await asyncio.gather(*(store.erase(erased, instead_of=used, email_hash="hash of jane") for _ in range(6)))
    assert won.count(True) == 1


@pytest.mark.parametrize("server", ["dynamodb_local", "moto"])
async def test_a_write_whose_answer_was_lost_is_known_as_its_own(
    server: str, client: Client, clock: StoppedClock, endpoints: Endpoints
) -> None:
    endpoint = endpoints.of(server)
    table = new_table(endpoint, "id", "sk")
    await DynamoPeople(api(client, clock, "dynamodb", endpoint), table, "ledger").add(JANE, "hash of jane")
    used, erased = replace(JANE, totp_step=8, version=2), replace(JANE, email="", deactivated=True, version=3)
    assert await DynamoPeople(deaf_once(client, clock, endpoint), table, "ledger").put(used, instead_of=JANE)
    deaf = DynamoPeople(deaf_once(client, clock, endpoint), table, "ledger")
    assert await deaf.erase(erased, instead_of=used, email_hash="hash of jane")


async def test_a_person_who_is_erased_frees_the_address_and_keeps_the_account(store: PeopleStore) -> None:
    await store.add(JANE, "hash of jane")
    erased = replace(JANE, email="", deactivated=True, version=2)
    assert await store.erase(erased, instead_of=JANE, email_hash="hash of jane")
    assert not await store.erase(erased, instead_of=JANE, email_hash="hash of jane")
    assert (await store.user_id_at("hash of jane"), await store.owner_of("acct_one")) == (None, JANE.user_id)
    assert await store.user(JANE.user_id) == erased
    other = replace(JANE, user_id="user_000000000000000002", account_id="acct_two")
    assert await store.add(other, "hash of jane")


async def test_a_token_is_kept_until_it_is_dropped(store: PeopleStore) -> None:
    token = MailedToken("hash", "verify", JANE.user_id, 100, email="jane@example.com", account_id="acct_one")
    await store.keep_token(token)
    assert await store.token("hash") == token
    await store.drop_token("hash")
    await store.drop_token("hash")
    assert await store.token("hash") is None


async def test_sessions_are_their_persons(store: PeopleStore) -> None:
    other = replace(SESSION, user_id="user_000000000000000002", session_id="sess_2")
    for session in (SESSION, other):
        await store.add_session(session)
    assert await store.session(JANE.user_id, "sess_1") == SESSION
    assert list(await store.sessions(JANE.user_id)) == [SESSION]
    assert await store.session(JANE.user_id, "sess_2") is None
    await store.end_session(JANE.user_id, "sess_2")
    assert await store.session(other.user_id, "sess_2") == other
    await store.end_session(JANE.user_id, "sess_1")
    assert list(await store.sessions(JANE.user_id)) == []


async def test_a_rotation_replaces_the_tokens_that_it_was_made_from_and_brings_no_session_back(
    store: PeopleStore,
) -> None:
    await store.add_session(SESSION)
    rotated = replace(SESSION, refresh_hash="r2", former_refresh_hash="r")
    assert await store.rotate(rotated, instead_of=SESSION)
    assert await store.rotate(rotated, instead_of=SESSION)
    assert not await store.rotate(replace(SESSION, refresh_hash="r3"), instead_of=SESSION)
    await store.end_session(JANE.user_id, "sess_1")
    assert not await store.rotate(replace(rotated, refresh_hash="r4"), instead_of=rotated)
    assert await store.session(JANE.user_id, "sess_1") is None


async def test_a_window_counts_to_its_limit_and_no_further(store: PeopleStore) -> None:
    found = await asyncio.gather(*(store.count("kind#scope", 7, limit=5, until_s=2_000_000_000) for _ in range(12)))
    assert sorted(found) == [False] * 7 + [True] * 5
    assert await store.count("kind#scope", 8, limit=5, until_s=2_000_000_000)
    await store.forget("kind#scope", 7)
    assert await store.count("kind#scope", 7, limit=5, until_s=2_000_000_000)


async def test_of_fifty_uses_of_a_refresh_token_at_once_one_wins_and_the_session_ends(
    store: PeopleStore, clock: StoppedClock
) -> None:
    await store.add(JANE, "hash of jane")
    sessions = Sessions(store, clock)
    opened = await sessions.open(JANE, "203.0.113.7", "")
    uses = (sessions.refresh(opened["refresh_token"], None) for _ in range(50))
    answers = await asyncio.gather(*uses, return_exceptions=True)
    won: list[Any] = [answer for answer in answers if isinstance(answer, dict)]
    assert len(won) == 1
    assert {type(answer) for answer in answers if answer is not won[0]} == {AuthenticationFailed}
    for token in (opened["access_token"], won[0]["access_token"]):
        with pytest.raises(AuthenticationFailed):
            await sessions.find(token)
    assert list(await store.sessions(JANE.user_id)) == []


async def test_fifty_repeats_of_a_use_with_its_idempotency_key_get_the_same_tokens(
    store: PeopleStore, clock: StoppedClock
) -> None:
    await store.add(JANE, "hash of jane")
    sessions = Sessions(store, clock)
    opened = await sessions.open(JANE, "203.0.113.7", "")
    answers = await asyncio.gather(*(sessions.refresh(opened["refresh_token"], "once") for _ in range(50)))
    assert {answer["refresh_token"] for answer in answers} == {answers[0]["refresh_token"]}
    assert (await sessions.find(answers[0]["access_token"])).user == JANE


async def test_a_letter_is_sent_as_text_and_as_html_from_a_verified_identity(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    boto("sesv2", endpoints.moto).create_email_identity(EmailIdentity="sender.test")
    aws = api(client, clock, "email", endpoints.moto)
    mail = SesMail(aws, "sender.test")
    assert mail.is_configured
    await mail.send(LETTER)
    for identity in ("other.test", "jane@other.test"):
        with pytest.raises(ServiceUnavailable):
            await SesMail(aws, identity).send(LETTER)


async def test_a_letter_that_may_have_been_taken_is_not_sent_again_where_once_is_asked_for() -> None:
    class Silent:
        asked = 0

        async def call(self, *_: Any) -> Any:
            self.asked += 1
            raise Unanswered("ConnectionError", "no answer")

    aws = Silent()
    mail = SesMail(aws, "no-reply@sender.test")  # type: ignore[arg-type]  # the part that is called
    assert (await mail.send_once(LETTER), aws.asked) == (False, 1)
    with pytest.raises(ServiceUnavailable):
        await mail.send(LETTER)
    assert aws.asked > 2


async def test_without_an_identity_there_is_no_mail(client: Client, clock: StoppedClock) -> None:
    assert not SesMail(api(client, clock, "email", "http://127.0.0.1:1"), "").is_configured


async def test_what_ses_is_sent_is_what_its_own_client_would_send() -> None:
    """Compares the members with botocore's model of SendEmail, which refuses unknown ones."""
    from botocore.session import get_session
    from botocore.validate import validate_parameters

    sent: list[Any] = []

    class Recorded:
        async def call(self, service: str, operation: str, payload: Any) -> Any:
            sent.append((service, operation, payload))
            return {}

    await SesMail(Recorded(), "no-reply@sender.test").send(LETTER)  # type: ignore[arg-type]  # the part that is called
    ((service, path, message),) = sent
    model = get_session().get_service_model("sesv2").operation_model("SendEmail")
    assert model.input_shape is not None
    validate_parameters(message, model.input_shape)
    assert (service, path) == ("email", model.http["requestUri"])
    assert message["FromEmailAddress"] == "no-reply@sender.test"
