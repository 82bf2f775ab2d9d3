"""A till for each test."""

import pytest

from tests.billing.harness import Till


@pytest.fixture
async def till() -> Till:
    made = Till()
    await made.nexgate.settle_in()
    return made
