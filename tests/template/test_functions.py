"""Tests of each function's settings: its own role, logs, alarms, event samples, and no unneeded permission."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from gateway.agents.requests import WAIT_S_MAX
from gateway.wiring import settings
from tests.template.families import functions, streamed
from tests.template.translated import ROOT, Stack, load

FUNCTIONS = sorted(name for name, r in load()["Resources"].items() if r["Type"] == "AWS::Serverless::Function")
FAMILIES = functions()
# Functions that wait for a provider: API Gateway streams their answers.
STREAMING = [name for name, family in FAMILIES.items() if family in streamed()]
each_function = pytest.mark.parametrize("name", FUNCTIONS)

OBJECTS = re.compile(r"(?<=\.Arn}/)[a-z]+/\*(?=\")")
# Queues of sessions are made one by one, with a name of the stack's, and only the API's own connections are managed.
SESSIONS = re.compile(r"(?<=\$\{AWS::StackName\}-)(realtime-|SocketsFunction)\*(?=\")|(?<=\$\{RealtimeApi\}/)\*(?=\")")
EXECUTIONS = re.compile(r"(?<=:execution:\$\{AWS::StackName\}-)[a-z]+:\*(?=\")")
# CloudWatch lists alarms, and their states alone, by a right to all of a region.
ALARMS = re.compile(r"(?<=:cloudwatch:\$\{AWS::Region\}:\$\{AWS::AccountId\}:alarm:)\*(?=\")")
# Streamed answers that wait for what steps do, and ask no provider.
FOLLOWING = {"AgentsFunction", "TasksFunction"}
# Functions that are meant to last nearly as long as they may: they wait for a run, or work on one.
LAST_LONG = ("AgentsFunction", "RunnerFunction", "SocketsFunction", "TasksFunction")
# Called by state machines and by nothing else.
STEPS = ("BackgroundFunction", "JobsFunction", "RunnerFunction")
# Started by what judges handshakes, and by itself.
SOCKETS, HANDSHAKES = "SocketsFunction", "RealtimeFunction"
# Called by the runner and by nothing else.
SANDBOX = "SandboxFunction"
# Called by the console alone.
OPERATOR = "OperatorFunction"
# Called by a state machine likewise; erases signatures, and asks no model.
ERASER = "EraserFunction"

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
FUNCTION_POLICY_BYTES_MAX = 20 * 1024


def shared_policies(stack: Stack, name: str) -> list[dict[str, str]]:
    role = stack.functions[name]["Role"]["Fn::GetAtt"][0]
    named: list[dict[str, str]] = stack.resources[role]["Properties"].get("ManagedPolicyArns", [])
    return named


def watched_metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Lists the metrics that an alarm watches: one, or those of its expression."""
    return [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm]


def pollers(stack: Stack) -> Iterable[dict[str, Any]]:
    return stack.of_type("AWS::Lambda::EventSourceMapping").values()


@each_function
def test_a_functions_role_is_its_own(stack: Stack, name: str) -> None:
    role = stack.functions[name]["Role"]
    assert [other for other, f in stack.functions.items() if f["Role"] == role] == [name]


