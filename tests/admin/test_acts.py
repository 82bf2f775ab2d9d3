"""Tests that each command that changes something asks why, and keeps that with who acts."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.admin.accounts import create_account
from gateway.admin.acts import DEPLOYMENT, kept
from gateway.admin.commands import COMMANDS, parser
from gateway.canonical.money import Act
from gateway.errors import NotFound
from gateway.ledger.money import NotAnAmount
from gateway.ports.audit import Actor
from gateway.wiring.operator import Operator
from tests.fakes.operator import memory_operator

# What only looks, and what does what a schedule does anyway.
LOOKING = {
    *("audit", "ledger", "catalog show", "catalog diff", "users list", "users show", "plans show", "refunds payments"),
    *("organizations list", "organizations show", "organizations members", "sweep", "sum-up"),
    *("policies list", "policies evaluate"),
}

WHY = ("--by", "ann", "--why", "ticket 7")


@pytest.fixture
def services() -> Operator:
    return memory_operator()


def lines(of: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """All commands of a parser with their own parsers, each under its actions' names."""
    below = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, of
    for action in below:
        for word, each in action.choices.items():
            yield from lines(each, f"{name} {word}".strip())


def test_every_command_is_known_and_each_that_changes_something_asks_why() -> None:
    asking = {
        name: next((action.required for action in line._actions if action.dest == "why"), False)
        for name, line in lines(parser())
    }
    assert {name.partition(" ")[0] for name in asking} == {*COMMANDS}
    assert {name for name, is_asked in asking.items() if not is_asked} == LOOKING


@pytest.mark.parametrize("why", ["", "  ", "x" * 201])
def test_a_reason_that_is_none_is_refused(why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--stack", "s", "limit", "acct_1", "5", "--why", why])
    assert "a reason has" in capsys.readouterr().err


async def run(services: Operator, *words: str) -> dict[str, Any]:
    arguments = parser().parse_args(["--stack", "s", *words])
    return await kept(COMMANDS[arguments.command], services, arguments)


def log_of(services: Operator, account_id: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """The entries of an account's log, all by one operator for one reason: action, outcome, target and what was set."""
    entries = services.audit.of(account_id)  # type: ignore[attr-defined]  # the one in memory
    assert {(entry.actor, entry.note) for entry in entries} <= {(Actor(operator="ann"), "ticket 7")}
    return [(entry.action, entry.outcome, entry.target, dict(entry.after)) for entry in entries]


@pytest.mark.anyio
async def test_an_act_is_in_the_accounts_log_before_it_is_done_and_again_where_it_was_refused(
    services: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, _ = await create_account(services, 0, Act("ann", "a test"))
    await run(services, "limit", account_id, "77", *WHY)
    seen: list[int] = []

    async def dies(*_: object, **__: object) -> None:
        seen.append(len(log_of(services, account_id)))
        raise ConnectionError("the operator's machine is gone")

    with monkeypatch.context() as patched:
        patched.setattr(services.money, "set_account", dies)
        with pytest.raises(ConnectionError):
            await run(services, "disable", account_id, *WHY)
    assert seen == [2]
    with pytest.raises(NotAnAmount):
        await run(services, "credit", account_id, "0", "--once", "r", *WHY)
    # Ids of one millisecond are not in order.
    assert sorted(log_of(services, account_id), key=str) == [
        ("operator.credit", "begun", "", {"usd": "0", "once": "r"}),
        ("operator.credit", "refused", "", {"usd": "0", "once": "r"}),
        ("operator.disable", "begun", "", {}),
        ("operator.limit", "begun", "", {"rpm": 77}),
    ]


@pytest.mark.anyio
async def test_what_is_done_to_the_deployment_has_a_log_of_its_own_and_an_unknown_account_has_none(
    services: Operator,
) -> None:
    await run(services, "users", "invite", "--days", "3", *WHY)
    assert log_of(services, DEPLOYMENT) == [("operator.users_invite", "begun", "", {"days": 3})]
    with pytest.raises(NotFound):
        await run(services, "credit", "acct_none", "5", *WHY)
    assert log_of(services, "acct_none") == []
    shown = (await run(services, "audit", "--action", "operator"))["entries"]
    assert [(one["operator"], one["note"]) for one in shown] == [("ann", "ticket 7")]


@pytest.mark.anyio
async def test_a_new_account_has_a_log_with_its_creation(services: Operator) -> None:
    made = await run(services, "create-account", "--balance", "5", *WHY)
    ((action, outcome, _, after),) = log_of(services, made["account_id"])
    assert (action, outcome, after["balance"]) == ("operator.create_account", "begun", "5")
    ledger = await run(services, "ledger", made["account_id"])
    assert [(entry["by"], entry["why"]) for entry in ledger["entries"]] == [("ann", "ticket 7")]


@pytest.mark.anyio
async def test_a_zero_that_was_set_is_told_and_so_is_the_credential_that_it_was_set_for(
    services: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, _ = await create_account(services, 0, Act("ann", "a test"))
    await run(services, "limit", account_id, "0", *WHY)
    assert log_of(services, account_id) == [("operator.limit", "begun", "", {"rpm": 0})]
    monkeypatch.setattr(sys, "stdin", io.StringIO("k-1\n"))
    await run(services, "set-provider-key", "openai", "--id", "eu", "--weight", "0", *WHY)
    await run(services, "catalog", "rollback", "0", *WHY)
    # What was not said is not told: no id, no --remove.
    monkeypatch.setattr(sys, "stdin", io.StringIO("k-2\n"))
    await run(services, "set-provider-key", "mistral", *WHY)
    assert sorted(log_of(services, DEPLOYMENT), key=str) == [
        ("operator.catalog_rollback", "begun", "", {"version": 0}),
        ("operator.set_provider_key", "begun", "mistral", {"weight": 1}),
        ("operator.set_provider_key", "begun", "openai", {"weight": 0, "id": "eu"}),
    ]
