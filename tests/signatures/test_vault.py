"""Tests that the vault never blocks an answer: neither one without signatures, nor one while the store is down."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import pytest

from gateway.errors import ServiceUnavailable
from gateway.ports.signatures import Signatures, SignedCall
from gateway.signatures import Vault, vault
from tests.fakes.signatures import MemorySignatures
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

CALL = SignedCall("call_1", "gemini", signature="CpQB")


class Absent(Signatures):
    """A store that cannot be reached or, if `silent`, never answers."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self.asked: list[object] = []

    async def keep(self, account_id: str, calls: Sequence[SignedCall], expires_at_s: int) -> None:
        await self._fail(account_id, calls, expires_at_s)

    async def recall(self, account_id: str, call_ids: Collection[str], now_s: float) -> Mapping[str, SignedCall]:
        await self._fail(account_id, call_ids, now_s)
        return {}

    async def _fail(self, *asked: object) -> None:
        self.asked.append(asked)
        if self._silent:
            await asyncio.Event().wait()
        raise ServiceUnavailable("away")


async def test_what_is_kept_is_recalled_for_a_day(clock: StoppedClock) -> None:
    kept = Vault(MemorySignatures(), clock)
    await kept.keep("acct_1", [CALL])
    clock.at_s += 86_399
    assert await kept.recall("acct_1", ["call_1"]) == {"call_1": CALL}
    clock.at_s += 1
    assert await kept.recall("acct_1", ["call_1"]) == {}


async def test_nothing_to_keep_or_to_recall_asks_no_store(clock: StoppedClock) -> None:
    store = Absent(silent=False)
    await Vault(store, clock).keep("acct_1", ())
    assert (await Vault(store, clock).recall("acct_1", ()), store.asked) == ({}, [])


@pytest.mark.parametrize("silent", [False, True], ids=["away", "silent"])
async def test_a_store_that_fails_costs_the_thoughts_alone(
    clock: StoppedClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr(vault, "KEEP_WITHIN_S", 0.01)
    monkeypatch.setattr(vault, "RECALL_WITHIN_S", 0.01)
    kept = Vault(Absent(silent=silent), clock)
    await kept.keep("acct_1", [CALL])
    assert await kept.recall("acct_1", ["call_1"]) == {}
    assert [record.getMessage() for record in caplog.records] == [
        "the signatures of 1 calls of account acct_1 were not kept",
        "the signatures of 1 calls of account acct_1 were not recalled",
    ]
