"""Tests of money as DynamoDB items: what is written is what is read, and what a hold lacks is not in its item."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Entry, EntryKind, Failure, Hold
from gateway.pipeline.context import TRIES_KEPT
from gateway.stores.aws.client import Item
from gateway.stores.money.items import (
    charge_attributes,
    entry_item,
    new_account,
    parked_hold,
    read_account,
    read_entry,
    read_parked_hold,
    young,
)
from gateway.stores.money.state import Account, bytes_of
from tests.money.given import FAILURE, charge

BARE = Hold("acct", "0000000000000001", key_id="key_a", amount_nanousd=300, deadline_s=960)
FULL = replace(BARE, month=202611, minute=29, tokens=40, lease_until_s=970, alert_at_nanousd=80)
FULL = replace(FULL, seat=3, seat_month=202611)


def account_item(**young_holds: Item) -> Item:
    return new_account("acct", 7) | {"young": {"M": young_holds}, "ver": {"N": "5"}}


def test_an_account_is_read_as_it_was_written() -> None:
    assert read_account(account_item()) == Account("acct", rpm_limit=7, version=5)
    assert read_account(account_item() | {"left": {"N": "9"}, "off": {"BOOL": True}}) == Account(
        "acct", rpm_limit=7, version=5, left_ms=9, disabled=True
    )


@pytest.mark.parametrize("hold", [BARE, FULL])
def test_a_hold_is_read_as_it_was_written(hold: Hold) -> None:
    account = read_account(account_item(**{hold.hold_id: young(hold)}))
    assert account.young == {hold.hold_id: hold}
    assert read_parked_hold(parked_hold(hold)) == replace(hold, parked=True)


def test_what_a_hold_lacks_is_not_in_its_item() -> None:
    assert set(young(BARE)["M"]) == {"a", "d", "k"}
    assert set(young(FULL)["M"]) == {"a", "d", "k", "m", "w", "l", "n", "t", "s", "y"}
    assert set(parked_hold(FULL)) - set(parked_hold(BARE)) == {
        "month", "minute", "lease_until_s", "alert_at_nanousd", "tokens", "seat", "seat_month",
    }  # fmt: skip


def test_an_estimate_of_the_sweepers_is_marked_as_both() -> None:
    spent = replace(charge(90), estimated=True)
    entry = Entry("0000000000000001", "acct", EntryKind.CHARGE, -90, 1, charge=spent, provisional=True)
    item = entry_item(entry)
    assert (item["estimated"], item["provisional"]) == ({"BOOL": True}, {"BOOL": True})
    assert read_entry(item) == entry
    assert "estimated" not in charge_attributes(charge(90))


def test_a_failed_request_is_read_as_it_was_written() -> None:
    bare = Failure("req-1", "gen-nxn-1", "gpt-4o")
    for failure in (FAILURE, bare, None):
        entry = Entry("0000000000000001", "acct", EntryKind.RELEASE, 0, 1, hold_id="0000000000000001", failure=failure)
        assert read_entry(entry_item(entry)) == entry


def test_a_failed_request_of_many_tries_takes_no_second_kilobyte() -> None:
    id_ = "0" * 26
    failure = Failure(
        request_id="0" * 36,
        generation_id=f"gen-nxn-{id_}",
        model_requested="nexevo/balanced",
        model_used="claude-sonnet-4-5",
        user_id=f"user_{id_}",
        org_id=f"org_{id_}",
        route="\n".join(["openrouter|claude-sonnet-4-5|503 upstream_overloaded"] * TRIES_KEPT),
    )
    entry = Entry(id_, f"acct_{id_}", EntryKind.RELEASE, 0, 1_795_243_200, id_, f"key_{id_}", failure=failure)
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    assert sum(len(name) + len(str(*value.values())) for name, value in entry_item(entry).items()) < 1024


def test_each_part_of_an_account_has_its_size() -> None:
    account = Account(
        "acct",
        key_used={"key_a": 1, "key_b": 1},
        key_spent={"key_a": 1, "key_b": 1, "key_c": 1},
        young={BARE.hold_id: BARE, FULL.hold_id + "2": FULL},
        key_tokens={"key_a": 1, "key_b": 1},
        key_reads={"key_a": 1},
        user_used={"one": 1, "two": 1},
        leases={"key_a": {"1": 1, "2": 1}, "key_b": {"3": 1}},
    )
    # The item itself, two holds of which one has four limits, two keys, three caps, three counts, two users, three
    # leases.
    assert bytes_of(account) == 148 + 2 * 48 + 4 * 10 + 2 * 14 + 3 * 18 + 3 * 16 + 2 * 14 + 3 * 25
