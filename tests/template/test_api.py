"""Tests of API Gateway's settings: streamed routes, its own answers, and the values that it must never see or log."""

import json
import re
from typing import Any

import pytest

from gateway.limits.windows import KEY_RPM_LIMIT
from tests.template.translated import Stack, load

LAMBDA = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path"

# The texts that the gateway's own refusals must have: api.md's error types by status.
REFUSALS = {
    "MISSING_AUTHENTICATION_TOKEN": ("404", "invalid_request_error", "route_not_found"),
    "RESOURCE_NOT_FOUND": ("404", "invalid_request_error", "route_not_found"),
    "DEFAULT_4XX": ("404", "invalid_request_error", "route_not_found"),
    "BAD_REQUEST_BODY": ("400", "invalid_request_error", "invalid_body"),
    "BAD_REQUEST_PARAMETERS": ("400", "invalid_request_error", "invalid_parameters"),
    "ACCESS_DENIED": ("403", "permission_error", "access_denied"),
    "WAF_FILTERED": ("403", "permission_error", "access_denied"),
    "REQUEST_TOO_LARGE": ("413", "invalid_request_error", "request_too_large"),
    "UNSUPPORTED_MEDIA_TYPE": ("415", "invalid_request_error", "unsupported_media_type"),
    "THROTTLED": ("429", "rate_limit_error", "rate_limit_exceeded"),
    "QUOTA_EXCEEDED": ("429", "rate_limit_error", "rate_limit_exceeded"),
    "INTEGRATION_FAILURE": ("502", "server_error", "internal_error"),
    "INTEGRATION_TIMEOUT": ("504", "upstream_error", "upstream_timeout"),
    "DEFAULT_5XX": (None, "server_error", "internal_error"),
}


