"""A gateway over memory, whose functions log nothing."""

import logging
from collections.abc import Iterator

import pytest

from tests.fuzz.gateway import Gateway


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leaves out what the gateway logs of each request."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def nexgate() -> Iterator[Gateway]:
    with Gateway().wired() as gateway:
        yield gateway
