"""Tests that a response of a socket's session is gone on from without a read of a store, stored or not."""

from typing import Any

import orjson
import pytest

from gateway.errors import InvalidRequest
from gateway.responses.session import TURNS_MAX, SessionResponses
from tests.fakes.objects import MemoryObjects
from tests.fakes.responses import MemoryResponseRecords
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio
ACCOUNT = "acc_a"


class CountedRecords(MemoryResponseRecords):
    """Records that count how often they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def get(self, account_id: str, response_id: str, now_s: float) -> Any:
        self.reads += 1
        return await super().get(account_id, response_id, now_s)


def request(text: str, previous: str | None = None) -> bytes:
    more = {} if previous is None else {"previous_response_id": previous}
    return orjson.dumps({"model": "m", "input": text, "store": False, **more})


def response(identity: str, text: str) -> bytes:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return orjson.dumps({"id": identity, "output": [{"type": "message", "role": "assistant", "content": content}]})


def texts(body: bytes) -> list[str]:
    return [item["content"][0]["text"] for item in orjson.loads(body)["input"]]


async def test_a_response_of_the_session_is_gone_on_from_without_a_read() -> None:
    records = CountedRecords()
    session = SessionResponses(records, MemoryObjects(), StoppedClock(), [])
    await session.continued(ACCOUNT, request("one"))
    session.remember(response("resp_1", "first"))
    assert texts(await session.continued(ACCOUNT, request("two", "resp_1"))) == ["one", "first", "two"]
    session.remember(response("resp_2", "second"))
    following = SessionResponses(records, MemoryObjects(), StoppedClock(), session.turns)
    whole = await following.continued(ACCOUNT, request("three", "resp_2"))
    assert texts(whole) == ["one", "first", "two", "second", "three"]
    assert records.reads == 0


async def test_what_the_session_does_not_keep_is_looked_for_in_the_store() -> None:
    records = CountedRecords()
    session = SessionResponses(records, MemoryObjects(), StoppedClock(), [])
    for number in range(TURNS_MAX + 1):
        await session.continued(ACCOUNT, request("again"))
        session.remember(response(f"resp_{number}", "said"))
    assert [identity for identity, _ in session.turns] == [f"resp_{number}" for number in range(1, TURNS_MAX + 1)]
    with pytest.raises(InvalidRequest) as refused:
        await session.continued(ACCOUNT, request("more", "resp_0"))
    assert (refused.value.code, records.reads) == ("previous_response_not_found", 1)
