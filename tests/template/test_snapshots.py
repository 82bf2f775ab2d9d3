"""Tests of SnapStart in the template: off by default, and on for what callers wait for, in versions that are published.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
"""

from tests.template.families import functions, routed
from tests.template.translated import ROOT, Stack, load

OFF = {"ApplyOn": "None"}
AS_ASKED = {"ApplyOn": {"Ref": "SnapStart"}}


def test_a_stack_has_no_snapshots_unless_it_is_asked_for_them() -> None:
    parameter = load()["Parameters"]["SnapStart"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("None", ["None", "PublishedVersions"])


def test_functions_that_answer_callers_start_from_snapshots_and_others_do_not(stack: Stack) -> None:
    answering = {route.family for route in routed()}
    expected = {name: AS_ASKED if family in answering else OFF for name, family in functions().items()}
    assert {name: function["SnapStart"] for name, function in stack.functions.items()} == expected


def test_a_parameter_alone_publishes_no_version_as_the_operations_say(stack: Stack, stack_of_snapshots: Stack) -> None:
    # SAM hashes the properties with their Refs in them. Should it learn to read these, the paragraph can go.
    for name in stack.functions:
        before, now = (
            each.resources[f"{name}Aliaslive"]["Properties"]["FunctionVersion"] for each in (stack, stack_of_snapshots)
        )
        assert before == now, name
    assert "A parameter alone publishes no version" in (ROOT / "docs" / "operations.md").read_text()


def test_no_function_has_what_snapshots_exclude(stack_of_snapshots: Stack) -> None:
    excluded = {"EphemeralStorage", "FileSystemConfigs", "ProvisionedConcurrencyConfig", "TenancyConfig"}
    for function in stack_of_snapshots.functions.values():
        assert excluded.isdisjoint(function)
