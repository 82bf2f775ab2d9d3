"""A control plane over memory, new for each test."""

import pytest

from tests.control_plane.harness import AppUnderTest


@pytest.fixture
async def nexgate() -> AppUnderTest:
    made = AppUnderTest()
    await made.settle_in()
    return made
