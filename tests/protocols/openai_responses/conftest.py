"""One server for the folder's tests that read with the official SDK."""

from collections.abc import Iterator

import pytest

from tests.protocols.openai_responses.sdk import Server, serving


@pytest.fixture(scope="module")
def sdk() -> Iterator[Server]:
    with serving() as server:
        yield server
