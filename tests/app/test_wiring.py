"""Tests that a process has each store once, and that an operator's commands work on the same stores."""

from collections.abc import Iterator

import pytest

from gateway.stores.money.alerting import AlertingMoney
from gateway.wiring import background_responses, job_stores, jobs, key_store, money, process, streaming
from gateway.wiring.control_plane import control_services
from gateway.wiring.operator import operator
from gateway.wiring.settings import from_environment

KEPT = (
    *(process.process, money.money, money.notices, key_store.key_store, job_stores.jobs, job_stores.writer),
    *(job_stores.executions, jobs.job_dependencies, background_responses.background_responses, streaming.services),
    control_services,
)


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    for kept in KEPT:
        kept.cache_clear()
    yield
    for kept in KEPT:
        kept.cache_clear()


def test_all_work_of_a_process_is_on_one_store_of_money_and_one_of_jobs() -> None:
    engine, responses = jobs.job_dependencies(), background_responses.background_responses()
    assert engine.money is money.money() is streaming.services().money is control_services().money is responses._money
    assert engine.jobs is job_stores.jobs() is responses._jobs
    assert engine.writer is job_stores.writer() is responses._writer
    assert engine.executions is job_stores.executions() is responses._executions
    assert control_services().key_store is key_store.key_store()


@pytest.mark.anyio
async def test_an_operators_ends_have_owners_told_where_the_stack_has_a_queue() -> None:
    async with operator(from_environment({"NOTICES_QUEUE_URL": "https://sqs.test/1/notices"})) as services:
        assert isinstance(services.money, AlertingMoney)
    async with operator(from_environment({})) as services:
        assert not isinstance(services.money, AlertingMoney)
