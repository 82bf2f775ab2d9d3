"""Tests of the stack that is read from the small template."""

from argparse import Namespace
from collections.abc import Mapping, Set
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local import template, translation
from local.http_server import bind
from local.intrinsics import Resolver, UnresolvedReference
from local.resource_names import ResourceNames
from local.routes import Routes
from local.serve import options_of
from local.template import Route, Stack, TemplateError
from tests.local.harness import TEMPLATE, small_stack
from tests.template.translated import ROOT

LAYER = TEMPLATE.parent / ".." / ".." / ".." / "layers" / "shared"


@pytest.fixture(scope="module")
def stack() -> Stack:
    return small_stack()


def test_a_streaming_function_has_its_exec_wrapper_from_the_layer(stack: Stack) -> None:
    function = stack.functions["nexgate-local-Streamed"]
    assert [Path(part).resolve() for part in function.command_prefix] == [(LAYER / "stream-runtime").resolve()]
    assert (function.family, function.handler, function.timeout_s) == ("streamed", "app.app", 60)


def test_a_buffered_function_has_no_exec_wrapper(stack: Stack) -> None:
    function = stack.functions["nexgate-local-Buffered"]
    assert (function.command_prefix, function.task_root.name) == ((), "buffered")


def test_routes_know_their_function_and_whether_they_stream(stack: Stack) -> None:
    routes = {(route.path, route.method): route for route in stack.api.routes}
    assert routes["/v1/stream", "ANY"] == Route("/v1/stream", "ANY", "nexgate-local-Streamed", True, 60_000)
    assert routes["/v1/things/{id}", "GET"].streaming is False


def test_schedules_and_queues_name_their_function(stack: Stack) -> None:
    (schedule,) = stack.schedules
    (source,) = stack.queue_sources
    assert (schedule.function, schedule.every_s) == ("nexgate-local-Buffered", 300)
    assert (source.function, source.queue_name, source.batch_size) == (
        "nexgate-local-Buffered",
        "nexgate-local-Later",
        5,
    )


def test_a_resource_whose_condition_is_false_is_not_there(stack: Stack) -> None:
    assert list(stack.resources["AWS::S3::Bucket"]) == ["nexgate-local-files"]


def test_a_type_that_nothing_stands_in_for_is_named(stack: Stack) -> None:
    assert stack.not_emulated == ("Cache (AWS::ElastiCache::ServerlessCache)",)


NODES: list[tuple[Any, Any]] = [
    ({"Ref": "Stage"}, "prod"),
    ({"Ref": "AWS::Region"}, "us-east-1"),
    ({"Ref": "Queue"}, "http://q/123456789012/nexgate-local-Queue"),
    ({"Ref": "Alias"}, "arn:aws:lambda:us-east-1:123456789012:function:nexgate-local-Work:live"),
    ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:us-east-1:123456789012:nexgate-local-Queue"),
    ({"Fn::GetAtt": "Queue.QueueName"}, "nexgate-local-Queue"),
    (
        {"Fn::Sub": "${Stage}/${!Stage}/${Queue.Arn}"},
        "prod/${Stage}/arn:aws:sqs:us-east-1:123456789012:nexgate-local-Queue",
    ),
    ({"Fn::Sub": ["${a}-${Stage}", {"a": {"Ref": "Stage"}}]}, "prod-prod"),
    ({"Fn::Join": [",", ["a", {"Ref": "Stage"}]]}, "a,prod"),
    ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
    ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 256),
    ({"Fn::If": ["IsProd", "yes", "no"]}, "yes"),
    ({"Fn::Not": [{"Condition": "IsProd"}]}, False),
    ({"a": {"Fn::If": ["IsProd", {"Ref": "AWS::NoValue"}, "no"]}, "b": 1}, {"b": 1}),
    ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
    ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Condition": "IsProd"}]}]}, True),
]


def resolver() -> Resolver:
    return Resolver(
        {
            "Parameters": {"Stage": {"Type": "String", "Default": "prod"}},
            "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
            "Mappings": {"Sizes": {"prod": {"memory": 256}}},
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue"},
                "Work": {"Type": "AWS::Lambda::Function"},
                "Alias": {
                    "Type": "AWS::Lambda::Alias",
                    "Properties": {"Name": "live", "FunctionName": {"Ref": "Work"}},
                },
            },
        },
        {},
        ResourceNames("http://q"),
    )


