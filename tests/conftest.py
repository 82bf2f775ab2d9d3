"""What every test folder shares: asynchronous tests run on asyncio, the only loop that Lambda has here."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
