"""Tests of the template of a stack on managed instances: the streaming functions run there, all else as before."""

import subprocess
from typing import Any

import pytest

from local.compute import managed
from local.language_extensions import expand
from tests.template.families import functions, streamed
from tests.template.translated import ROOT, Stack, load, translate

# What has no default, and is the operator's.
GIVEN = {"InstanceSubnets": "subnet-1,subnet-2", "InstanceSecurityGroups": "sg-1"}


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    return expand(managed(load()))


@pytest.fixture(scope="module")
def on_instances(source: dict[str, Any]) -> Stack:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return translate(source, "layer", GIVEN)


def test_streaming_functions_take_many_requests_each_on_instances_of_their_architecture(on_instances: Stack) -> None:
    expected = {
        "LambdaManagedInstancesCapacityProviderConfig": {
            "CapacityProviderArn": {"Fn::GetAtt": ["Instances", "Arn"]},
            "PerExecutionEnvironmentMaxConcurrency": {"Ref": "RequestsPerEnvironment"},
            "ExecutionEnvironmentMemoryGiBPerVCpu": 2,
        }
    }
    placed = {name: f for name, f in on_instances.functions.items() if "CapacityProviderConfig" in f}
    assert placed.keys() == {name for name, family in functions().items() if family in streamed()}
    for function in placed.values():
        assert function["CapacityProviderConfig"] == expected
        assert (function["MemorySize"], function["SnapStart"]) == (2048, {"ApplyOn": "None"})
        assert "ReservedConcurrentExecutions" not in function
    (provider,) = on_instances.of_type("AWS::Lambda::CapacityProvider").values()
    assert provider["InstanceRequirements"]["Architectures"] == ["arm64"]
    assert provider["VpcConfig"]["SubnetIds"] == {"Ref": "InstanceSubnets"}


def test_nothing_else_of_the_stack_differs(stack: Stack, on_instances: Stack) -> None:
    ours = {"Instances", "InstancesOperatorRole"}
    before, now = stack.resources, on_instances.resources
    differing = {name for name in before if now.get(name) != before[name] and "Version" not in name}
    placed = {name for name, family in functions().items() if family in streamed()}
    assert differing == placed | {f"{name}Aliaslive" for name in placed}
    assert {name for name in now.keys() - before.keys() if "Version" not in name} == ours


@pytest.mark.parametrize(("compute", "code"), [("standard", 0), ("managed", 0), ("Managed", 2), ("managed typo", 2)])
def test_a_build_for_compute_that_is_unknown_is_refused(compute: str, code: int) -> None:
    made = subprocess.run(
        ["make", "--silent", "help", f"COMPUTE={compute}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (made.returncode, "say standard or managed" in made.stderr) == (code, code != 0)


def test_only_a_stack_on_instances_asks_for_a_network() -> None:
    assert GIVEN.keys().isdisjoint(load()["Parameters"])
