"""The organization of each test."""

import pytest

from tests.organizations.harness import Office


@pytest.fixture
async def office() -> Office:
    made = Office()
    await made.settle()
    return made
