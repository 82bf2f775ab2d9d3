"""Tests that all people and all organizations are listed, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import pytest

from gateway.ports.directory import Directory
from gateway.ports.organizations import Member, Organization, OrganizationStore
from gateway.ports.people import PeopleStore, User
from gateway.stores.directory import DynamoDirectory
from gateway.stores.organizations import DynamoOrganizations
from gateway.stores.people import DynamoPeople
from gateway.transport import Client
from tests.fakes.directory import MemoryDirectory
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.people import MemoryPeople
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
# More than one page of a scan has, a megabyte.
USERS = [
    User(f"user_{number}", f"acct_{number}", f"{number}@example.com", "h" * 150_000, number, disabled=number == 3)
    for number in range(9)
]
ORG = Organization("org_1", "Example ✓", created_at_s=1)
OWNER = Member("org_1", "user_1", "1@example.com", "owner", seat=1, joined_at_s=1)
Stores = tuple[PeopleStore, OrganizationStore, Directory]


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def stores(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> Stores:
    if request.param == "memory":
        people, organizations = MemoryPeople(), MemoryOrganizations()
        return people, organizations, MemoryDirectory(people, organizations)
    endpoint = endpoints.of(request.param)
    on = api(client, clock, "dynamodb", endpoint), new_table(endpoint, "id", "sk")
    return DynamoPeople(*on, "ledger"), DynamoOrganizations(*on, "ledger"), DynamoDirectory(*on)


async def test_all_are_listed_over_several_pages_and_nothing_else_of_the_table(stores: Stores) -> None:
    people, organizations, directory = stores
    for user in USERS:
        await people.add(user, user.email)
    await people.invite("hash", 2_000_000_000)
    await organizations.change(ORG, instead_of=None, members=[(OWNER, None)])
    assert sorted([user async for user in directory.people()], key=lambda user: user.user_id) == USERS
    assert [one async for one in directory.organizations()] == [ORG]
