"""Tests of the caller of work that begins later: what has changed since its admission is judged anew."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import Hold
from gateway.errors import AuthenticationFailed, GatewayError
from gateway.pipeline.readmission import Readmission
from gateway.ports.keys import KeyRecord
from tests.fakes.money import MemoryMoney
from tests.money.given import NOW_S, admitted, opened, wanted

pytestmark = pytest.mark.anyio

ACCOUNT, KEY = "acct_1", "key_aaaaaaaaaa"
RECORD = KeyRecord(
    key_id=KEY,
    account_id=ACCOUNT,
    name="k",
    last4="1234",
    created_at_s=0,
    monthly_spend_cap_nanousd=300,
    allowed_ips=("192.0.2.0/24",),
)
ORDER = {"key_hash": "hash", "source_ip": "192.0.2.7"}


class Standing:
    """An account that has admitted a request for 300 of its key's cap of 300."""

    def __init__(self) -> None:
        self.money = MemoryMoney()
        self.records: dict[str, KeyRecord] = {"hash": RECORD}

    async def find(self, key_hash: str) -> KeyRecord | None:
        return self.records.get(key_hash)

    def now_s(self) -> float:
        return NOW_S

    def monotonic_s(self) -> float:
        return NOW_S

    async def admitted(self) -> Hold:
        await opened(self.money, ACCOUNT)
        return await admitted(self.money, replace(wanted(ACCOUNT, 300), spend_cap_nanousd=300))

    async def again(self, order: Any = None, account_id: str = ACCOUNT) -> Principal:
        return await Readmission(self, self.money, self).principal(account_id, order or ORDER)


async def refusal(standing: Standing, **more: Any) -> tuple[int, str | None]:
    with pytest.raises(GatewayError) as raised:
        await standing.again(**more)
    return raised.value.status, raised.value.code


async def test_an_admitted_caller_may_go_on_with_its_hold_within_the_cap() -> None:
    standing = Standing()
    await standing.admitted()
    assert await standing.again() == Principal(ACCOUNT, RECORD)


async def test_a_cap_below_what_is_spent_and_held_ends_it() -> None:
    standing = Standing()
    await standing.admitted()
    standing.records = {"hash": replace(RECORD, monthly_spend_cap_nanousd=299)}
    assert await refusal(standing) == (429, "tenant_monthly_quota_exceeded")
    with pytest.raises(GatewayError) as raised:
        await standing.again()
    # Until December begins.
    assert raised.value.retry_after_s == 840_000


async def test_a_suspended_account_does_nothing_more() -> None:
    standing = Standing()
    await standing.admitted()
    await standing.money.set_account(ACCOUNT, disabled=True)
    assert await refusal(standing) == (402, "account_suspended")


@pytest.mark.parametrize("records", [{}, {"hash": replace(RECORD, account_id="acct_2")}])
async def test_a_key_that_is_gone_or_another_accounts_is_none(records: dict[str, KeyRecord]) -> None:
    standing = Standing()
    await standing.admitted()
    standing.records = records
    with pytest.raises(AuthenticationFailed):
        await standing.again()


async def test_an_account_that_is_gone_has_no_caller() -> None:
    with pytest.raises(AuthenticationFailed):
        await Standing().again()


async def test_the_address_is_judged_where_the_order_names_it() -> None:
    standing = Standing()
    await standing.admitted()
    assert await refusal(standing, order=ORDER | {"source_ip": "198.51.100.1"}) == (403, "ip_not_allowed")
    assert (await standing.again(order={"key_hash": "hash"})).key.allowed_ips == ()
