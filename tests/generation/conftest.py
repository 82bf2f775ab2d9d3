"""A studio over memory, new for each test."""

import pytest

from tests.generation.studio import Studio


@pytest.fixture
async def studio() -> Studio:
    made = Studio()
    await made.settle_in()
    return made
