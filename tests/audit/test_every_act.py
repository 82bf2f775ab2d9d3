"""Tests that each endpoint that changes an account leaves an entry in its audit log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.audit.entries import UNKNOWN_PREFIX
from gateway.http.callers import STRANGERS, TABLE
from gateway.ports.audit import AuditEntry
from tests.audit.acts import CHANGING, OF_MONEY, OF_PEOPLE, UNTOLD, Estate, TillWithLog
from tests.control_plane.harness import CALLER_IP
from tests.people.harness import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
# Actions that no endpoint leaves by its success: a refused log-in, and what the payment service takes back.
ELSEWHERE = {"session.refused", "billing.refund", "billing.dispute"}
SECRETS = (PASSWORD, NEW_PASSWORD, "sk-canary", "sk-xc-", "?s", "whsec_", "@example.com", "Jane")


def test_every_endpoint_that_changes_something_is_done_here_or_has_a_reason() -> None:
    assert sorted([*OF_PEOPLE, *OF_MONEY, *UNTOLD]) == sorted(CHANGING)


def test_each_action_is_documented() -> None:
    documented = re.findall(r"`([a-z_]+\.[a-z_]+)`", (ROOT / "docs/audit.md").read_text())
    done = {action for action, _ in (*OF_PEOPLE.values(), *OF_MONEY.values())}
    assert sorted(done | ELSEWHERE) == sorted(documented)


@pytest.mark.parametrize("row", OF_PEOPLE)
async def test_an_act_leaves_an_entry_in_its_account(row: str) -> None:
    estate = Estate()
    await estate.settle()
    before = len(estate.told())
    estate.house.later(1)
    action, act = OF_PEOPLE[row]
    answer = await act(estate)
    assert answer.status_code < 300, answer.text
    assert asked(answer.request.method, answer.request.url.path, row)
    judge(estate.told()[before:], action, is_known=TABLE[row] != STRANGERS)


@pytest.mark.parametrize("row", OF_MONEY)
async def test_an_act_upon_money_leaves_an_entry(row: str) -> None:
    till = TillWithLog()
    await till.settle()
    action, act = OF_MONEY[row]
    answer = await act(till)
    assert answer.status_code < 300, answer.text
    assert asked(answer.request.method, answer.request.url.path, row)
    entries = await till.told()
    if action != "billing.credit":
        judge(entries, action, is_known=True)
    (found,) = [one for one in entries if one.action == action]
    assert not any(secret in str(found) for secret in SECRETS)


def judge(entries: list[AuditEntry], action: str, *, is_known: bool) -> None:
    """Judges the newest entry of the action: where it is, who acts in it, from where; and that none has a secret."""
    found = [one for one in entries if one.action == action][-1]
    assert not found.account_id.startswith(UNKNOWN_PREFIX)
    assert found.source == CALLER_IP
    if is_known:
        assert found.actor.user_id or found.actor.key_id
    assert not any(secret in str(one) for secret in SECRETS for one in entries)


def asked(method: str, path: str, row: str) -> bool:
    """True if the request is one of the row's: a part in braces is any part."""
    pairs = zip(path.split("/"), row.partition(" ")[2].split("/"), strict=True)
    return method == row.partition(" ")[0] and all(own in (part, "") or own.startswith("{") for part, own in pairs)
