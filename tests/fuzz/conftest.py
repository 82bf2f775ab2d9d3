"""A gateway over memory."""

from collections.abc import Iterator

import pytest

from tests.fuzz.gateway import Gateway


@pytest.fixture
def nexgate() -> Iterator[Gateway]:
    with Gateway().wired() as gateway:
        yield gateway
