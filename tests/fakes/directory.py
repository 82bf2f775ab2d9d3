"""`Directory` over the memory stores of people and organizations."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.ports.organizations import Organization
from gateway.ports.people import User
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.people import MemoryPeople


class MemoryDirectory:
    """`Directory` of what both stores hold."""

    def __init__(self, people: MemoryPeople, organizations: MemoryOrganizations) -> None:
        self._people = people
        self._organizations = organizations

    async def people(self) -> AsyncIterator[User]:
        for user in list(self._people.users.values()):
            yield user

    async def organizations(self) -> AsyncIterator[Organization]:
        for organization in list(self._organizations.organizations.values()):
            yield organization
