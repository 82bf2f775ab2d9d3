"""Tests of the store of organizations, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict
from gateway.ports.keys import KeyRecord, KeyStore
from gateway.ports.organizations import Invitation, Member, Organization, OrganizationStore
from gateway.ports.people import PeopleStore, User
from gateway.stores.keys.store import DynamoKeyStore
from gateway.stores.money.tables import MoneyTables
from gateway.stores.organizations import DynamoOrganizations
from gateway.stores.people import DynamoPeople
from gateway.transport import Client
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.people import MemoryPeople
from tests.stores.conftest import StoppedClock, api, deaf_once, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
ORG = Organization("org_1", "Example ✓", created_at_s=1)
OWNER = Member("org_1", "user_1", "jane@example.com", "owner", seat=1, joined_at_s=1)
JOINED = replace(ORG, version=2, members=2, seats=2)
MEMBER = Member("org_1", "user_2", "joe@example.com", "developer", seat=2, joined_at_s=2, cap_nanousd=5_000_000_001)
INVITATION = Invitation("org_1", "inv_1", "joe@example.com", "developer", "hash", "user_1", 1, 2_000_000_000)


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def stores(
    request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock
) -> tuple[OrganizationStore, KeyStore]:
    """Builds organizations, and the keys that are added while a member stands."""
    if request.param == "memory":
        memory, keys = MemoryOrganizations(MemoryPeople()), MemoryKeyStore()
        keys.organizations = memory
        return memory, keys
    endpoint = endpoints.of(request.param)
    aws, people = api(client, clock, "dynamodb", endpoint), new_table(endpoint, "id", "sk")
    money = MoneyTables(aws, "accounts", new_table(endpoint, "account_id", "sk"))
    return DynamoOrganizations(aws, people, money.ledger), DynamoKeyStore(
        money, new_table(endpoint, "key_hash"), people
    )


@pytest.fixture
def store(stores: tuple[OrganizationStore, KeyStore]) -> OrganizationStore:
    return stores[0]


async def create(store: OrganizationStore) -> None:
    assert await store.change(ORG, instead_of=None, members=[(OWNER, None)])


async def join(store: OrganizationStore) -> None:
    await create(store)
    await store.invite(INVITATION)
    assert await store.change(JOINED, instead_of=ORG, members=[(MEMBER, None)], used=INVITATION)


async def test_an_organization_is_read_as_it_was_created(store: OrganizationStore) -> None:
    await create(store)
    assert (await store.organization("org_1"), await store.member("org_1", "user_1")) == (ORG, OWNER)
    assert list(await store.members("org_1")) == [OWNER]
    assert list(await store.organizations_of("user_1")) == ["org_1"]
    assert [await store.organization("org_2"), await store.member("org_1", "user_2")] == [None, None]
    assert [*await store.members("org_2"), *await store.organizations_of("user_2")] == []


def people_beside(store: OrganizationStore) -> PeopleStore:
    if isinstance(store, MemoryOrganizations):
        return store.people
    assert isinstance(store, DynamoOrganizations)
    return DynamoPeople(store._table._aws, store._name, "no ledger")


async def test_a_person_who_leaves_the_gateway_joins_nothing_and_founds_nothing(store: OrganizationStore) -> None:
    await create(store)
    people, user = people_beside(store), User("user_2", "acct_2", "joe@example.com", "hash", 1)
    assert await people.add(user, "hash of the address")
    leaving = replace(user, version=2, leaving=True)
    gone = replace(user, version=3, deactivated=True)
    stays = replace(user, version=4)
    for before, after, joins in ((user, leaving, False), (leaving, gone, False), (gone, stays, True)):
        assert await people.put(after, instead_of=before)
        assert await store.change(JOINED, instead_of=ORG, members=[(MEMBER, None)]) is joins
    founded = replace(ORG, org_id="org_2")
    assert await people.put(replace(leaving, version=5), instead_of=stays)
    assert not await store.change(founded, instead_of=None, members=[(replace(MEMBER, org_id="org_2"), None)])
    # Leaving an organization is what it may do.
    left = replace(JOINED, version=3, members=1)
    assert await store.change(left, instead_of=JOINED, members=[(replace(MEMBER, removed=True, version=2), MEMBER)])


async def test_an_accepted_invitation_brings_the_member_once(store: OrganizationStore) -> None:
    await join(store)
    assert list(await store.members("org_1")) == [OWNER, MEMBER]
    accepted = replace(INVITATION, status="accepted")
    assert list(await store.invitations("org_1")) == [accepted]
    third = replace(MEMBER, user_id="user_3", seat=3)
    later = replace(JOINED, version=3, members=3, seats=3)
    assert not await store.change(later, instead_of=JOINED, members=[(third, None)], used=INVITATION)
    assert (await store.organization("org_1"), await store.member("org_1", "user_3")) == (JOINED, None)
    assert list(await store.organizations_of("user_3")) == []


async def test_a_change_from_an_old_version_changes_nothing(store: OrganizationStore) -> None:
    await join(store)
    raised = replace(MEMBER, role="admin", version=2)
    after = replace(JOINED, version=3)
    assert await store.change(after, instead_of=JOINED, members=[(raised, MEMBER)])
    assert not await store.change(after, instead_of=JOINED, members=[(raised, MEMBER)])
    other = replace(MEMBER, role="owner", version=2)
    assert not await store.change(replace(JOINED, version=3, owners=2), instead_of=JOINED, members=[(other, MEMBER)])
    stale = replace(after, version=4)
    assert not await store.change(stale, instead_of=after, members=[(replace(other, version=2), MEMBER)])
    assert (await store.organization("org_1"), await store.member("org_1", "user_2")) == (after, raised)


@pytest.mark.parametrize("server", ["dynamodb_local", "moto"])
async def test_a_change_whose_answer_was_lost_is_known_as_its_own(
    server: str, client: Client, clock: StoppedClock, endpoints: Endpoints
) -> None:
    endpoint = endpoints.of(server)
    deaf = DynamoOrganizations(deaf_once(client, clock, endpoint), new_table(endpoint, "id", "sk"), "ledger")
    assert await deaf.change(ORG, instead_of=None, members=[(OWNER, None)])


async def test_a_removed_member_stays_as_one_and_can_come_back(store: OrganizationStore) -> None:
    await join(store)
    removed = replace(MEMBER, removed=True, version=2)
    left = replace(JOINED, version=3, members=1)
    assert await store.change(left, instead_of=JOINED, members=[(removed, MEMBER)])
    assert await store.member("org_1", "user_2") == removed
    assert list(await store.organizations_of("user_2")) == []
    back = replace(removed, removed=False, version=3, cap_nanousd=None)
    assert await store.change(replace(left, version=4, members=2), instead_of=left, members=[(back, removed)])
    assert await store.member("org_1", "user_2") == back
    assert list(await store.organizations_of("user_2")) == ["org_1"]


async def test_of_eight_changes_at_once_one_wins(store: OrganizationStore) -> None:
    await create(store)
    names = [f"name {number}" for number in range(8)]
    changes = (store.change(replace(ORG, name=name, version=2), instead_of=ORG) for name in names)
    won = await asyncio.gather(*changes)
    assert won.count(True) == 1
    assert await store.organization("org_1") == replace(ORG, name=names[won.index(True)], version=2)


async def test_of_two_who_join_at_once_one_does_and_the_other_is_told_so(store: OrganizationStore) -> None:
    await create(store)
    both = (MEMBER, replace(MEMBER, user_id="user_3", email="three@example.com"))
    won = await asyncio.gather(*(store.change(JOINED, instead_of=ORG, members=[(one, None)]) for one in both))
    found = [await store.member("org_1", one.user_id) is not None for one in both]
    assert (won, sorted(found)) == (found, [False, True])


async def test_an_invitation_is_found_by_its_token_and_ends_once(store: OrganizationStore) -> None:
    await create(store)
    await store.invite(INVITATION)
    assert await store.invitation("org_1", "inv_1") == await store.invitation_at("hash") == INVITATION
    assert [await store.invitation("org_1", "inv_2"), await store.invitation_at("other")] == [None, None]
    for _ in range(2):
        assert await store.end_invitation(INVITATION, "revoked")
    assert not await store.end_invitation(INVITATION, "declined")
    assert not await store.end_invitation(replace(INVITATION, invitation_id="inv_2"), "revoked")
    assert await store.invitation_at("hash") == replace(INVITATION, status="revoked")


async def test_a_key_is_added_while_its_member_stands_at_that_version(
    stores: tuple[OrganizationStore, KeyStore],
) -> None:
    store, keys = stores
    await join(store)
    key = KeyRecord("key_a", ORG.account_id, "name", "abcd", 1, user_id="user_2", org_id="org_1", seat=2)
    await keys.add("hash a", key, while_member=MEMBER)
    assert await keys.get(ORG.account_id, "key_a") == key
    removed = replace(MEMBER, removed=True, version=2)
    left = replace(JOINED, version=3, members=1)
    assert await store.change(left, instead_of=JOINED, members=[(removed, MEMBER)])
    for member in (MEMBER, replace(MEMBER, user_id="user_3")):
        with pytest.raises(Conflict):
            await keys.add("hash b", replace(key, key_id="key_b"), while_member=member)
    assert list(await keys.page(ORG.account_id, limit=10)) == [key]