def responses(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.api["x-amazon-apigateway-gateway-responses"]
    return found


def body(response: dict[str, Any]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(response["responseTemplates"]["application/json"])
    return parsed


def test_the_chat_route_is_a_response_streaming_integration_on_the_alias(stack: Stack) -> None:
    chat = stack.integration("/v1/chat/completions")
    assert (chat["type"], chat["responseTransferMode"], chat["timeoutInMillis"], chat["uri"]["Fn::Sub"]) == (
        "aws_proxy",
        "STREAM",
        900_000,
        f"{LAMBDA}/2021-11-15/functions/${{ChatFunctionAliaslive}}/response-streaming-invocations",
    )


def test_every_route_on_a_streaming_function_streams_and_no_other_does(stack: Stack) -> None:
    streams = {
        name for name, f in stack.functions.items() if "AWS_LAMBDA_EXEC_WRAPPER" in f["Environment"]["Variables"]
    }
    for path in stack.paths:
        integration = stack.integration(path)
        function = re.sub(r".*\$\{(\w+)Aliaslive\}.*", r"\1", integration["uri"]["Fn::Sub"])
        assert (integration.get("responseTransferMode") == "STREAM") == (function in streams), path


def test_every_integration_invokes_a_functions_alias(stack: Stack) -> None:
    aliases = {f"${{{name}Aliaslive}}" for name in stack.functions}
    for path in stack.paths:
        uri = stack.integration(path)["uri"]["Fn::Sub"]
        assert any(alias in uri for alias in aliases), path


@pytest.mark.parametrize(
    ("path", "family"),
    [("/v1/messages/{proxy+}", "Messages"), ("/v1beta/{proxy+}", "Models"), ("/v1/responses/{proxy+}", "Responses")],
)
def test_a_path_below_a_wires_own_is_refused_in_its_shape(stack: Stack, path: str, family: str) -> None:
    assert f"${{{family}FunctionAliaslive}}" in stack.integration(path)["uri"]["Fn::Sub"]


def test_the_gateways_own_refusals_are_exactly_these(stack: Stack) -> None:
    found = {
        name: (response.get("statusCode"), body(response)["error"]["type"], body(response)["error"]["code"])
        for name, response in responses(stack).items()
    }
    assert found == REFUSALS


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_has_the_openai_wires_shape_and_a_trace_id(stack: Stack, name: str) -> None:
    response = responses(stack)[name]
    assert list(body(response)) == ["error"]
    assert list(body(response)["error"]) == ["message", "type", "param", "code"]
    assert response["responseParameters"]["gatewayresponse.header.X-Trace-ID"] == "context.requestId"


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_bears_the_window_of_a_new_key_which_a_429_has_emptied(stack: Stack, name: str) -> None:
    told = responses(stack)[name]["responseParameters"]
    left = "'0'" if name in {"THROTTLED", "QUOTA_EXCEEDED"} else f"'{KEY_RPM_LIMIT}'"
    assert told["gatewayresponse.header.X-RateLimit-Limit"] == f"'{KEY_RPM_LIMIT}'"
    assert told["gatewayresponse.header.X-RateLimit-Remaining"] == left
    assert told["gatewayresponse.header.X-RateLimit-Reset"] == told.get("gatewayresponse.header.Retry-After", "'60'")


@pytest.mark.parametrize("name", ["THROTTLED", "QUOTA_EXCEEDED"])
def test_a_429_says_when_to_come_back(stack: Stack, name: str) -> None:
    retry_after = responses(stack)[name]["responseParameters"]["gatewayresponse.header.Retry-After"]
    assert re.fullmatch(r"'[1-9]\d*'", retry_after)


def test_a_body_that_is_too_large_is_sent_to_the_presigned_upload(stack: Stack) -> None:
    assert "/v1/files/presign" in body(responses(stack)["REQUEST_TOO_LARGE"])["error"]["message"]


def test_json_bodies_stay_text(stack: Stack) -> None:
    binary = stack.api["x-amazon-apigateway-binary-media-types"]
    assert {"*/*", "application/*", "application/json"} & set(binary) == set()


def test_the_api_is_regional(stack: Stack) -> None:
    (api,) = stack.of_type("AWS::ApiGateway::RestApi").values()
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_no_route_asks_api_gateway_for_an_api_key(stack: Stack) -> None:
    # `x-api-key` is a customer's secret here, not API Gateway's.
    assert "api_key" not in json.dumps(stack.api)
    assert "ApiKeyRequired" not in json.dumps(load())


def test_nothing_traces_or_logs_bodies(stack: Stack) -> None:
    (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
    (settings,) = stage["MethodSettings"]
    assert (settings["DataTraceEnabled"], settings["LoggingLevel"], "TracingEnabled" in stage) == (
        False,
        "OFF",
        False,
    )


def test_metrics_are_the_stages_and_the_stage_throttles(stack: Stack) -> None:
    (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
    (settings,) = stage["MethodSettings"]
    assert (settings["MetricsEnabled"], settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (
        False,
        {"Ref": "RequestsPerSecond"},
        {"Ref": "RequestBurst"},
    )


@pytest.mark.parametrize("name", REFUSALS)
def test_any_page_may_read_a_refusal(stack: Stack, name: str) -> None:
    told = responses(stack)[name]["responseParameters"]
    assert told["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
    assert told["gatewayresponse.header.Access-Control-Expose-Headers"] == "'*'"


def test_every_path_has_a_function_that_answers_preflights(stack: Stack) -> None:
    assert all({"options", "x-amazon-apigateway-any-method"} & set(path) for path in stack.paths.values())
    asked = {json.dumps(f["Environment"]["Variables"]["CORS_ORIGINS"]) for f in stack.functions.values()}
    assert asked == {'{"Ref": "CorsOrigins"}'}


def test_access_logs_are_json_without_what_a_client_may_hide_a_key_in(stack: Stack) -> None:
    (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
    logged = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    # $context.path is as the client wrote it; the route is ours.
    assert {v for v in logged if re.search(r"path$|header|querystring|authorizer|identity", v)} == set()
    assert "$context.resourcePath" in logged
