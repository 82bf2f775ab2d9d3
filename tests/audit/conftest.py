"""A gateway over memory whose acts leave entries, new for each test."""

import pytest

from tests.people.harness import House


@pytest.fixture
async def house() -> House:
    made = House()
    await made.nexgate.settle_in()
    return made
