"""Tests that the list of excuses stays exact: a role allows all that it names, and other families are not excused."""

import pytest

from tests.roles.judge import AWS_POLLS, EXCUSES, ROOT, Excuse, excused, functions, granted


@pytest.mark.parametrize("excuse", EXCUSES, ids=lambda excuse: f"{excuse.actions[0]} {excuse.resource}")
def test_each_family_of_an_excuse_is_allowed_each_of_its_actions(excuse: Excuse) -> None:
    roles = {function.family: granted(function) for function in functions().values()}
    missing = [
        (family, action)
        for family in excuse.families
        for action in excuse.actions
        if not any(excuse.covers(family, *allowed) for allowed in roles.get(family, ()) if allowed[0] == action)
    ]
    assert missing == []


@pytest.mark.parametrize("excuse", EXCUSES, ids=lambda excuse: f"{excuse.actions[0]} {excuse.resource}")
def test_an_excuse_names_test_files_that_exist_unless_aws_itself_calls(excuse: Excuse) -> None:
    files = [ROOT / file for file in excuse.tests]
    assert [file for file in files if not (file.name.startswith("test_") and file.is_file())] == []
    assert (excuse.tests == ()) == (excuse.reason == AWS_POLLS)


def test_a_resource_whose_name_only_ends_as_an_excuses_does_is_not_excused() -> None:
    assert not excused("sweeper", "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/other-LedgerTable")


def test_an_action_of_a_family_that_is_not_named_is_not_excused() -> None:
    ledger = "arn:aws:dynamodb:us-east-1:123456789012:table/nexgate-local-LedgerTable"
    assert excused("sweeper", "dynamodb:PutItem", ledger)
    assert not excused("chat", "dynamodb:PutItem", ledger)
    assert not excused("billing", "dynamodb:Query", ledger)
