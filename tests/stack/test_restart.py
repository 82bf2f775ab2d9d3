"""Tests of a stack that ends and starts again on its directory, and of the operator's commands in all that time.

One directory has both lives of a stack, for all tests of this file.
"""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from gateway.webhooks.delivering import LOST_S
from gateway.webhooks.posting import PAUSES_S
from tests.stack.conftest import Stack, local, running
from tests.stack.receiver import Receiver, Receivers, logged
from tests.stack.test_webhooks import caller, check_signature, ordered


@dataclass(frozen=True)
class Order:
    """A job whose end could not be told before the stack ended, and the account that ordered it."""

    job_id: str
    since_s: float
    account_id: str
    api_key: str
    receiver: Receiver


@dataclass(frozen=True)
class FirstLife:
    """A stack that has ended: its books as it told them, and an order that it left open."""

    stack: Stack
    books: dict[str, Any]
    order: Order

    def command(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Runs an operator's command on the stack's directory."""
        return local(*words, "--data", str(self.stack.data))


def ordered_by_another(stack: Stack, receiver: Receiver) -> Order:
    """Orders a video from an account of its own; the first telling of its end is refused."""
    receiver.statuses = [503]
    theirs, since_s = stack.with_new_account("10"), time.time()
    with caller(theirs) as client:
        order = Order(ordered(client, receiver.url), since_s, theirs.account_id, theirs.api_key, receiver)
        logged(client, 1)
    return order


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, receivers: Receivers) -> FirstLife:
    data = tmp_path_factory.mktemp("restarted")
    with running(data, balance_usd=3, own_hosts=[receivers.host]) as stack:
        for _ in range(2):
            paid = local("credit", stack.account_id, "1.5", "--data", str(data), "--once", "payment-1")
            assert paid.returncode == 0, paid.stderr
        told = local("ledger", stack.account_id, "--data", str(data), "--json")
        return FirstLife(stack, orjson.loads(told.stdout), ordered_by_another(stack, receivers.new()))


@pytest.fixture(scope="module")
def second(
    first: FirstLife, after: dict[str, subprocess.CompletedProcess[bytes]], receivers: Receivers
) -> Iterator[Stack]:
    assert after
    with running(first.stack.data, balance_usd=3, own_hosts=[receivers.host]) as stack:
        yield stack


@pytest.fixture(scope="module")
def after(first: FirstLife) -> dict[str, subprocess.CompletedProcess[bytes]]:
    """Runs the operator's commands while no stack runs, between the two lives."""
    return {
        "ledger": first.command("ledger", first.stack.account_id, "--json"),
        "sweep": first.command("sweep", "--now", "4102444800"),
        "ledger of a stranger": first.command("ledger", "acct_unknown"),
    }


def test_a_credit_is_in_the_ledger_while_the_stack_runs_and_after_it(
    first: FirstLife, after: dict[str, subprocess.CompletedProcess[bytes]]
) -> None:
    told = first.books
    assert (told["balance_nano"], told["held_nano"], told["holds"]) == (4_500_000_000, 0, [])
    assert orjson.loads(after["ledger"].stdout) == told


def test_the_operators_commands_need_no_stack_that_runs(
    after: dict[str, subprocess.CompletedProcess[bytes]],
) -> None:
    assert after["sweep"].returncode == 0
    stranger = after["ledger of a stranger"]
    assert (stranger.returncode, b"acct_unknown" in stranger.stderr) == (1, True)


def test_the_same_directory_brings_back_key_and_balance(first: FirstLife, second: Stack) -> None:
    assert (second.api_key, second.account_id) == (first.stack.api_key, first.stack.account_id)
    assert second.ledger() == first.books


def test_a_notice_that_was_lost_with_the_stack_is_made_anew_from_the_job(first: FirstLife, second: Stack) -> None:
    # moto's queue was in memory, so the message is lost.
    order = first.order
    theirs = second.seen_by(order.account_id, order.api_key)
    with caller(theirs) as client:
        later_s = int(time.time()) + PAUSES_S[0] + LOST_S
        looked = first.command("reconcile", "--now", str(later_s))
        assert orjson.loads(looked.stdout) == {"restarted": 1, "withdrawn": 0, "left": 0}
        (refused, _), (headers, body) = order.receiver.wait(2)
        check_signature(client, headers, body, order.since_s)
        assert headers["webhook-id"] == refused["webhook-id"]
        log = logged(client, 2)
        assert [(row["job_id"], row["delivered"]) for row in log] == [(order.job_id, False), (order.job_id, True)]
