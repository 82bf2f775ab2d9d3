"""Runs the tests on virtual time: silences end at once, and a busy machine makes no provider late."""

import pytest

from tests.virtual_time import BACKEND


@pytest.fixture
def anyio_backend() -> object:
    return BACKEND
