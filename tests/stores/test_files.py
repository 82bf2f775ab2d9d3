"""Tests of the records of uploaded files, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.ports.files import FileRecord, FileRecords
from gateway.stores.files import DynamoFileRecords
from gateway.transport import Client
from tests.fakes.files import MemoryFileRecords
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
FILE = FileRecord("acct_one", "file-nxn-01", "a.pdf", "user_data", "application/pdf", 5, 100, 200)


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def store(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> FileRecords:
    if request.param == "memory":
        return MemoryFileRecords()
    endpoint = endpoints.of(request.param)
    return DynamoFileRecords(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "file_id"))


async def ids(
    store: FileRecords,
    *,
    limit: int = 10,
    after: str | None = None,
    oldest_first: bool = False,
    purpose: str | None = None,
    now_s: float = 150,
) -> list[str]:
    found = await store.page("acct_one", now_s, limit=limit, after=after, oldest_first=oldest_first, purpose=purpose)
    return [record.file_id for record in found]


async def test_a_record_is_read_as_it_was_put_until_it_expires(store: FileRecords) -> None:
    waiting = replace(FILE, file_id="file-nxn-02", arrived=False)
    await store.put(FILE)
    await store.put(waiting)
    assert await store.get("acct_one", FILE.file_id, 199.9) == FILE
    assert await store.get("acct_one", waiting.file_id, 150) == waiting
    assert await store.get("acct_one", FILE.file_id, 200) is None
    assert await store.get("acct_two", FILE.file_id, 150) is None


async def test_a_page_has_the_account_s_records_in_order(store: FileRecords) -> None:
    for number in range(5):
        purpose = "vision" if number == 3 else "user_data"
        await store.put(replace(FILE, file_id=f"file-nxn-0{number}", purpose=purpose))
    await store.put(replace(FILE, account_id="acct_two", file_id="file-nxn-09"))
    newest = [f"file-nxn-0{number}" for number in (4, 3, 2, 1, 0)]
    assert await ids(store) == newest
    assert await ids(store, oldest_first=True) == newest[::-1]
    assert await ids(store, limit=2) == newest[:2]
    assert await ids(store, after="file-nxn-03") == newest[2:]
    assert await ids(store, after="file-nxn-03", oldest_first=True) == newest[:1]
    assert await ids(store, purpose="vision") == ["file-nxn-03"]
    assert await ids(store, purpose="user_data", limit=1) == newest[:1]
    assert await ids(store, now_s=200) == []
    await store.delete("acct_one", "file-nxn-03")
    await store.delete("acct_one", "file-nxn-03")
    assert await ids(store, after="file-nxn-03") == newest[2:]