def own_grants(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Lists a function's grants in this stack. Bedrock's models are Amazon's, and granted on request only."""
    own = [grant for grant in stack.grants(name) if not grant["Action"][0].startswith("bedrock:")]
    assert own
    return own


def test_bedrock_is_granted_on_request_to_what_serves_text(stack: Stack) -> None:
    statements = stack.resources["ConversationPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [s["Fn::If"][0] for s in statements if "bedrock:" in json.dumps(s)] == ["InvokeBedrock"]
    assert load()["Parameters"]["BedrockByRole"]["Default"] == "false"
    invokes = {name for name in stack.functions if "bedrock:" in json.dumps(stack.grants(name))}
    texts = {name for name, f in stack.functions.items() if "SIGNATURES_TABLE" in f["Environment"]["Variables"]}
    assert {"ChatFunction", "BackgroundFunction"} <= texts
    assert invokes == texts - {ERASER}


@each_function
def test_a_role_names_every_resource_it_may_touch(stack: Stack, name: str) -> None:
    # Every action granted here can be bound to a resource; a bucket's objects are named by their prefix, and executions
    # by their machine.
    for grant in own_grants(stack, name):
        for resource in grant["Resource"] if isinstance(grant["Resource"], list) else [grant["Resource"]]:
            assert isinstance(resource, dict), grant
            named = json.dumps(resource)
            for known in (SESSIONS, EXECUTIONS, OBJECTS, ALARMS):
                named = known.sub("", named)
            assert "*" not in named, grant


@each_function
def test_a_role_names_every_action(stack: Stack, name: str) -> None:
    for grant in stack.grants(name):
        assert "*" not in json.dumps(grant["Action"]), grant


@each_function
def test_a_role_has_no_policy_that_is_not_in_the_template(stack: Stack, name: str) -> None:
    policies = stack.of_type("AWS::IAM::ManagedPolicy")
    assert {arn["Ref"] for arn in shared_policies(stack, name)} <= policies.keys()


def test_a_policy_of_its_own_serves_more_than_two_roles(stack: Stack) -> None:
    named = Counter(arn["Ref"] for name in stack.functions for arn in shared_policies(stack, name))
    policies = stack.of_type("AWS::IAM::ManagedPolicy")
    assert {name: named[name] for name in policies if named[name] <= 2} == {}


@each_function
def test_a_functions_logs_are_json_in_a_group_that_forgets(stack: Stack, name: str) -> None:
    logging = stack.functions[name]["LoggingConfig"]
    group = stack.of_type("AWS::Logs::LogGroup")[logging["LogGroup"]["Ref"]]
    assert (logging["LogFormat"], group["RetentionInDays"]) == ("JSON", {"Ref": "LogRetentionDays"})


@each_function
def test_a_function_has_alarms_for_errors_throttles_and_duration(stack: Stack, name: str) -> None:
    watched = {
        metric["MetricName"]
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        for metric in watched_metrics(alarm)
        if {"Name": "FunctionName", "Value": {"Ref": name}} in metric["Dimensions"]
    }
    assert watched == {"Errors", "Throttles", "Duration"}


@each_function
def test_a_functions_alarm_counts_all_that_it_looks_at_and_duration_before_the_timeout(stack: Stack, name: str) -> None:
    alarm = stack.of_type("AWS::CloudWatch::Alarm")[f"{name.removesuffix('Function')}Alarm"]
    text, values = next(query["Expression"]["Fn::Sub"] for query in alarm["Metrics"] if "Expression" in query)
    assert text == "FILL(errors, 0) + FILL(throttles, 0) + (FILL(slowest, 0) > ${SlowMs})"
    timeout_ms = 1000 * stack.functions[name]["Timeout"]
    if name in LAST_LONG:
        assert 1000 * WAIT_S_MAX < values["SlowMs"] < timeout_ms
    else:
        assert values["SlowMs"] <= 0.8 * timeout_ms
    looked_at = {query["Id"]: (query["MetricStat"]["Metric"]["MetricName"], query["MetricStat"]["Stat"])
                 for query in alarm["Metrics"] if "MetricStat" in query}  # fmt: skip
    assert looked_at == {"errors": ("Errors", "Sum"), "throttles": ("Throttles", "Sum"), "slowest": ("Duration", "p99")}


@each_function
def test_a_new_version_gets_traffic_by_steps_and_loses_it_by_its_alarm(stack: Stack, name: str) -> None:
    group = stack.of_type("AWS::CodeDeploy::DeploymentGroup")[f"{name}DeploymentGroup"]
    alarms = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == [f"{name.removesuffix('Function')}Alarm"]
    assert "Canary10Percent5Minutes" in json.dumps(group["DeploymentConfigName"])


# Streams hold an environment for as long as they last; these functions go on when streams have taken all others.
KEPT: dict[str, int | str] = {"KeysFunction": "ReservedConcurrency", "SettlementsFunction": "ReservedConcurrency",
        "ReconcilerFunction": 2, "SweeperFunction": 2}  # fmt: skip


def test_streams_cannot_starve_keys_settlements_sweeper_and_reconciler(stack: Stack) -> None:
    kept = {
        name: f["ReservedConcurrentExecutions"]["Fn::If"]
        for name, f in stack.functions.items()
        if "ReservedConcurrentExecutions" in f
    }
    none = {"Ref": "AWS::NoValue"}
    assert kept == {
        name: ["ReserveConcurrency", {"Ref": value} if isinstance(value, str) else value, none]
        for name, value in KEPT.items()
    }


def test_an_account_of_a_thousand_can_bear_what_is_kept() -> None:
    default: int = load()["Parameters"]["ReservedConcurrency"]["Default"]
    # AWS itself keeps 100 for functions that reserve nothing, and a thousand streams need the rest.
    assert sum(value if isinstance(value, int) else default for value in KEPT.values()) <= 100


def test_what_reads_a_queue_has_a_bound(stack: Stack) -> None:
    bounds = {m["FunctionName"]["Ref"]: m["ScalingConfig"]["MaximumConcurrency"] for m in pollers(stack)}
    assert bounds == {
        "NotifierFunctionAliaslive": {"Fn::If": ["ReserveConcurrency", {"Ref": "WebhooksAtOnce"}, 2]},
        "SettlementsFunctionAliaslive": {"Fn::If": ["ReserveConcurrency", {"Ref": "ReservedConcurrency"}, 2]},
    }


def test_each_variable_of_the_functions_is_read(stack: Stack) -> None:
    given = {name for f in stack.functions.values() for name in f["Environment"]["Variables"]}
    read = {settings.VARIABLES.get(field) or field.upper() for field in settings.Settings.__struct_fields__}
    by_themselves = {"CORS_ORIGINS", "STACK_NAME", "SOCKETS_ENDPOINT", "AWS_LAMBDA_EXEC_WRAPPER"}
    assert given - read == by_themselves


@each_function
def test_a_function_has_an_event_sample(name: str) -> None:
    assert list((ROOT / "events").glob(f"{FAMILIES[name]}*.json"))


@each_function
def test_a_functions_code_is_one_app_py_that_needs_no_building(name: str) -> None:
    # SAM's builder would want Lambda's own Python on the machine that builds.
    assert (ROOT / "functions" / FAMILIES[name] / "app.py").is_file()
    assert load()["Resources"][name]["Metadata"] == {"SkipBuild": True}


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
    # A queue needs no permission, because Lambda polls it; a state machine has its own role's.
    asked = {m["FunctionName"]["Ref"].removesuffix("Aliaslive") for m in pollers(stack)}
    assert permissions or name in {*asked, *STEPS, SANDBOX, SOCKETS, ERASER, OPERATOR}
    assert len(json.dumps(permissions)) < FUNCTION_POLICY_BYTES_MAX / 2


@each_function
def test_a_new_layer_publishes_a_new_version(stack: Stack, stack_of_another_layer: Stack, name: str) -> None:
    # By default SAM checks only a function's own code, and the alias would go on serving the old layer.
    old, new = (
        each.resources[f"{name}Aliaslive"]["Properties"]["FunctionVersion"] for each in (stack, stack_of_another_layer)
    )
    assert old != new


def test_api_gateway_may_call_each_function_that_answers_a_path_and_no_other(stack: Stack) -> None:
    answering = re.findall(r"\$\{(\w+)Aliaslive\}", json.dumps(stack.paths))
    allowed = [
        permission["FunctionName"]["Ref"].removesuffix("Aliaslive")
        for permission in stack.of_type("AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    # Two APIs have functions: the REST API, and the WebSocket API, whose handshakes one function judges.
    assert sorted(allowed) == sorted([*set(answering), HANDSHAKES])


def readers(stack: Stack, secret: str) -> set[str]:
    return {
        name
        for name in stack.functions
        for grant in stack.grants(name)
        if "secretsmanager" in json.dumps(grant["Action"]) and grant["Resource"] == {"Ref": secret}
    }


def test_only_what_reaches_providers_may_read_their_secret(stack: Stack) -> None:
    assert readers(stack, "ProvidersSecret") == {*STREAMING, *STEPS, SOCKETS} - FOLLOWING


def test_the_receiver_of_callbacks_reads_what_they_are_known_by_and_no_other_secret(stack: Stack) -> None:
    assert readers(stack, "CallbacksSecret") == {"CallbacksFunction", "JobsFunction"}
    secrets = stack.of_type("AWS::SecretsManager::Secret")
    assert {secret for secret in secrets if "CallbacksFunction" in readers(stack, secret)} == {"CallbacksSecret"}


def test_only_what_shows_media_may_read_what_signs_its_addresses(stack: Stack) -> None:
    shows = {
        "FilesFunction",
        "GenerationFunction",
        "ImagesFunction",
        "JobsFunction",
        "NotifierFunction",
        "RunnerFunction",
        "VideosFunction",
    }
    assert readers(stack, "MediaSignerSecret") == shows


def test_the_sandbox_may_do_nothing_but_write_its_log_and_only_the_runner_may_call_it(stack: Stack) -> None:
    log = {"Fn::GetAtt": ["SandboxLogs", "Arn"]}
    assert stack.grants(SANDBOX) == [
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": log}
    ]
    assert "VpcConfig" not in stack.functions[SANDBOX]
    invokes = {name for name in stack.functions if "lambda:InvokeFunction" in json.dumps(stack.grants(name))}
    assert invokes == {"RunnerFunction", "ConsoleFunction", SOCKETS, HANDSHAKES}
    callers = {name for name in stack.functions if "SandboxFunction" in json.dumps(stack.grants(name))}
    assert callers == {"RunnerFunction"}


@pytest.mark.parametrize(
    ("machine", "step"),
    [
        ("Media", "JobsFunction"),
        ("Background", "BackgroundFunction"),
        ("Agents", "RunnerFunction"),
        ("Erasures", ERASER),
    ],
)
def test_a_state_machine_may_invoke_its_own_function_only(stack: Stack, machine: str, step: str) -> None:
    (policy,) = stack.resources[f"{machine}StateMachineRole"]["Properties"]["Policies"]
    (grant,) = policy["PolicyDocument"]["Statement"]
    assert (grant["Action"], grant["Resource"]) == ("lambda:InvokeFunction", {"Ref": f"{step}Aliaslive"})


@pytest.mark.parametrize("name", STREAMING)
def test_a_door_to_providers_is_started_by_the_streaming_runtime_and_small(stack: Stack, name: str) -> None:
    door = stack.functions[name]
    wrapper = door["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"]
    # A stored conversation of 8 MB, vectors of millions of numbers, sound files of 25 MB, and ten pictures take more
    # than the other functions ever use.
    larger = {"AudioFunction": 512, "ResponsesFunction": 512, "EmbeddingsFunction": 1024, "ImagesFunction": 1536}
    memory_mb = larger.get(name, 512 if name in FOLLOWING else 256)
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
    if "code" in event:
        assert event.keys() == {"code"}
        return
    if sample == "operator.json":
        # The part that the function reads of the event of any API Gateway.
        assert event["multiValueHeaders"].keys() == {"authorization"}
        return
    if "connection_id" in event:
        assert event.keys() == {"connection_id", "run", "secret"}
        return
    if event.get("requestContext", {}).get("eventType") == "CONNECT":
        stages = [load()["Resources"][name]["Properties"]["StageName"] for name in ("RealtimeStage", "ResponsesStage")]
        assert event["requestContext"]["stage"] in stages
        assert {name: [value] for name, value in event["headers"].items()} == event["multiValueHeaders"]
        return
    if "job_id" in event:
        assert event.keys() <= {"step", "job_id", "run", "token"}
        return
    if "account_id" in event:
        assert event.keys() == {"account_id", "round"}
        return
    if "httpMethod" not in event:
        assert event["detail-type"] == "Scheduled Event"
        return
    greedy = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(event["resource"]))
    match = re.fullmatch(greedy, event["path"])
    assert event["resource"] in stack.paths
    assert match is not None
    assert (match.groupdict() or None) == event["pathParameters"]
    assert {name: [value] for name, value in event["headers"].items()} == event["multiValueHeaders"]
