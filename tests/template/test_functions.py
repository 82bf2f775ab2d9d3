"""What each function is given: its own role, logs, alarms, event samples, and nothing it does not need."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from tests.template.translated import ROOT, Stack, load, translate

FUNCTIONS = sorted(name for name, r in load()["Resources"].items() if r["Type"] == "AWS::Serverless::Function")
FAMILIES = {name: load()["Resources"][name]["Properties"]["CodeUri"].removeprefix("functions/") for name in FUNCTIONS}
# Whatever waits on a provider.
STREAMING = ("ChatFunction", "GeminiFunction", "MessagesFunction", "ResponsesFunction")
each_function = pytest.mark.parametrize("name", FUNCTIONS)

OBJECTS = re.compile(r"(?<=\.Arn}/)[a-z]+/\*(?=\")")
EXECUTIONS = re.compile(r"(?<=:execution:\$\{AWS::StackName\}-)[a-z]+:\*(?=\")")
# Called by state machines and by nothing else.
STEPS = ("BackgroundFunction", "JobsFunction")

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
FUNCTION_POLICY_BYTES_MAX = 20 * 1024


def pollers(stack: Stack) -> Iterable[dict[str, Any]]:
    return stack.of_type("AWS::Lambda::EventSourceMapping").values()


@each_function
def test_a_functions_role_is_its_own(stack: Stack, name: str) -> None:
    role = stack.functions[name]["Role"]
    assert [other for other, f in stack.functions.items() if f["Role"] == role] == [name]


@each_function
def test_a_role_names_every_resource_it_may_touch(stack: Stack, name: str) -> None:
    # Every action granted here can be bound to a resource; a bucket's objects are named by their prefix, and executions
    # by their machine.
    for grant in stack.grants(name):
        for resource in grant["Resource"] if isinstance(grant["Resource"], list) else [grant["Resource"]]:
            assert isinstance(resource, dict), grant
            assert "*" not in EXECUTIONS.sub("", OBJECTS.sub("", json.dumps(resource))), grant


@each_function
def test_a_role_names_every_action(stack: Stack, name: str) -> None:
    for grant in stack.grants(name):
        assert "*" not in json.dumps(grant["Action"]), grant


@each_function
def test_a_role_has_no_managed_policy(stack: Stack, name: str) -> None:
    role = stack.functions[name]["Role"]["Fn::GetAtt"][0]
    assert "ManagedPolicyArns" not in stack.resources[role]["Properties"]


@each_function
def test_a_functions_logs_are_json_in_a_group_that_forgets(stack: Stack, name: str) -> None:
    logging = stack.functions[name]["LoggingConfig"]
    group = stack.of_type("AWS::Logs::LogGroup")[logging["LogGroup"]["Ref"]]
    assert (logging["LogFormat"], group["RetentionInDays"]) == ("JSON", {"Ref": "LogRetentionDays"})


@each_function
def test_a_function_has_alarms_for_errors_throttles_and_duration(stack: Stack, name: str) -> None:
    watched = {
        alarm["MetricName"]
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        if {"Name": "FunctionName", "Value": {"Ref": name}} in alarm["Dimensions"]
    }
    assert watched == {"Errors", "Throttles", "Duration"}


@each_function
def test_a_function_has_an_event_sample(name: str) -> None:
    assert list((ROOT / "events").glob(f"{FAMILIES[name]}*.json"))


@each_function
def test_a_functions_code_is_one_app_py(name: str) -> None:
    assert (ROOT / "functions" / FAMILIES[name] / "app.py").is_file()


@each_function
def test_a_function_runs_on_python_3_13_on_arm_without_a_tracing_sdk(stack: Stack, name: str) -> None:
    function = stack.functions[name]
    assert (function["Runtime"], function["Architectures"], "TracingConfig" in function) == (
        "python3.13",
        ["arm64"],
        False,
    )


@each_function
def test_a_functions_resource_policy_stays_far_below_its_limit(stack: Stack, name: str) -> None:
    permissions = [
        p for p in stack.of_type("AWS::Lambda::Permission").values() if p["FunctionName"] == {"Ref": f"{name}Aliaslive"}
    ]
    # A queue needs no permission, for Lambda asks it; a state machine has its own role's.
    asked = {m["FunctionName"]["Ref"].removesuffix("Aliaslive") for m in pollers(stack)}
    assert permissions or name in asked | set(STEPS)
    assert len(json.dumps(permissions)) < FUNCTION_POLICY_BYTES_MAX / 2


@each_function
def test_a_new_layer_publishes_a_new_version(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # By default SAM looks at a function's own code alone, and the alias would go on serving the old layer.
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    old, new = (
        translate(load(), layer_key).resources[f"{name}Aliaslive"]["Properties"]["FunctionVersion"]
        for layer_key in ("old", "new")
    )
    assert old != new


def readers(stack: Stack, secret: str) -> set[str]:
    return {
        name
        for name in stack.functions
        for grant in stack.grants(name)
        if "secretsmanager" in json.dumps(grant["Action"]) and grant["Resource"] == {"Ref": secret}
    }


def test_only_what_reaches_providers_may_read_their_secret(stack: Stack) -> None:
    assert readers(stack, "ProvidersSecret") == {*STREAMING, *STEPS, "CallbacksFunction"}


def test_only_what_shows_media_may_read_what_signs_its_addresses(stack: Stack) -> None:
    assert readers(stack, "MediaSignerSecret") == {"GenerationFunction", "JobsFunction", "NotifierFunction"}


@pytest.mark.parametrize(("machine", "step"), [("Media", "JobsFunction"), ("Background", "BackgroundFunction")])
def test_a_state_machine_may_invoke_its_own_function_only(stack: Stack, machine: str, step: str) -> None:
    (policy,) = stack.resources[f"{machine}StateMachineRole"]["Properties"]["Policies"]
    (grant,) = policy["PolicyDocument"]["Statement"]
    assert (grant["Action"], grant["Resource"]) == ("lambda:InvokeFunction", {"Ref": f"{step}Aliaslive"})


@pytest.mark.parametrize("name", STREAMING)
def test_a_door_to_providers_is_started_by_the_streaming_runtime_and_small(stack: Stack, name: str) -> None:
    door = stack.functions[name]
    wrapper = door["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"]
    # A stored conversation of 8 MB takes more than the others ever hold.
    memory_mb = 512 if name == "ResponsesFunction" else 256
    assert (wrapper, door["MemorySize"], door["Timeout"]) == ("/opt/python/stream-runtime", memory_mb, 900)


def test_the_wrapper_lies_in_the_layer_and_is_executable() -> None:
    wrapper = ROOT / "layers" / "shared" / "stream-runtime"
    assert wrapper.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("sample", sorted(p.name for p in (ROOT / "events").glob("*.json")))
def test_an_event_sample_is_what_its_route_would_send(stack: Stack, sample: str) -> None:
    event = json.loads((ROOT / "events" / sample).read_text())
    if "Records" in event:
        assert {record["eventSource"] for record in event["Records"]} == {"aws:sqs"}
        return
    if "job_id" in event:
        assert event.keys() <= {"step", "job_id", "run", "token"}
        return
    if "httpMethod" not in event:
        assert event["detail-type"] == "Scheduled Event"
        return
    greedy = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(event["resource"]))
    match = re.fullmatch(greedy, event["path"])
    assert event["resource"] in stack.api["paths"]
    assert match is not None
    assert (match.groupdict() or None) == event["pathParameters"]
    assert {name: [value] for name, value in event["headers"].items()} == event["multiValueHeaders"]
