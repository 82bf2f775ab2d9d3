"""A control plane over memory, fresh for each test."""

import pytest

from tests.control_plane.harness import House


@pytest.fixture
async def house() -> House:
    made = House()
    await made.settle_in()
    return made
