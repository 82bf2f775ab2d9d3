"""Tests that an entry is written with its act or not at all, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.audit import AuditEntry, AuditLog
from gateway.ports.keys import KeyRecord, KeyStore
from gateway.ports.organizations import OrganizationStore
from gateway.ports.payments import Automatic, Payment, PaymentBooks
from gateway.ports.people import PeopleStore
from gateway.stores.audit import DynamoAudit
from gateway.stores.keys.store import DynamoKeyStore
from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.tables import MoneyTables
from gateway.stores.organizations import DynamoOrganizations
from gateway.stores.people import DynamoPeople
from gateway.transport import Client
from tests.fakes.audit import MemoryAudit
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.people import MemoryPeople
from tests.stores.conftest import StoppedClock, api, deaf_once, new_table
from tests.stores.servers import Endpoints
from tests.stores.test_organizations import INVITATION, JOINED, MEMBER, ORG, OWNER
from tests.stores.test_people import JANE, SESSION

pytestmark = pytest.mark.anyio
ACCOUNT = "acct_1"
KEY = KeyRecord("key_1", ACCOUNT, "one", "0000", 1)


@dataclass
class Stores:
    """The stores that write entries, over one ledger."""

    log: AuditLog
    people: PeopleStore
    organizations: OrganizationStore
    keys: KeyStore
    books: PaymentBooks | None = None

    async def told(self) -> list[str]:
        """Lists the actions of the account's entries, oldest first."""
        return [one.action for one in reversed((await self.log.page(ACCOUNT, limit=50)).entries)]


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
async def stores(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> Stores:
    if request.param == "memory":
        log, people, organizations, keys = MemoryAudit(), MemoryPeople(), MemoryOrganizations(), MemoryKeyStore()
        people.log = organizations.log = keys.log = log
        return Stores(log, people, organizations, keys)
    endpoint = endpoints.of(request.param)
    aws, table = api(client, clock, "dynamodb", endpoint), new_table(endpoint, "id", "sk")
    accounts, ledger = new_table(endpoint, "account_id"), new_table(endpoint, "account_id", "sk")
    await DynamoMoney(aws, accounts, ledger).open_account(ACCOUNT, 60)
    return Stores(
        DynamoAudit(aws, ledger),
        DynamoPeople(aws, table, ledger),
        DynamoOrganizations(aws, table, ledger),
        DynamoKeyStore(MoneyTables(aws, accounts, ledger), new_table(endpoint, "key_hash"), table),
        DynamoPaymentBooks(aws, accounts, ledger),
    )


def telling(number: int, action: str) -> AuditEntry:
    return AuditEntry(ACCOUNT, hold_id_at(1_795_244_400 + number, 1), 1_795_244_400 + number, action)


async def test_people_and_their_sessions_change_with_their_entries_alone(stores: Stores) -> None:
    store, changed = stores.people, replace(JANE, full_name="Jane Roe", version=2)
    assert await store.add(JANE, "hash", audit=telling(1, "account.created"))
    assert not await store.add(replace(JANE, user_id="user_2"), "hash", audit=telling(2, "not.done"))
    assert await store.put(changed, instead_of=JANE, audit=telling(3, "profile.changed"))
    for late in (changed, replace(JANE, full_name="other", version=2)):
        assert not await store.put(late, instead_of=JANE, audit=telling(4, "not.done"))
    await store.add_session(SESSION, telling(5, "session.opened"))
    assert await store.session(SESSION.user_id, SESSION.session_id) == SESSION
    erased = replace(changed, email="", deactivated=True, version=3)
    assert not await store.erase(erased, instead_of=JANE, email_hash="hash", audit=telling(6, "not.done"))
    assert await store.erase(erased, instead_of=changed, email_hash="hash", audit=telling(7, "account.deactivated"))
    assert await stores.told() == ["account.created", "profile.changed", "session.opened", "account.deactivated"]


async def test_organizations_change_with_their_entries_alone(stores: Stores) -> None:
    store, created = stores.organizations, telling(1, "organization.created")
    assert await store.change(ORG, instead_of=None, members=[(OWNER, None)], audit=created)
    await store.invite(INVITATION, telling(2, "invitation.created"))
    joined = telling(3, "member.joined")
    assert await store.change(JOINED, instead_of=ORG, members=[(MEMBER, None)], used=INVITATION, audit=joined)
    late = replace(ORG, name="late", version=2)
    assert not await store.change(late, instead_of=ORG, audit=telling(4, "not.done"))
    assert not await store.end_invitation(INVITATION, "revoked", telling(5, "not.done"))
    second = replace(INVITATION, invitation_id="inv_2", token_hash="other")
    await store.invite(second)
    assert await store.end_invitation(second, "declined", telling(6, "invitation.declined"))
    assert await stores.told() == [
        "organization.created",
        "invitation.created",
        "member.joined",
        "invitation.declined",
    ]


async def test_keys_change_with_their_entries_alone(stores: Stores) -> None:
    store = stores.keys
    await store.add("hash", KEY, audit=telling(1, "key.created"))
    with pytest.raises(Conflict):
        await store.add("hash", KEY, audit=telling(2, "not.done"))
    await store.change(ACCOUNT, "key_1", {"rpm_limit": 5}, audit=telling(3, "key.changed"))
    await store.change(ACCOUNT, "key_1", {"revoked": True}, audit=telling(4, "key.revoked"))
    with pytest.raises(Conflict):
        await store.change(ACCOUNT, "key_1", {"rpm_limit": 6}, audit=telling(5, "not.done"))
    assert await stores.told() == ["key.created", "key.changed", "key.revoked"]


@pytest.mark.parametrize("stores", ["dynamodb_local", "moto"], indirect=True)
async def test_payments_and_their_terms_change_with_their_entries_alone(stores: Stores) -> None:
    assert stores.books is not None
    payment, later = Payment(ACCOUNT, "pay_1", 5, "checkout", 1), Payment(ACCOUNT, "pay_2", 5, "checkout", 1)
    assert await stores.books.open(payment, "hash", telling(1, "billing.checkout_opened")) == payment
    assert await stores.books.open(later, "hash", telling(2, "not.done")) == payment
    terms = Automatic(ACCOUNT, low_nanousd=5)
    assert await stores.books.set_terms(terms, telling(3, "billing.alerts_changed"))
    for late in (terms, Automatic(ACCOUNT, low_nanousd=6)):
        assert not await stores.books.set_terms(late, telling(4, "not.done"))
    assert await stores.told() == ["billing.checkout_opened", "billing.alerts_changed"]


@pytest.mark.parametrize("server", ["dynamodb_local", "moto"])
async def test_terms_whose_write_was_not_answered_are_known_as_its_own(
    server: str, client: Client, clock: StoppedClock, endpoints: Endpoints
) -> None:
    endpoint = endpoints.of(server)
    accounts, ledger = new_table(endpoint, "account_id"), new_table(endpoint, "account_id", "sk")
    await DynamoMoney(api(client, clock, "dynamodb", endpoint), accounts, ledger).open_account(ACCOUNT, 60)
    books = DynamoPaymentBooks(deaf_once(client, clock, endpoint), accounts, ledger)
    assert await books.set_terms(Automatic(ACCOUNT, low_nanousd=5), telling(1, "billing.alerts_changed"))