@pytest.mark.parametrize(("node", "value"), NODES)
def test_an_intrinsic_function_has_cloudformations_value(node: Any, value: Any) -> None:
    assert resolver().resolve(node) == value


def test_a_reference_to_nothing_is_an_error() -> None:
    with pytest.raises(UnresolvedReference):
        resolver().resolve({"Ref": "Nothing"})


def route(path: str, method: str = "ANY") -> Route:
    return Route(path, method, path, False, None)


ROUTES = Routes(
    [
        route("/v1/{proxy+}"),
        route("/v1/models"),
        route("/v1/models/{id}", "GET"),
        route("/v1/models/{id}/files/{file}"),
        route("/v1/models/latest"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "found", "parameters"),
    [
        ("GET", "/v1/models", "/v1/models", {}),
        ("GET", "/v1/models/latest", "/v1/models/latest", {}),
        ("GET", "/v1/models/a%2Fb", "/v1/models/{id}", {"id": "a/b"}),
        ("GET", "/v1/models/a/b", "/v1/{proxy+}", {"proxy": "models/a/b"}),
        ("GET", "/v1/models/a/files/b", "/v1/models/{id}/files/{file}", {"id": "a", "file": "b"}),
        ("PUT", "/v1/x:y", "/v1/{proxy+}", {"proxy": "x:y"}),
    ],
)
def test_a_path_finds_its_most_exact_route(method: str, path: str, found: str, parameters: dict[str, str]) -> None:
    match = ROUTES.match(method, path)
    assert match is not None
    assert (match.route.path, dict(match.parameters)) == (found, parameters)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/models/a"), ("GET", "/v2/models"), ("GET", "/v1"), ("GET", "/")]
)
def test_a_path_or_method_that_is_not_there_finds_nothing(method: str, path: str) -> None:
    assert ROUTES.match(method, path) is None


def test_a_translated_template_is_kept_by_its_text_and_its_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template, "KEPT", tmp_path / "kept")
    asked: list[Any] = []

    def translated(text: str, parameters: Mapping[str, str], _late: Set[str]) -> dict[str, Any]:
        asked.append((text, parameters))
        return {"text": text, **parameters}

    monkeypatch.setattr(translation, "translated", translated)
    file = tmp_path / "template.yaml"
    file.write_text("first")
    assert template.translate(file) == template.translate(file) == {"text": "first"}
    assert template.translate(file, {"a": "b"}) == {"text": "first", "a": "b"}
    file.write_text("second")
    assert template.translate(file) == {"text": "second"}
    assert asked == [("first", {}), ("first", {"a": "b"}), ("second", {})]
    monkeypatch.setattr(template, "KEPT_MAX", 1)
    file.write_text("third")
    assert template.translate(file) == {"text": "third"}
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_a_second_start_of_the_stack_translates_nothing_and_has_its_own_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template, "KEPT", tmp_path / "kept")
    whole, asked, found = translation.translated, [], []

    def translated(text: str, parameters: Mapping[str, str], late: Set[str]) -> dict[str, Any]:
        asked.append(parameters)
        return whole(text, parameters, late)

    monkeypatch.setattr(translation, "translated", translated)
    path = ROOT / "template.yaml"
    given = Namespace(template=path, data=tmp_path, first_balance=Decimal(1), own_host=[], parameter=[])
    for _start in range(2):
        with bind(0) as listener:
            options = options_of(given, listener)
            made = template.translate(options.template, options.parameters, options.late)
            stack = template.resolve(made, path.parent, ResourceNames("http://queues.test"), options.parameters)
            urls = {function.environment.get("CONSOLE_URL") for function in stack.functions.values()}
            found.append(urls == {f"http://127.0.0.1:{listener.getsockname()[1]}/console", None})
    assert (len(asked), found) == (1, [True, True])


def test_a_template_that_sam_refuses_is_named_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "KEPT", tmp_path / "kept")
    file = tmp_path / "template.yaml"
    file.write_text("Resources: {Broken: {Type: AWS::Serverless::Function}}")
    with pytest.raises(TemplateError, match="Broken"):
        template.translate(file)
    assert not (tmp_path / "kept").exists()
