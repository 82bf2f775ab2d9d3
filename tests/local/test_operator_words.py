"""Tests that the local stack's own commands reach the operator's as they are typed."""

import pytest

from gateway.admin.acts import kept
from gateway.admin.commands import COMMANDS
from local.__main__ import _arguments
from tests.fakes.operator import memory_operator

pytestmark = pytest.mark.anyio


async def test_a_credit_is_booked_as_the_readme_types_it(monkeypatch: pytest.MonkeyPatch) -> None:
    services = memory_operator()
    await services.money.open_account("acct_1", 60)
    monkeypatch.setattr("sys.argv", ["local", "--balance", "1e2", "credit", "acct_1", "20", "--by", "ann"])
    arguments = _arguments()
    entry = await kept(COMMANDS[arguments.command], services, arguments)
    assert entry["amount_nano"] == 20 * 10**9
    told = services.audit.of("acct_1")  # type: ignore[attr-defined]  # the one in memory
    assert [dict(one.after) for one in told] == [{"usd": "20"}]
