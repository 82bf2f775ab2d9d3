"""Tests of the audit log's store, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.audit import entries
from gateway.audit.entries import KEPT_S, UNKNOWN_KEPT_S, entry_of, unknown_account
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.audit import Actor, AuditEntry, AuditLog
from gateway.stores import audit
from gateway.stores.audit import DynamoAudit
from gateway.transport import Client
from tests.fakes.audit import MemoryAudit
from tests.stores.conftest import StoppedClock, api, boto, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
NOW_S = 1_795_244_400.0
FULL = AuditEntry(
    "acct_1",
    hold_id_at(NOW_S, 1),
    int(NOW_S),
    "key.changed",
    Actor("user_1", "key_1", "jane"),
    source="203.0.113.7",
    target="key_2",
    outcome="begun",
    before={"rpm_limit": 5, "allowed_models": ["a", "ü"], "disabled": False},
    after={"rpm_limit": None, "allowed_models": [], "disabled": True},
    note="asked for by mail",
)


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def log(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> AuditLog:
    if request.param == "memory":
        return MemoryAudit()
    endpoint = endpoints.of(request.param)
    return DynamoAudit(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "sk"))


def numbered(number: int, action: str = "key.changed") -> AuditEntry:
    at_s = NOW_S + number
    return AuditEntry("acct_1", hold_id_at(at_s, 7), int(at_s), action)


async def test_an_entry_is_read_as_it_was_written(log: AuditLog) -> None:
    least = replace(numbered(1), account_id="acct_2")
    for entry in (FULL, least):
        await log.write(entry)
    assert list((await log.page("acct_1", limit=5)).entries) == [FULL]
    assert list((await log.page("acct_2", limit=5)).entries) == [least]
    assert list((await log.page("acct_3", limit=5)).entries) == []


async def test_an_entry_is_never_replaced(log: AuditLog) -> None:
    await log.write(FULL)
    await log.write(replace(FULL, action="key.created", actor=Actor()))
    assert list((await log.page("acct_1", limit=5)).entries) == [FULL]


async def test_pages_go_from_the_newest_to_the_oldest_without_gaps(log: AuditLog) -> None:
    written = [numbered(number) for number in range(5)]
    for entry in written:
        await log.write(entry)
    seen: list[AuditEntry] = []
    cursor: str | None = None
    sizes: list[int] = []
    while cursor is not None or not sizes:
        page = await log.page("acct_1", limit=2, cursor=cursor)
        seen += page.entries
        cursor = page.next_cursor
        sizes.append(len(page.entries))
    assert (seen, sizes) == (written[::-1], [2, 2, 1])
    assert (await log.page("acct_1", limit=5)).next_cursor is None


async def test_a_page_is_of_an_action_or_of_a_family_and_since_a_time(log: AuditLog) -> None:
    written = [numbered(1, "key.changed"), numbered(2, "keys.all"), numbered(3, "key.revoked"), numbered(4, "key")]
    for entry in written:
        await log.write(entry)

    async def found(action: str | None, since_s: int = 0) -> list[str]:
        return [one.action for one in (await log.page("acct_1", limit=9, since_s=since_s, action=action)).entries]

    assert await found("key.changed") == ["key.changed"]
    assert await found("key") == ["key", "key.revoked", "key.changed"]
    assert await found(None, int(NOW_S) + 3) == ["key", "key.revoked"]
    assert await found("key", int(NOW_S) + 4) == ["key"]
    assert await found("session") == []
    before = await log.page("acct_1", limit=9, since_s=int(NOW_S) + 3, cursor=hold_id_at(NOW_S, 0))
    assert (list(before.entries), before.next_cursor) == ([], None)


async def test_a_page_of_a_rare_action_goes_on_where_its_search_ended(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SEARCHED_AT_ONCE", 2)
    monkeypatch.setattr(audit, "SEARCHES_MAX", 2)
    rare = numbered(0, "plan.changed")
    for entry in (rare, *(numbered(number) for number in range(1, 8))):
        await log.write(entry)
    found: list[AuditEntry] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = await log.page("acct_1", limit=1, cursor=cursor, action="plan")
        found += page.entries
        cursor, pages = page.next_cursor, pages + 1
    assert found == [rare]
    assert pages <= 3


async def test_an_entry_expires_after_400_days(endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
    endpoint = endpoints.of("dynamodb_local")
    table = new_table(endpoint, "account_id", "sk")
    log = DynamoAudit(api(client, clock, "dynamodb", endpoint), table)
    unknown = entry_of(unknown_account(), "session.refused", NOW_S, actor=Actor())
    for entry in (FULL, unknown):
        await log.write(entry)
    items = boto("dynamodb", endpoint).scan(TableName=table)["Items"]
    ends = {item["account_id"]["S"]: int(item["expires_at_s"]["N"]) for item in items}
    assert ends == {"acct_1": int(NOW_S) + KEPT_S, unknown.account_id: int(NOW_S) + UNKNOWN_KEPT_S}
    assert KEPT_S == 400 * 86_400


def test_an_entry_is_bounded() -> None:
    made = entry_of(
        "acct_1", "key.changed", NOW_S, actor=Actor(), target="t" * 999, after={"a": "x" * 999, "b": ["y"] * 99}
    )
    assert len(made.target) == entries.TEXT_CHARACTERS_MAX
    assert made.after == {"a": "x" * entries.TEXT_CHARACTERS_MAX, "b": ["y"] * entries.LIST_MAX}
